"""How well distances agree with opinion scores."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special, stats

from perceptmetric.errors import InputError

Floats = NDArray[np.float64]

RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """The statistics of one metric on one database. Positive correlations mean agreement.

    Args:
        srocc: Spearman's rank correlation of MOS with the negative distance.
        krocc: Kendall's tau-b of the same.
        plcc: Pearson's correlation of the same.
        plcc_logistic: Pearson's correlation of MOS with the fitted `logistic`; None if the fit did not converge.
        rmse: root mean square error of that fit, in units of MOS; None if it did not converge.
        ci95: 95% interval of `srocc`, a bootstrap over references (1000 resamples, seed 0).
    """

    srocc: float
    krocc: float
    plcc: float
    plcc_logistic: float | None
    rmse: float | None
    ci95: tuple[float, float]


def agreement(distances: Floats, mos: Floats, references: Sequence[Hashable]) -> Agreement:
    """How well distances agree with mean opinion scores.

    Args:
        distances: (pairs,) larger is worse.
        mos: (pairs,) larger is better.
        references: (pairs,) which reference a pair belongs to.

    Raises:
        InputError: all distances, or all scores, are equal: nothing correlates with a constant.

    Example:
        >>> distances = np.array([0.0, 1.0, 2.0, 3.0, 4.0])
        >>> agreement(distances, np.array([9.0, 8.0, 6.0, 3.0, 2.0]), "aabbc").srocc
        1.0
    """
    for name, values in (("distances", distances), ("mos", mos)):
        if np.ptp(values) == 0:
            raise InputError(f"{name}: found one value for all {len(values)} pairs, expected some to differ")
    quality = -distances
    fitted = _fit(quality, mos)
    return Agreement(
        srocc=srocc(quality, mos),
        krocc=float(stats.kendalltau(quality, mos).statistic),
        plcc=_pearson(quality, mos),
        plcc_logistic=None if fitted is None else _pearson(fitted, mos),
        rmse=None if fitted is None else float(np.sqrt(np.mean((fitted - mos) ** 2))),
        ci95=_bootstrap(srocc, quality, mos, references),
    )


def srocc(quality: Floats, mos: Floats) -> float:
    """Spearman's rank correlation; ties share their mean rank."""
    return _pearson(stats.rankdata(quality), stats.rankdata(mos))


def logistic(quality: Floats, top: float, bottom: float, centre: float, width: float) -> Floats:
    """The 4-parameter logistic of the VQEG's FR-TV Phase I report (2000), from a metric's scale to MOS.

    `bottom + (top - bottom) / (1 + exp(-(quality - centre) / |width|))`.
    """
    return np.asarray(bottom + (top - bottom) * special.expit((quality - centre) / abs(width)))


def _fit(quality: Floats, mos: Floats) -> Floats | None:
    standardised = (quality - quality.mean()) / quality.std()
    start = np.array([mos.max(), mos.min(), 0.0, 1.0])

    def errors(parameters: Floats) -> Floats:
        return logistic(standardised, *parameters) - mos

    fit = optimize.least_squares(errors, start, method="lm")
    return logistic(standardised, *fit.x) if fit.success else None


def _pearson(x: Floats, y: Floats) -> float:
    """Pearson's correlation, not a number where one side is constant."""
    x, y = x - x.mean(), y - y.mean()
    scale = np.sqrt(np.sum(x**2) * np.sum(y**2))
    return float(np.sum(x * y) / scale) if scale > 0 else float("nan")


def _bootstrap(
    statistic: Callable[[Floats, Floats], float], quality: Floats, mos: Floats, references: Sequence[Hashable]
) -> tuple[float, float]:
    """95% percentile interval; whole references are drawn, because their pairs are not independent."""
    members: dict[Hashable, list[int]] = {}
    for index, reference in enumerate(references):
        members.setdefault(reference, []).append(index)
    groups = [np.array(indices) for indices in members.values()]
    draws = np.random.default_rng(0).integers(len(groups), size=(RESAMPLES, len(groups)))
    drawn = (np.concatenate([groups[group] for group in draw]) for draw in draws)
    low, high = np.nanquantile([statistic(quality[pairs], mos[pairs]) for pairs in drawn], [0.025, 0.975])
    return float(low), float(high)
