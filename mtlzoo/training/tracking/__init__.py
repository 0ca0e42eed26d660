"""Trackers of experiments: each tool's own Keras callback, told of stages, of resuming and of the recipe."""

from mtlzoo.training.tracking.track import Track
from mtlzoo.training.tracking.tracking import Tracking

__all__ = ["Track", "Tracking"]
