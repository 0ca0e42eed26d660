"""Training of a model that TensorFlow's strategies may have mirrored on several devices."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import keras

from mtlzoo.keras_compat import ReplicaHooks, own_strategy


class ReplicatedTraining(ReplicaHooks):
    """What a `MultiTaskModel` does differently from Keras where it was built in the scope of a `tf.distribute` strategy.

    What Keras does before and after the steps fails with several workers; see :class:`mtlzoo.keras_compat.ReplicaHooks`. But
    only the optimizer is not built yet where losses and metrics are the heads', and an epoch's metrics are read from the
    sums over all replicas. So no batch is taken, and with several workers a step returns one metric, as a vector: the loss
    so far, for callbacks that show it.
    """

    def variable_scope(self) -> AbstractContextManager:
        """Where variables of the model have to be made."""
        strategy = own_strategy(self)
        return nullcontext() if strategy is None else strategy.scope()

    def make_train_function(self, force: bool = False) -> None:
        """Make Keras' function that trains, and let it build the optimizer before its first step.

        Keras leaves that to the step, and TensorFlow traces a step that makes variables twice, which takes seconds.
        """
        known = self.train_function
        super().make_train_function(force)
        train = self.train_function
        if keras.backend.backend() == "tensorflow" and train is not known:

            def build_and_train(iterator: Any) -> Any:
                self._build_optimizer()
                return train(iterator)

            self.train_function = build_and_train

    def train_step(self, *args: Any) -> Any:
        """Keras' step."""
        return self._step_logs(super().train_step(*args))

    def test_step(self, *args: Any) -> Any:
        """Keras' step."""
        return self._step_logs(super().test_step(*args))

    def build_before_training(self) -> None:
        """Build the optimizer, if a strategy mirrors the model."""
        if own_strategy(self) is not None:
            self._build_optimizer()

    def epoch_metrics(self) -> dict[str, Any] | None:
        """Those over all workers, if there are several."""
        return self.get_metrics_result() if self._has_workers() else None

    def _build_optimizer(self) -> None:
        variables = self.trainable_variables
        if variables and not self.optimizer.built:
            with self.variable_scope():
                self.optimizer.build(variables)

    def _step_logs(self, metrics: Any) -> Any:
        return {"loss": keras.ops.reshape(metrics["loss"], (1,))} if self._has_workers() else metrics

    def _has_workers(self) -> bool:
        if keras.backend.backend() != "tensorflow":
            return False
        import tensorflow as tf

        return isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy)
