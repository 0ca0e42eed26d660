"""Masked losses: each is the mean over labelled rows, whatever the batch holds. `keras.ops` only.

`LOSSES` is the registry of losses that heads of numbers take by name.
"""

from mtlzoo.losses.base import MaskedLoss
from mtlzoo.losses.boxes import MaskedGeneralizedIoU, MaskedScaledSquaredError
from mtlzoo.losses.crossentropy import MaskedBinaryCrossentropy, MaskedCategoricalCrossentropy
from mtlzoo.losses.detection import MaskedDetectionLoss
from mtlzoo.losses.distribution import MaskedLabelDistributionLoss
from mtlzoo.losses.ordinal import MaskedOrdinalCrossentropy
from mtlzoo.losses.regression import MaskedHuber, MaskedMeanAbsoluteError, MaskedMeanSquaredError
from mtlzoo.losses.wing import MaskedWing
from mtlzoo.system.registries import LOSSES

__all__ = [
    "LOSSES",
    "MaskedBinaryCrossentropy",
    "MaskedCategoricalCrossentropy",
    "MaskedDetectionLoss",
    "MaskedGeneralizedIoU",
    "MaskedHuber",
    "MaskedLabelDistributionLoss",
    "MaskedLoss",
    "MaskedMeanAbsoluteError",
    "MaskedMeanSquaredError",
    "MaskedOrdinalCrossentropy",
    "MaskedScaledSquaredError",
    "MaskedWing",
]
