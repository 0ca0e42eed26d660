"""A stage, and where it stands in a training."""

from __future__ import annotations

from dataclasses import dataclass

from mtlzoo.training.stages import Stage


@dataclass(frozen=True)
class StagePlan:
    """A stage, and where it stands in the training.

    Attributes:
        stage: What is done.
        number: The number of the stage, from 1.
        first_epoch: The number of its first epoch, counted over all stages from 0.
        epochs_done: How many of its epochs an interrupted training has done already.
        batches_done: How many batches of the next epoch, likewise.
        resumed: Whether the stage is the one that was interrupted.
    """

    stage: Stage
    number: int
    first_epoch: int
    epochs_done: int = 0
    batches_done: int = 0
    resumed: bool = False
