"""Confidence intervals of estimated values by name, each a function of a PolicyValue."""

from ._asymptotic_intervals import (
    Interval,
    bca_interval,
    bootstrap_interval,
    check_confidence_level,
    normal_interval,
    student_interval,
)
from ._bounded_intervals import bernstein_interval, betting_interval
from ._likelihood_interval import cressie_read_interval
from ._weighted_intervals import ls_interval, mixture_interval

__all__ = [
    "INTERVALS",
    "Interval",
    "bca_interval",
    "bernstein_interval",
    "betting_interval",
    "bootstrap_interval",
    "check_confidence_level",
    "cressie_read_interval",
    "ls_interval",
    "mixture_interval",
    "normal_interval",
    "student_interval",
]

INTERVALS = {
    "normal": normal_interval,
    "student": student_interval,
    "bootstrap": bootstrap_interval,
    "bca": bca_interval,
    "bernstein": bernstein_interval,
    "cressie_read": cressie_read_interval,
    "betting": betting_interval,
    "mixture": mixture_interval,
    "ls": ls_interval,
}
