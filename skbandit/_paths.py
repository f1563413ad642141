"""Public paths: what files store of a class outlives a move of the module that defines it."""

import inspect


def set_public_path(module, *members):
    """Let classes say the path under which they are public.

    Parameters
    ----------
    module : str
        The public path.
    *members : classes
        Others are passed over.
    """
    for member in members:
        if inspect.isclass(member):
            member.__module__ = module
