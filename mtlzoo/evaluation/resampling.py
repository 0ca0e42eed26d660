"""The bootstrap over rows, or over groups of rows that belong together: draws, intervals, and how sure a difference is."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

DRAWN_AT_ONCE = 2_000_000  # numbers, so that many rows need no more memory than a few


def draw_counts(units: int, resamples: int, seed: int = 0) -> Iterator[np.ndarray]:
    """How often each unit is drawn in each resample, with replacement and as many as there are.

    Args:
        units: How many rows, or groups of rows, there are.
        resamples: How many resamples.
        seed: The same seed draws the same.

    Yields:
        int64 `(some resamples, units)`, until there are as many as asked for.

    Example:

    ```python
    from mtlzoo.evaluation.resampling import draw_counts

    assert all((counts.sum(axis=1) == 5).all() for counts in draw_counts(5, 100))
    ```
    """
    rng = np.random.default_rng(seed)
    step = max(1, DRAWN_AT_ONCE // units)
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.integers(units, size=(size, units)) + np.arange(size)[:, None] * units
        yield np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)


def bootstrap_interval(drawn: np.ndarray, units: int, coverage: float = 0.95) -> tuple[float, float]:
    """The expanded percentile interval of what resamples gave (Hesterberg 2015, doi:10.1080/00031305.2015.1089789).

    The percentile interval is too narrow for few units, as a standard deviation with n below it is: its quantiles are moved
    to where those of the t distribution with n - 1 degrees of freedom would be, times the root of n / (n - 1).

    Args:
        drawn: The statistic in each resample; `NaN` where it has no value, which is left out.
        units: How many units are drawn from.
        coverage: How often such an interval is to hold the true value.

    Returns:
        The lower and the upper end; `NaN` with fewer than two units, or without any value.
    """
    from scipy import stats  # takes a second to load

    known = drawn[~np.isnan(drawn)]
    if units < 2 or not len(known):
        return float("nan"), float("nan")
    tail = stats.norm.cdf(stats.t.ppf((1 - coverage) / 2, units - 1) * np.sqrt(units / (units - 1)))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def p_value(drawn: np.ndarray, units: int) -> float:
    """How likely a difference as large as the one found would be if there were none, as :func:`bootstrap_interval` has it.

    Args:
        drawn: The difference in each resample.
        units: How many units are drawn from.

    Returns:
        Two-sided, from 0 to 1: below 0.05 where the 95 % interval does not hold 0. `NaN` as there.
    """
    from scipy import stats

    known = drawn[~np.isnan(drawn)]
    if units < 2 or not len(known):
        return float("nan")
    beyond = min((known <= 0).sum(), (known >= 0).sum())
    tail = min((beyond + 1) / (len(known) + 1), 0.5)
    return float(2 * stats.t.cdf(stats.norm.ppf(tail) * np.sqrt((units - 1) / units), units - 1))


def holm(p_values: np.ndarray) -> np.ndarray:
    """p-values of several questions, made larger so that all answers together are wrong no more often than one (Holm 1979).

    Args:
        p_values: `(questions,)`, `NaN` for those that are not asked.

    Returns:
        The same shape, at most 1.

    Example:

    ```python
    import numpy as np
    from mtlzoo.evaluation.resampling import holm

    holm(np.array([0.01, 0.04, 0.03]))  # [0.03, 0.06, 0.06]
    ```
    """
    corrected = np.full(len(p_values), np.nan)
    asked = np.flatnonzero(~np.isnan(p_values))
    order = asked[np.argsort(p_values[asked], kind="stable")]
    corrected[order] = np.minimum(1, np.maximum.accumulate(p_values[order] * np.arange(len(order), 0, -1)))
    return corrected
