"""One training step of many losses. What only a backend can do, derivatives and calls of numpy, is one module each."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np

from mtlzoo.balancing import Balancing, get_balancing
from mtlzoo.heads import Head
from mtlzoo.models.steps.balancer import Balancer
from mtlzoo.models.steps.monitor import TaskMonitor

__all__ = ["Balancer", "BalancingEpochs", "TaskMonitor", "backend_step", "compilable", "differentiate", "make_balancer"]

BACKENDS = {"tensorflow": "mtlzoo.models.steps.tensorflow_step", "jax": "mtlzoo.models.steps.jax_step"}
DERIVATIVES = {**BACKENDS, "torch": "mtlzoo.models.steps.torch_derivatives"}


def backend_step() -> ModuleType:
    """The module for the backend that Keras runs: `train_step`, `differentiate` and `call_numpy`.

    Raises:
        NotImplementedError: If the backend has none.
    """
    backend = keras.backend.backend()
    if backend not in BACKENDS:
        raise NotImplementedError(
            f"Balancing needs the {' or '.join(BACKENDS)} backend, Keras runs {backend}: set the environment variable "
            "KERAS_BACKEND before Python starts, or train with fixed weights, `loss_weight=` of each head."
        )
    return importlib.import_module(BACKENDS[backend])


def differentiate(function: Callable[..., Any], arguments: Sequence[Any]) -> Sequence[Any]:
    """The derivatives of a scalar function, on every backend that has some.

    Args:
        function: Takes tensors and returns a scalar tensor; with `keras.ops` and layers alone.
        arguments: The tensors.

    Returns:
        A tensor of the shape of each argument.

    Raises:
        NotImplementedError: If the backend computes no derivatives.
    """
    backend = keras.backend.backend()
    if backend not in DERIVATIVES:
        raise NotImplementedError(
            f"Expected one of the backends {', '.join(DERIVATIVES)}, which compute gradients, Keras runs {backend}: set the "
            "environment variable KERAS_BACKEND before Python starts."
        )
    return importlib.import_module(DERIVATIVES[backend]).differentiate(function, arguments)


def make_balancer(
    balancing: str | Balancing | Mapping[str, Any] | None,
    heads: Mapping[str, Head],
    old: Balancer | None = None,
    only: bool = False,
) -> Balancer | None:
    """The balancer that `compile` asks for, with what an old one of the same method has learned.

    Args:
        balancing: As for `compile`.
        heads: The heads by name.
        old: The balancer so far.
        only: Whether it is there only to be monitored.

    Returns:
        `None` where training needs none: without balancing, and for one head alone unless a weight is given for it.
    """
    method = get_balancing(balancing)
    if method is None or (len(heads) == 1 and not method.balances_one_task and not only):
        return None
    backend_step()
    kept = old.state if old is not None and old.balancing == method else None
    return Balancer(method, {name: head.numeric for name, head in heads.items()}, kept, only)


def compilable(balancer: Balancer, jit_compile: bool | str) -> bool | str:
    """What `jit_compile` should be for Keras.

    Raises:
        ValueError: If XLA is asked for and cannot compile the method.
    """
    if not balancer.balancing.calls_numpy or keras.backend.backend() != "tensorflow":
        return jit_compile
    if jit_compile is True:
        raise ValueError(
            f'Expected jit_compile=False (or "auto") with {balancer.balancing!r}, which computes in numpy within the step: '
            "TensorFlow cannot compile that by XLA. The JAX backend can, and loss weighting such as "
            'balancing="uncertainty" is compiled by both.'
        )
    return False


class BalancingEpochs(keras.callbacks.Callback):
    """Gives a model's balancer the mean losses of each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Loss weightings that look at epochs learn."""
        model = self.model
        losses = [
            (logs or {}).get(f"{name}_loss", np.nan) * head.loss_weight * model.loss_factors[name]
            for name, head in model.heads.items()
        ]
        # A logged loss of exactly 0 is that of no labelled row.
        model.balancer.on_epoch_end(np.array([float(loss) or np.nan for loss in losses]))
