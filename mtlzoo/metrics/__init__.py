"""Masked metrics: labelled rows only, and exact over an epoch whatever the batches. `keras.ops` only."""

from mtlzoo.metrics.accuracy import MaskedBinaryAccuracy, MaskedCategoricalAccuracy, MaskedOrdinalAccuracy
from mtlzoo.metrics.base import MaskedMetric, RatioOfSums
from mtlzoo.metrics.error import (
    MaskedExpectationError,
    MaskedMeanAbsoluteError,
    MaskedOrdinalError,
    median_level,
)
from mtlzoo.metrics.f1 import MaskedF1
from mtlzoo.metrics.landmarks import MaskedFailureRate, MaskedNormalizedMeanError

__all__ = [
    "MaskedBinaryAccuracy",
    "MaskedCategoricalAccuracy",
    "MaskedExpectationError",
    "MaskedF1",
    "MaskedFailureRate",
    "MaskedMeanAbsoluteError",
    "MaskedMetric",
    "MaskedNormalizedMeanError",
    "MaskedOrdinalAccuracy",
    "MaskedOrdinalError",
    "RatioOfSums",
    "median_level",
]
