"""What a balancing method keeps while a model trains: a layer without an output, beside the graph."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from mtlzoo.balancing import Balancing

Tensor = Any


class BalancingState(keras.layers.Layer):
    """The variables of a balancing method.

    As a layer they are among the model's own variables, so that the optimizer trains those that it should, Keras carries
    them through its steps, and checkpoints and `get_weights` hold them. They are no part of the graph, and so of no
    exported file.

    Args:
        balancing: The method.
        tasks: For each task whether its predictions are numbers.
    """

    def __init__(self, balancing: Balancing, tasks: Mapping[str, bool], name: str = "balancing_state"):
        super().__init__(name=name, dtype="float32")
        self.constants: dict[str, np.ndarray] = {}
        self.noise: dict[str, tuple[int, ...]] = {}
        self.kept: dict[str, keras.Variable] = {}
        self.trained: list[str] = []
        self.seed = keras.random.SeedGenerator()
        for key, variable in balancing.variables(tasks).items():
            if variable.role == "constant":
                self.constants[key] = np.asarray(variable.value, "float32")
            elif variable.role == "noise":
                self.noise[key] = variable.value.shape
            else:
                self._keep(key, variable.value, trainable=variable.role == "trained")
        if balancing.uses_losses_after and not balancing.recompute:
            # What the losses were one step ago.
            self._keep("losses_before", np.full(len(tasks), np.nan))
            self._keep("present_before", np.zeros(len(tasks)))
        self.built = True

    def _keep(self, key: str, value: np.ndarray, trainable: bool = False) -> None:
        self.kept[key] = self.add_weight(
            shape=np.shape(value),
            initializer=keras.initializers.Constant(np.asarray(value, "float32")),
            trainable=trainable,
            name=key,
            # Replicas compute the same new values, each for itself.
            aggregation="only_first_replica" if not trainable else None,
        )
        if trainable:
            self.trained.append(key)

    def values(self) -> dict[str, Tensor]:
        """All that the method's functions take, by name; noise is drawn."""
        drawn = {key: keras.random.normal(shape, seed=self.seed) for key, shape in self.noise.items()}
        constants = {key: keras.ops.convert_to_tensor(value) for key, value in self.constants.items()}
        return {**constants, **drawn, **self.kept_values()}

    def kept_values(self) -> dict[str, Tensor]:
        """The values of what is kept from step to step, by name; not the variables themselves."""
        return {key: keras.ops.copy(variable) for key, variable in self.kept.items()}

    def assign(self, values: Mapping[str, Tensor]) -> None:
        """New values of some variables."""
        for key, value in values.items():
            self.kept[key].assign(value)

    # === Files: Keras keeps no generator of random numbers ===

    def save_own_variables(self, store: Any) -> None:
        """The variables, and where the draws have got to."""
        super().save_own_variables(store)
        store["seed"] = self.seed.state

    def load_own_variables(self, store: Any) -> None:
        """The same."""
        self.seed.state.assign(store["seed"][...])
        super().load_own_variables({key: store[key] for key in store.keys() if key != "seed"})  # noqa: SIM118
