"""Masked metrics: labelled rows only, and exact over an epoch whatever the batches. `keras.ops` only."""

from mtlzoo.metrics.accuracy import MaskedBinaryAccuracy, MaskedCategoricalAccuracy, MaskedOrdinalAccuracy
from mtlzoo.metrics.auc import MaskedAUC
from mtlzoo.metrics.balanced import MaskedBalancedAccuracy, MaskedBinaryBalancedAccuracy, MaskedMacroF1
from mtlzoo.metrics.base import MaskedMetric, RatioOfSums
from mtlzoo.metrics.boxes import (
    MaskedFirstAccuracy,
    MaskedIoUFraction,
    MaskedMeanIoU,
    MaskedScaledSquaredError,
)
from mtlzoo.metrics.detection import MaskedDetectionF1
from mtlzoo.metrics.error import (
    MaskedExpectationError,
    MaskedMeanAbsoluteError,
    MaskedOrdinalError,
    median_level,
)
from mtlzoo.metrics.f1 import MaskedF1
from mtlzoo.metrics.landmarks import MaskedFailureRate, MaskedNormalizedMeanError

__all__ = [
    "MaskedAUC",
    "MaskedBalancedAccuracy",
    "MaskedBinaryAccuracy",
    "MaskedBinaryBalancedAccuracy",
    "MaskedCategoricalAccuracy",
    "MaskedDetectionF1",
    "MaskedExpectationError",
    "MaskedF1",
    "MaskedFailureRate",
    "MaskedFirstAccuracy",
    "MaskedIoUFraction",
    "MaskedMacroF1",
    "MaskedMeanAbsoluteError",
    "MaskedMeanIoU",
    "MaskedMetric",
    "MaskedNormalizedMeanError",
    "MaskedOrdinalAccuracy",
    "MaskedOrdinalError",
    "MaskedScaledSquaredError",
    "RatioOfSums",
    "median_level",
]
