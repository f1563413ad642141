"""Rows of any kind, for bandits that keep contexts as they came.

Arrays, CSR matrices, frames and series of pandas and polars, and lists: rows are rows by position,
never by index label.
"""

from .._rows import join_rows, n_rows, row_keys, take_rows

__all__ = ["join_rows", "n_rows", "row_keys", "take_rows"]
