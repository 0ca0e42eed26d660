"""Everything private of Keras and TensorFlow that the package uses, in one place.

Each function says what it is for, since when what it uses exists, and where that stands upstream. Whoever supports another
version of Keras looks here first; `tests/unit/house/test_keras_compat.py` has one test for each. No other module touches
private names.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from keras import Model as _Base
else:
    _Base = object  # the classes below stand before `keras.Model` among the bases of a model

Tensor = Any


# === Graphs ===


def producer(tensor: keras.KerasTensor) -> keras.Operation:
    """The layer or operation that computes a symbolic tensor.

    Keras tells a layer's outputs but not a tensor's layer; the graph is walked from the outputs to find where heads begin.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/ops/node.py (`KerasHistory`).

    Args:
        tensor: A tensor of a functional graph.

    Returns:
        The operation; for an input its `InputLayer`.

    Example:

    ```python
    from mtlzoo import keras_compat

    images = keras.Input((8, 8, 3))
    keras_compat.producer(keras.layers.Flatten(name="flat")(images)).name  # "flat"
    ```
    """
    return tensor._keras_history.operation


def input_tensors(tensor: keras.KerasTensor) -> list[keras.KerasTensor]:
    """The symbolic tensors that a tensor is computed from, none for an input.

    A shared layer has been called several times; these are the inputs of the call that made this tensor.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/ops/node.py (`Node.input_tensors`).
    """
    history = tensor._keras_history
    return list(history.operation._inbound_nodes[history.node_index].input_tensors)


def calls(operation: keras.Operation) -> list[tuple[list[keras.KerasTensor], list[keras.KerasTensor]]]:
    """The inputs and outputs of each call of a layer or operation in any graph, in the order of the calls.

    Keras' own `layer.input` fails for a layer that was called more than once.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/ops/operation.py (`_inbound_nodes`).
    """
    return [(list(node.input_tensors), list(node.output_tensors)) for node in operation._inbound_nodes]


def flatten_layers(layer: keras.Layer, include_self: bool = False) -> list[keras.Layer]:
    """All layers inside of a layer or model, those in nested models and wrappers too, each after what it is in.

    `model.layers` gives the outermost only.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/layers/layer.py (`_flatten_layers`).

    Args:
        layer: The layer or model.
        include_self: Whether the list begins with itself.
    """
    return list(layer._flatten_layers(include_self=include_self))


def child_layers(layer: keras.Layer) -> list[keras.Layer]:
    """The layers that a layer or model holds itself, each once, in the order in which they were made parts of it.

    The public `layers` is for models alone.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/layers/layer.py (`_flatten_layers`).
    """
    if isinstance(layer, keras.Model):
        return list(layer.layers)
    return list(layer._flatten_layers(include_self=False, recursive=False))


def functional_class(model: Any) -> type | None:
    """The class of plain functional models if a model is one, also as a subclass; else `None`.

    `keras.Model(inputs, outputs)` makes objects of a class that Keras does not export; `type(model)` of a plain one is it.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/models/functional.py (`Functional`).
    """
    kinds = (kind for kind in type(model).__mro__ if kind.__module__.startswith("keras."))
    return next((kind for kind in kinds if kind.__name__ == "Functional"), None)


def like_functional(init: Callable[..., None]) -> Callable[..., None]:
    """An `__init__` by which Keras takes a class for one of functional models, whose graph it saves and loads.

    Keras compares the names of its arguments with those of its own `__init__`, which a decorator hides in Keras 3.10:
    then no class with an `__init__` of its own is one, unless these are hidden as well.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/models/functional.py
    (`functional_like_constructor`).

    Args:
        init: A method whose positional arguments are `inputs`, `outputs` and `name`.

    Returns:
        The method itself, or one that hides what it takes.
    """
    from keras.src.models.functional import Functional

    if inspect.getfullargspec(Functional.__init__).args:
        return init

    @functools.wraps(init)
    def hidden(*args: Any, **kwargs: Any) -> None:
        init(*args, **kwargs)

    return hidden


# === State of layers and models ===


def set_own_trainable(layer: keras.Layer, trainable: bool) -> None:
    """Set whether a layer or model counts as trainable, and leave the layers inside of it as they are.

    The public `trainable = ...` sets the flag of all layers inside too, which loses what was frozen singly.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/layers/layer.py (`Layer.trainable`).
    """
    layer._trainable = bool(trainable)


def own_trainable(layer: keras.Layer) -> bool:
    """What :func:`set_own_trainable` sets; the public `trainable` of a model is the same where no layer overrides it.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/layers/layer.py (`Layer.trainable`).
    """
    return bool(layer._trainable)


def track(model: keras.Model, value: keras.Layer) -> None:
    """Let a functional model know a layer that has just been assigned to one of its attributes, with all its variables.

    Keras 3.10 replaces the list that its tracker adds to by that of the graph's layers, so that what is assigned later is
    no part of `model.weights` and is never trained; from 3.11 on nothing happens here.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/models/functional.py (`self._layers`).

    Args:
        model: The model.
        value: The layer.
    """
    if not any(layer is value for layer in model._layers):
        model._layers.append(value)


def untrack(layer: keras.Layer, value: Any) -> None:
    """Let a model forget a metric or a layer that was assigned to one of its attributes.

    Keras keeps what was ever assigned: after a second `compile` the metrics of the first would stay in `model.metrics`,
    and the variables of a balancing method that is replaced in `model.variables`.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/utils/tracking.py (`Tracker.untrack`).

    Args:
        layer: The model.
        value: What it is to forget; nothing happens if it does not know it.
    """
    layer._tracker.untrack(value)
    if isinstance(value, keras.Layer) and not isinstance(value, keras.Metric):
        layer._layers[:] = [known for known in layer._layers if known is not value]  # what `track` has added


class TellsOfCopies(_Base):
    """A functional model that is told of the outputs that `keras.models.clone_model` makes of it.

    `clone_model` calls the constructor of the model's class with inputs and outputs alone, so that anything else that the
    constructor needs has to travel with the outputs.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/models/cloning.py (`_run_through_graph`).
    """

    def mark_outputs(self, outputs: Any) -> None:
        """Note on the outputs, symbolic tensors, what a copy of this model needs; to be overridden."""

    def _run_through_graph(self, *args: Any, **kwargs: Any) -> Any:
        outputs = super()._run_through_graph(*args, **kwargs)
        self.mark_outputs(outputs)
        return outputs


# === Training ===


class ReplicaHooks(_Base):
    """What Keras' TensorFlow trainer does before and after the steps of several replicas, as methods to override.

    Keras takes a batch before training, to build what is not built, by a mean over replicas that fails with several
    workers; so does its mean of a step's metrics over their first axis, which they have not. Where a step has metrics that
    the model has not, as `score` here, `evaluate` of Keras 3.10 returns tensors, and that of later ones numbers.

    Since Keras 3.5 (`_maybe_symbolic_build`) and 3.3 (`_get_metrics_result_or_logs`):
    https://github.com/keras-team/keras/blob/v3.10.0/keras/src/backend/tensorflow/trainer.py and
    https://github.com/keras-team/keras/issues/20585.
    """

    def build_before_training(self) -> None:
        """Build what is not built; called before `fit`, `evaluate` and `predict` on TensorFlow."""

    def epoch_metrics(self) -> dict[str, Tensor] | None:
        """The metrics at the end of an epoch; `None` for Keras' own choice between these and the last step's."""
        return None

    def _maybe_symbolic_build(self, iterator: Any = None, data_batch: Any = None) -> None:
        self.build_before_training()

    def _get_metrics_result_or_logs(self, logs: Any) -> Any:
        found = self.epoch_metrics()
        return as_numbers(super()._get_metrics_result_or_logs(logs) if found is None else found)


def as_numbers(logs: Any) -> Any:
    """The metrics of an epoch or a step as numbers, which tensors and arrays are not for JSON and comparisons.

    `train_on_batch` and `test_on_batch` of Keras 3.10 return arrays, and those of later ones numbers:
    https://github.com/keras-team/keras/blob/v3.10.0/keras/src/backend/tensorflow/trainer.py.

    Args:
        logs: A dictionary, whose keys are sorted then as Keras sorts them, a list, or one value.
    """
    if isinstance(logs, dict):
        return {name: as_numbers(value) for name, value in sorted(logs.items())}
    if isinstance(logs, list):
        return [as_numbers(value) for value in logs]
    try:
        return float(logs)
    except (TypeError, ValueError):
        return logs


def variable_place(optimizer: keras.Optimizer, variable: Any) -> int:
    """The place of a variable among those that an optimizer was built with.

    Keras hands `update_step` its own variable, or with TensorFlow the one that it stands for, on each device another.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/optimizers/base_optimizer.py
    (`_get_variable_index`, which each of Keras' optimizers uses).
    """
    place: int = optimizer._get_variable_index(variable)
    return place


def adam_moments(optimizer: keras.optimizers.Adam, variable: Any) -> tuple[Any, Any]:
    """The backend's variables of the two moments that Adam keeps of a variable.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/optimizers/adam.py (`_momentums`,
    `_velocities`).

    Args:
        optimizer: The optimizer, built.
        variable: As Keras hands it to `update_step`.
    """
    place = variable_place(optimizer, variable)
    return optimizer._momentums[place].value, optimizer._velocities[place].value


def averages(optimizer: keras.Optimizer) -> list[keras.Variable]:
    """The averages that an optimizer with `use_ema=True` keeps of the variables that it was built with, in their order.

    Keras has only `finalize_variable_values`, which puts them in place and forgets what was there.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/optimizers/base_optimizer.py
    (`_model_variables_moving_average`).
    """
    return list(inner_optimizer(optimizer)._model_variables_moving_average)


def inner_optimizer(optimizer: Any) -> Any:
    """The optimizer that another one, which scales losses in float16, hands its steps to; any other itself."""
    return getattr(optimizer, "inner_optimizer", optimizer)


def set_direction(callback: keras.callbacks.Callback, direction: str) -> None:
    """Tell a callback that was to find out by itself in what direction its metric is better.

    Most have a `mode` for that, which is "auto" until training begins. `ModelCheckpoint` of Keras 3.10 decides when it is
    made, by whether the name holds "acc", and forgets what it was told.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/callbacks/model_checkpoint.py (`monitor_op`).

    Args:
        callback: A callback that monitors a metric.
        direction: "min" or "max".
    """
    if hasattr(callback, "mode"):
        if callback.mode == "auto":
            callback.mode = direction
    elif isinstance(callback, keras.callbacks.ModelCheckpoint):
        better = {"min": np.less, "max": np.greater}[direction]
        if callback.monitor_op is not better:
            callback.monitor_op = better
            if np.isinf(callback.best):  # nothing was seen so far
                callback.best = -callback.best


def own_strategy(model: keras.Model) -> Any:
    """The `tf.distribute.Strategy` in whose scope a model was built; `None` without one, and on other backends.

    The public `distribute_strategy` is TensorFlow's default strategy where there is none.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/backend/tensorflow/trainer.py.
    """
    return getattr(model, "_distribute_strategy", None)


def called_by_fit(kwargs: Mapping[str, Any]) -> bool:
    """Whether `evaluate` was called by `fit`, for validation, from its keyword arguments.

    What `fit` hands on has been checked already, and is the same for all epochs.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/backend/tensorflow/trainer.py
    (`_use_cached_eval_dataset`).
    """
    return bool(kwargs.get("_use_cached_eval_dataset"))


def set_steps(distributed: Any, steps: int) -> None:
    """Tell how many steps a distributed dataset has.

    Keras asks it, and TensorFlow does not know the number for datasets that are made of a function.

    Seen in TensorFlow 2.21:
    https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/distribute/input_lib.py (`_cardinality`).

    Args:
        distributed: From `Strategy.distribute_datasets_from_function`.
        steps: The number of steps, each of one batch a replica.
    """
    distributed._cardinality = steps


def is_no_tensor(spec: Any) -> bool:
    """Whether the specification of an element of a `tf.data.Dataset` is that of `None`.

    TensorFlow does not export the class. It tells batches without sample weights.

    Seen in TensorFlow 2.21:
    https://github.com/tensorflow/tensorflow/blob/v2.21.0/tensorflow/python/framework/none_tensor.py (`NoneTensorSpec`).
    """
    return type(spec).__name__ == "NoneTensorSpec"


# === Losses and metrics ===


def logits_of(y_pred: Tensor) -> Tensor | None:
    """The logits that a softmax or sigmoid layer computed its output from, as far as they are known.

    Keras' activations leave them on their output for Keras' own losses, where the backend's tensors allow it (TensorFlow;
    not JAX). Losses of logits have the right gradient however confident a mistake is.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/backend/tensorflow/nn.py (`_keras_logits`).

    Args:
        y_pred: A tensor of probabilities.

    Returns:
        A tensor of the same shape, or `None`.
    """
    return getattr(y_pred, "_keras_logits", None)


def metric_direction(metric: keras.Metric) -> str | None:
    """Whether a metric of Keras' is better when it is higher (`"up"`) or lower (`"down"`); `None` if it does not tell.

    Since Keras 3.0: https://github.com/keras-team/keras/blob/v3.10.0/keras/src/callbacks/monitor_callback.py (`_direction`).
    """
    return getattr(metric, "_direction", None)
