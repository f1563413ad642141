"""The progress bar, where tqdm is installed."""

import sys
from contextlib import contextmanager


@contextmanager
def progress_bar(total, progress):
    """Show a bar of `total` rounds; yield the function that advances it, or None without a bar.

    Parameters
    ----------
    total : int
    progress : bool or None
        None shows a bar if tqdm is installed and standard error is a terminal.
    """
    if progress is None:
        progress = sys.stderr is not None and sys.stderr.isatty() and _find_tqdm() is not None
    if not progress:
        yield None
        return
    tqdm = _find_tqdm()
    if tqdm is None:
        raise ImportError(
            "progress=True needs tqdm. Install it (pip install tqdm) or use progress=False."
        )
    with tqdm(total=total, unit=" rounds", unit_scale=True) as bar:
        yield bar.update


def _find_tqdm():
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm
