"""Arms as labels and as columns of a table."""

import numpy as np

# So few labels are looked up faster than sorted.
_FEW = 64


class ArmColumns:
    """The columns of a table with a column an arm, found by label.

    A number is never the text that looks like it: 1 is not "1".

    Parameters
    ----------
    arms : array-like of shape (n_arms,)
        The labels, in the order of the columns.

    Attributes
    ----------
    labels : ndarray of shape (n_arms,)
    """

    def __init__(self, arms):
        self.labels = np.asarray(arms)
        labels = arms if isinstance(arms, list) else self.labels.tolist()
        self._column = {label: column for column, label in enumerate(labels)}

    def find(self, labels):
        """Return the column of each label, -1 for a label that has none.

        Parameters
        ----------
        labels : ndarray of any shape

        Returns
        -------
        column : ndarray of int of the shape of `labels`
        """
        labels = np.asarray(labels)
        if labels.size <= _FEW:
            column = [self._column.get(label, -1) for label in labels.ravel().tolist()]
            return np.array(column, dtype=np.intp).reshape(labels.shape)
        values, index = distinct_labels(labels.ravel())
        column = [self._column.get(label, -1) for label in values]
        return np.array(column, dtype=np.intp)[index].reshape(labels.shape)

    def of_played(self, arms):
        """Return the columns of arms that were played in an environment, which has `labels`."""
        column = self.find(arms)
        if (column < 0).any():
            unknown = self.unknown(arms)[0]
            raise ValueError(
                f"The policy played the arm {unknown!r}, which the environment does not have: its "
                f"arms are {self.labels.tolist()}. Make the policy with arms=environment.arms."
            )
        return column

    def unknown(self, labels):
        """Return the distinct labels that have no column, as a list."""
        values, _ = distinct_labels(np.ravel(labels))
        return [label for label in values if label not in self._column]


def distinct_labels(labels):
    """Return the distinct labels as a list, and the position of each entry's label in it.

    Parameters
    ----------
    labels : ndarray of shape (n_samples,)

    Returns
    -------
    values : list of labels
        Sorted, unless `labels` are objects.
    index : ndarray of int of shape (n_samples,)
    """
    if labels.dtype.kind == "O":
        place = {}
        index = [place.setdefault(label, len(place)) for label in labels.tolist()]
        return list(place), np.array(index, dtype=np.intp)
    values, index = np.unique(labels, return_inverse=True)
    return values.tolist(), index


def show_labels(labels):
    """Write the first labels of a list, for a message."""
    return ", ".join(map(repr, labels[:5])) + (", ..." if len(labels) > 5 else "")


def show_rows(mask):
    """Write how many rows a mask holds, and the first of them, for a message."""
    rows = np.flatnonzero(mask)
    shown = ", ".join(str(row) for row in rows[:3])
    return f"{rows.size} row(s), the first at {shown}"


def entries_at(table, column):
    """Return the entries of each row at its columns.

    Parameters
    ----------
    table : ndarray of shape (n_samples, n_arms)
    column : ndarray of int of shape (n_samples,) or (n_samples, k)

    Returns
    -------
    entries : ndarray of the shape of `column`
    """
    at = column.reshape(len(table), -1)
    return np.take_along_axis(table, at, axis=1).reshape(column.shape)
