r"""Learning for kinds that keep all products of terms.

For a block of rounds that moves the posterior mean from :math:`m_0` to :math:`m_1` the residual
sum of squares becomes

.. math:: S_1 = S_0 + (m_1 - m_0)^\top A_0 (m_1 - m_0) + \sum w (r - x^\top m_1)^2.

With forgetting, the data part of the old terms fades and the prior part does not.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from .._gaussian import marginal_statistics
from ._base import Regression, check_finite
from ._examples import Examples
from ._sums import predict_rows, segment_gram, segment_sums, segments_of


class _Block(NamedTuple):
    """Examples sorted by group, and the factor by which all that came before fades."""

    examples: Examples
    kept: float
    segments: list


def _sorted_block(examples, start, size, n_groups, forgetting, buffer):
    """Sort a block of examples by group; this depends on nothing that is learnt."""
    part, kept = examples.part(start, start + size).faded(forgetting)
    return _Block(part, kept, segments_of(part, n_groups, buffer))


class MatrixRegression(Regression):
    """A regression that keeps a matrix of products for every group."""

    @staticmethod
    def _no_gram(n_groups, n_terms):
        # Nothing is ever written to it: all groups may hold the same one.
        return (np.zeros((n_terms, n_terms)),) * n_groups

    @staticmethod
    def _collect(grams):
        return tuple(grams)

    def _moved(self, segments, kept):
        """Groups whose posterior changes when the old rounds fade and these segments come."""
        raise NotImplementedError

    def _noise_of(self, groups):
        """Index of the noise of these groups."""
        raise NotImplementedError

    def _solve_after(self, old, moved, with_factors):
        """Find the posterior means from those before, where only some groups have moved.

        `with_factors` says that whoever asked the old ones for widths is likely to ask again.
        """

    def _learnt_in_blocks(self, examples, block_size, forgetting):
        starts = range(0, examples.n_rows, block_size)
        buffers = [np.empty((block_size, self.n_features)) for _ in starts[:2]]
        task = (examples, 0, block_size, self.n_groups, forgetting, buffers[0])
        if len(starts) == 1:
            return self._after_block(_sorted_block(*task), with_factors=True)
        new = self
        # Sorting moves memory and learning computes: the next block is sorted meanwhile.
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(_sorted_block, *task)
            for number, _ in enumerate(starts, start=1):
                block = waiting.result()
                if number < len(starts):
                    task = (examples, starts[number], *task[2:5], buffers[number % 2])
                    waiting = pool.submit(_sorted_block, *task)
                new = new._after_block(block, with_factors=False)
        return new

    def _after_block(self, block, with_factors):
        kept, segments = block.kept, block.segments
        gram, moment, weight = list(self.gram), kept * self.moment, kept * self.weight
        reward_sum = kept * self.reward_sum
        reward_square = kept * self.reward_square if self.learns_noise else None
        if kept < 1.0:
            gram = [kept * one for one in gram]
        shared_gram = None
        if block.examples.reward is None:
            shared_gram = segment_gram(block.examples.rows, block.examples.weight, self.intercept)
        for segment in segments:
            group, sums = segment.group, segment_sums(segment, self.intercept, shared_gram)
            gram[group] = gram[group] + sums.gram
            moment[group] += sums.moment
            weight[group] += sums.weight
            reward_sum[group] += sums.reward_sum
            if self.learns_noise:
                reward_square[group] += sums.reward_square
            # No product of terms exceeds the largest square.
            check_finite(gram[group].diagonal(), moment[group])
        new = self._changed(
            gram=tuple(gram),
            moment=moment,
            weight=weight,
            reward_sum=reward_sum,
            reward_square=reward_square,
        )
        return new._residual_after(self, block, with_factors) if self.learns_noise else new

    def _residual_after(self, old, block, with_factors):
        """This regression with its residual sum of squares, from the one before."""
        kept, segments, lam = block.kept, block.segments, self.prior_precision
        moved = self._moved(segments, kept)
        self._solve_after(old, moved, with_factors)
        weights, noises = self._weights(moved), self._noise_of(moved)
        residual_square = old.residual_square.copy()
        prior = (1.0 - kept) * lam * self._prior_square(weights)
        residual_square[noises] = kept * old._objective(weights, moved) + prior
        for segment in segments:
            error = segment.reward - predict_rows(
                segment.rows, self._own_coef()[segment.group], self.intercept
            )
            weighted = error if segment.weight is None else error * segment.weight
            residual_square[self._noise_of(segment.group)] += weighted @ error
        check_finite(residual_square, self.reward_square)
        return self._with_residual(residual_square)

    # The prior under which each group alone is marginalised, over the prior of its own weights.
    _marginal_prior = 1.0

    def _without(self, dropped):
        lam = self._marginal_prior * self.prior_precision
        pairs = [
            marginal_statistics(gram, moment, lam, dropped)
            for gram, moment in zip(self.gram, self.moment, strict=True)
        ]
        grams, moments = zip(*pairs, strict=True)
        return self._changed(gram=grams, moment=np.stack(moments))
