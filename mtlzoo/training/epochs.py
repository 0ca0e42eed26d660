"""The epochs of a stage: Keras' `fit`, which is called twice where the first of them is half done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import keras

from mtlzoo.models.steps import BalancingEpochs
from mtlzoo.training.averaging import end_with_live_weights
from mtlzoo.training.feature_training import FitInputs
from mtlzoo.training.rows import Rows, count_steps
from mtlzoo.training.stage_plan import StagePlan


def train_epochs(plan: StagePlan, inputs: FitInputs, rows: Rows) -> None:
    """Train the epochs of a stage that are left.

    Args:
        plan: The stage, and where it stands.
        inputs: What is trained, on what.
        rows: The training rows, as they become batches from the next epoch on.
    """
    model, epoch, end = inputs.model, plan.first_epoch + plan.epochs_done, plan.first_epoch + plan.stage.epochs
    how: dict[str, Any] = {"validation_data": inputs.validation, "verbose": 0}
    if not plan.batches_done:
        model.fit(inputs.train, initial_epoch=epoch, epochs=end, callbacks=inputs.callbacks, **how)
        return
    balancing = [BalancingEpochs()] if model.balancer is not None else []  # which a list of callbacks is given by `fit`
    once = _OneTraining([*balancing, *inputs.callbacks], model, end)
    rest = Rows(rows.source, replace(rows.settings, first_batch=plan.batches_done)).dataset()
    once.set_params({**once.params, "steps": count_steps(rest)})
    # With averaged weights Keras ends a training with them, but this is not its end.
    end_with_live_weights(model.optimizer)
    try:
        model.fit(rest, initial_epoch=epoch, epochs=epoch + 1, callbacks=once, **how)
    finally:
        del model.optimizer.finalize_variable_values  # the class has its own
    if epoch + 1 < end and not model.stop_training:
        once.set_params({**once.params, "steps": count_steps(inputs.train)})
        others = Rows(rows.source, replace(rows.settings, first_epoch=rows.settings.first_epoch + 1)).dataset()
        model.fit(others, initial_epoch=epoch + 1, epochs=end, callbacks=once, **how)
    once.end()


class _OneTraining(keras.callbacks.CallbackList):
    """Callbacks that see several calls of `fit` as one training."""

    def __init__(self, callbacks: Sequence[keras.callbacks.Callback], model: keras.Model, epochs: int):
        super().__init__(list(callbacks), add_history=True, model=model, verbose=0, epochs=epochs, steps=None)
        self._begun = False
        self._logs: dict[str, Any] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tell it once."""
        if not self._begun:
            self._begun = True
            super().on_train_begin(logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Keep it until :meth:`end`."""
        self._logs = logs

    def end(self) -> None:
        """Tell that the training has ended."""
        super().on_train_end(self._logs)
