"""The network as its own teacher: what its averaged weights predict is what it learns in the next epoch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.data.pipeline import PipelineSettings
from mtlzoo.training.averaging import AveragedWeights, end_with_live_weights
from mtlzoo.training.teacher_answers import Teacher
from mtlzoo.training.teaching import TeacherLabels

if TYPE_CHECKING:
    from mtlzoo.models import MultiTaskModel


class SelfTeaching(keras.callbacks.Callback):
    """Fills in labels at the start of each epoch, as soon as the network has been trained for one.

    Args:
        labels: What is filled in.
        averaging: Puts the averaged weights in place.
        settings: How rows become batches.
        first: The number of the first epoch of the stage.
        trained: Whether the network has been trained in an earlier stage.
    """

    def __init__(
        self, labels: TeacherLabels, averaging: AveragedWeights, settings: PipelineSettings, first: int, trained: bool
    ):
        super().__init__()
        self.labels, self.averaging, self.settings = labels, averaging, settings
        self.first, self.trained = first, trained
        self.teacher: Teacher | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Let the averages stay what teaches, and not become what was trained."""
        end_with_live_weights(self.model.optimizer)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Predict the training rows, with averaged weights if the stage has made some."""
        if epoch == self.first and not self.trained:
            return
        model: MultiTaskModel = self.model
        if self.teacher is None or self.teacher.model is not model:
            self.teacher = Teacher(model, self.labels.looks_at_features)
        averaged = epoch > self.first
        if averaged:
            self.averaging.swap_in(model)
        try:
            said = (model.heads, self.teacher.predict(self.labels.train, self.settings))
            valid = self.labels.valid
            checked = [] if valid is None else [(model.heads, self.teacher.predict(valid, self.settings))]
        finally:
            if averaged:
                self.averaging.swap_out()
        self.labels.fill([said], checked)
