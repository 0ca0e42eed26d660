"""Training of a model with balancing."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from mtlzoo.keras_compat import track, untrack
from mtlzoo.models.steps import Balancer, TaskMonitor, backend_step, make_balancer

if TYPE_CHECKING:
    import keras

    from mtlzoo.heads import Head
    from mtlzoo.models.steps.state import BalancingState

    class _Base(keras.Model):
        @property
        def heads(self) -> Mapping[str, Head]: ...

        def variable_scope(self) -> AbstractContextManager[Any]: ...
else:
    _Base = object  # `keras.Model` comes last among the bases of a model


class BalancedTraining(_Base):
    """What a `MultiTaskModel` is besides a Keras model: one that can balance its tasks.

    Attributes:
        balancer: The method at work, or `None`.
        balancing_state: Its variables, which are among the model's own; or `None`.
        task_monitor: What is counted of the steps, or `None`.
    """

    balancer: Balancer | None = None
    balancing_state: BalancingState | None = None
    task_monitor: TaskMonitor | None = None

    @property
    def network_weights(self) -> list[keras.Variable]:
        """The variables of the network itself, without what balancing has learned: the same in every copy of a model."""
        parts = [part for part in (self.balancing_state, self.task_monitor) if part is not None]
        others = {id(variable) for part in parts for variable in part.variables}
        return [variable for variable in self.weights if id(variable) not in others]

    def train_step(self, *args: Any) -> Any:
        """Keras' step, or with balancing that of the backend's module in `mtlzoo.models.steps`."""
        if self.balancer is None:
            return super().train_step(*args)
        return backend_step().train_step(self, self.balancer, *args)

    def monitor_tasks(self, monitored: bool = True) -> TaskMonitor | None:
        """Choose whether training counts weights and conflicts of the tasks, for :class:`mtlzoo.BalancingMonitor`.

        The tasks' gradients with respect to the representation are then computed at each step, also where no method
        needs them. `compile` ends it.

        Returns:
            What is counted.
        """
        with self.variable_scope():
            if monitored and self.balancer is None:
                self._set_balancer(make_balancer("equal", self.heads, only=True))
            elif not monitored and self.balancer is not None and self.balancer.only_monitors:
                self._set_balancer(None)
            self._set_monitor(TaskMonitor(len(self.heads)) if monitored else None)
        if self.train_function is not None:
            self.make_train_function(force=True)
        return self.task_monitor

    def balance_like(self, other: BalancedTraining) -> None:
        """Train with another model's balancing, and share with it what is learned. Compile first."""
        self._set_balancer(other.balancer)

    def _set_balancer(self, balancer: Balancer | None) -> None:
        """Train with it; its variables become the model's own, those of an earlier one are forgotten."""
        self._set_monitor(None)
        if self.balancing_state is not None and (balancer is None or balancer.state is not self.balancing_state):
            untrack(self, self.balancing_state)
        self.balancer = balancer
        self.balancing_state = None if balancer is None else balancer.state
        if balancer is not None:
            track(self, balancer.state)

    def _set_monitor(self, monitor: TaskMonitor | None) -> None:
        if self.task_monitor is not None:
            untrack(self, self.task_monitor)
        self.task_monitor = monitor
        if self.balancer is not None:
            self.balancer.monitor = monitor
