"""The one place that touches scikit-learn's private names.

Everything here lacks a public equivalent in scikit-learn; when a name moves, this file is all
that changes.
"""

from sklearn.base import _fit_context
from sklearn.utils._param_validation import HasMethods, Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

__all__ = ["HasMethods", "Interval", "StrOptions", "_check_sample_weight", "_fit_context"]
