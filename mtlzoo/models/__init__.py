"""The builders and the model they build."""

from mtlzoo.models.averaging import average
from mtlzoo.models.builders import build, named_builder
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.freezing import set_trainable
from mtlzoo.models.multitask import MultiTaskModel

__all__ = ["Calibration", "MultiTaskModel", "average", "build", "named_builder", "set_trainable"]
