"""Laplace's approximation of weights that come from a distribution which groups teach.

See :mod:`skbandit._regression._hierarchical`; rounds add natural parameters without a noise.
"""

from .._regression import HierarchicalRegression
from ._laplace import LaplaceLearning
from ._newton import full_mode, sites


class HierarchicalLaplace(LaplaceLearning, HierarchicalRegression):
    """Weights of its own for every group, from a distribution that all groups teach."""

    def _at_modes(self, old, opened, forgetting):
        mean, scale = old.hyperprior
        learnt, converged = {}, True
        starts = old._whitened().coef
        for group, own in opened.items():
            if own.is_due or self._is_full(own, forgetting):
                own, gram, moment = own.together(), own.gram, own.moment
            else:
                gram, moment = self.gram[group], self.moment[group]
            rows = own.parts[-1]
            at_mean = rows.design @ mean
            white = rows._replace(
                design=rows.design * scale,
                offset=at_mean if rows.offset is None else at_mean + rows.offset,
            )
            mode, reached = full_mode(
                self.likelihood,
                white,
                scale[:, None] * gram * scale,
                scale * (moment - gram @ mean),
                prior_precision=self.prior_precision,
                prior_mean=0.0,
                start=starts[group],
            )
            converged &= reached
            added = sites(self.likelihood, rows, mean + scale * mode)
            learnt[group] = own, gram + added.gram, moment + added.moment
        return self._after(learnt, converged, forgetting)
