"""Masked metrics: labelled rows only, and exact over an epoch whatever the batches. `keras.ops` only."""

from mtlzoo.metrics.accuracy import MaskedBinaryAccuracy, MaskedCategoricalAccuracy, MaskedOrdinalAccuracy
from mtlzoo.metrics.base import MaskedMetric, RatioOfSums
from mtlzoo.metrics.error import MaskedMeanAbsoluteError, MaskedOrdinalError, median_level
from mtlzoo.metrics.f1 import MaskedF1

__all__ = [
    "MaskedBinaryAccuracy",
    "MaskedCategoricalAccuracy",
    "MaskedF1",
    "MaskedMeanAbsoluteError",
    "MaskedMetric",
    "MaskedOrdinalAccuracy",
    "MaskedOrdinalError",
    "RatioOfSums",
    "median_level",
]
