"""Training of a model that TensorFlow's strategies have mirrored on several devices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras


class ReplicatedTraining:
    """What a `MultiTaskModel` does differently from Keras where it was built in the scope of a `tf.distribute` strategy.

    Keras 3.15 takes a batch before training, to build what is not built, by a mean over replicas that fails with several
    workers; so does its mean of a step's figures over their first axis, which they have not. See
    https://github.com/keras-team/keras/issues/20585. But only the optimizer is not built yet where losses and metrics are
    the heads', and an epoch's figures are read from the sums over all replicas. So no batch is taken, and with several
    workers a step returns one figure, as a vector: the loss so far, for callbacks that show it.
    """

    def variable_scope(self) -> AbstractContextManager:
        """Where variables of the model have to be made."""
        strategy = getattr(self, "_distribute_strategy", None)
        return nullcontext() if strategy is None else strategy.scope()

    def train_step(self, *args: Any) -> Any:
        """Keras' step."""
        return self._figures(super().train_step(*args))

    def test_step(self, *args: Any) -> Any:
        """Keras' step."""
        return self._figures(super().test_step(*args))

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        if self._distribute_strategy is not None and not self.optimizer.built:
            with self.variable_scope():
                self.optimizer.build(self.trainable_variables)

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        return self.get_metrics_result() if self._has_workers() else super()._get_metrics_result_or_logs(logs)

    def _figures(self, figures: Any) -> Any:
        return {"loss": keras.ops.reshape(figures["loss"], (1,))} if self._has_workers() else figures

    def _has_workers(self) -> bool:
        if keras.backend.backend() != "tensorflow":
            return False
        import tensorflow as tf

        return isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)
