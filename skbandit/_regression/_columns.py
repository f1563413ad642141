"""An array that never changes; to replace a few of its columns costs what these few cost."""

import numpy as np
from scipy import sparse

# Bytes of a page: copying one takes about as long as finding it.
_PAGE_BYTES = 1 << 12
# Pages of a sheet.
_SHEET_PAGES = 64


class Columns:
    """A persistent array: one small array for each of very many columns.

    Columns lie in pages of a fixed number of them, pages in sheets. What replaces columns copies
    the pages in which they lie and the sheets of those pages, and shares all others with what
    was there before. No page is ever written to after it was made, so whoever reads an older one
    in another thread goes on reading what was there.

    Parameters
    ----------
    sheets : tuple of tuple of ndarray of shape (page_columns, *shape)
    n_columns : int
        The last page may hold more.
    """

    __slots__ = ("_n_columns", "_page_bits", "_sheets")

    def __init__(self, sheets, n_columns):
        self._sheets = sheets
        self._n_columns = n_columns
        self._page_bits = (len(sheets[0][0]) - 1).bit_length()

    @classmethod
    def zeros(cls, n_columns, shape):
        """Return columns of zeros, which all share one page.

        Parameters
        ----------
        n_columns : int
        shape : tuple of int
            Of a column.
        """
        page = np.zeros((_page_columns(n_columns, shape), *shape))
        n_pages = max(1, -(-n_columns // len(page)))
        return cls(_in_sheets([page] * n_pages), n_columns)

    @classmethod
    def of(cls, array):
        """Return the columns of an array (n_columns, ...), which must not change any more."""
        size = _page_columns(len(array), array.shape[1:])
        missing = -len(array) % size
        pages = [array[start : start + size] for start in range(0, len(array) - missing, size)]
        pages = pages[: len(array) // size]
        if missing:
            last = np.zeros((size, *array.shape[1:]))
            last[: size - missing] = array[len(array) - size + missing :]
            pages.append(last)
        return cls(_in_sheets(pages), len(array))

    def __reduce__(self):
        return Columns.of, (self.whole(),)

    def __len__(self):
        return self._n_columns

    @property
    def shape(self):
        """(n_columns, *shape of a column)."""
        return self._n_columns, *self._sheets[0][0].shape[1:]

    def whole(self):
        """All columns in an array of its own."""
        pages = [page for sheet in self._sheets for page in sheet]
        return np.concatenate(pages)[: self._n_columns]

    def take(self, columns):
        """Some columns in an array of its own.

        Parameters
        ----------
        columns : ndarray of int of shape (n,)

        Returns
        -------
        values : ndarray of shape (n, *shape)
        """
        bits = self._page_bits
        if 4 * len(columns) > self._n_columns:
            return self.whole()[columns]
        offset = (1 << bits) - 1
        sheets = self._sheets
        found = [
            sheets[page // _SHEET_PAGES][page % _SHEET_PAGES][place]
            for page, place in zip(
                (columns >> bits).tolist(), (columns & offset).tolist(), strict=True
            )
        ]
        return np.array(found).reshape(len(columns), *sheets[0][0].shape[1:])

    def put(self, columns, values):
        """Return the array with some columns replaced.

        Parameters
        ----------
        columns : ndarray of int of shape (n,)
            Ascending and distinct.
        values : ndarray of shape (n, *shape)
        """
        if len(columns) == 0:
            return self
        if len(columns) == self._n_columns:
            return Columns.of(values)
        bits = self._page_bits
        number = columns >> bits
        offset = columns - (number << bits)
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        stops = np.append(starts[1:], len(columns))
        sheets, opened = list(self._sheets), {}
        for page, start, stop in zip(
            number[starts].tolist(), starts.tolist(), stops.tolist(), strict=True
        ):
            place = page // _SHEET_PAGES
            sheet = opened.get(place)
            if sheet is None:
                sheet = opened[place] = list(sheets[place])
            new = sheet[page % _SHEET_PAGES].copy()
            new[offset[start:stop]] = values[start:stop]
            sheet[page % _SHEET_PAGES] = new
        for place, sheet in opened.items():
            sheets[place] = tuple(sheet)
        return Columns(tuple(sheets), self._n_columns)


def columns_of(rows):
    """The columns that CSR rows have, and the rows in these alone.

    Returns
    -------
    columns : ndarray of int or None
        None: all; rows are dense, or have more entries than there are columns.
    local : array or CSR
    """
    if not sparse.issparse(rows):
        return None, rows
    rows = sparse.csr_array(rows)
    if rows.dtype != np.float64:
        rows = rows.astype(np.float64)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if rows.nnz >= rows.shape[1]:
        return None, rows
    if rows.shape[0] == 1:
        return rows.indices, rows.data[None, :]
    columns, place = np.unique(rows.indices, return_inverse=True)
    shape = (rows.shape[0], len(columns))
    return columns, sparse.csr_array((rows.data, place.ravel(), rows.indptr), shape=shape)


def _page_columns(n_columns, shape):
    """Columns of a page, a power of 2."""
    column_bytes = 8 * int(np.prod(shape))
    most = max(1, _PAGE_BYTES // max(column_bytes, 1))
    return 1 << min(most.bit_length() - 1, max(n_columns - 1, 0).bit_length())


def _in_sheets(pages):
    return tuple(
        tuple(pages[start : start + _SHEET_PAGES]) for start in range(0, len(pages), _SHEET_PAGES)
    )
