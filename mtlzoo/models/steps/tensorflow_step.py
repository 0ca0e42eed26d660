"""The balanced training step for TensorFlow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from mtlzoo.models import replicas
from mtlzoo.models.seeds import seeds

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel
    from mtlzoo.models.steps.balancer import Balancer


def train_step(model: MultiTaskModel, balancer: Balancer, data: Any) -> dict[str, tf.Tensor]:
    """One step on a batch, on each replica; returns the metrics of the epoch so far."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    parts = model.split()
    drawn = [(variable, tf.identity(variable.value)) for variable in seeds(model)] if balancer.recomputes else []
    shared = parts.trunk.trainable_variables
    learned = [balancer.state.kept[name] for name in balancer.state.trained]
    others = [id(variable) for variable in (*shared, *learned)]
    own = [variable for variable in model.trainable_variables if id(variable) not in others]
    single = bool(balancer.needs_task_gradients and shared)

    # === Forward ===
    with tf.GradientTape(persistent=True) as tape:
        representation = parts.trunk(x, training=True)
        tape.watch(representation)
        y_pred = parts.heads(representation, training=True)
        losses, present = model.task_losses(y, y_pred, sample_weight)
        tasks = tf.unstack(losses)
        penalty = model.penalty() / replicas.count()
    scale = model.optimizer.scale_loss(tf.ones((), losses.dtype))

    # === Backward ===
    values = tf.stop_gradient(losses)
    coefficients, derivatives = balancer.coefficients(values, present, differentiate)
    seeding = [coefficients * scale, scale]
    if single:
        gradients = dict(zip(map(id, own), _gradient(tape, [losses, penalty], own, seeding)))
        sources = shared if balancer.of_parameters else [representation]
        singles = [_gradient(tape, [task], sources, [scale]) for task in tasks]
        direction = balancer.direction(singles, values, present, coefficients, scale, call_numpy)
        if not balancer.of_parameters:
            direction = _gradient(tape, [representation], shared, direction)
        penalties = tape.gradient(penalty, shared, output_gradients=scale)
        for variable, gradient, extra in zip(shared, direction, penalties):
            gradients[id(variable)] = gradient if extra is None else gradient + extra
    else:
        variables = [*shared, *own]
        gradients = dict(zip(map(id, variables), _gradient(tape, [losses, penalty], variables, seeding)))
    del tape
    for name, variable in zip(balancer.state.trained, learned):
        # All replicas find the same, and the optimizer adds them up.
        gradients[id(variable)] = derivatives[name] * scale / replicas.count()
    model.optimizer.apply_gradients([(gradients[id(variable)], variable) for variable in model.trainable_variables])

    # === Learning and counting ===
    if balancer.recomputes:
        with keras.StatelessScope(state_mapping=drawn):  # the same dropout; statistics and metrics stay as they are
            again, _ = model.task_losses(y, model(x, training=True), sample_weight)
        balancer.after_step(values, again, present)
    return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)


def differentiate(function: Callable[..., tf.Tensor], arguments: Sequence[tf.Tensor]) -> list[tf.Tensor]:
    """The derivatives of a scalar function."""
    with tf.GradientTape() as tape:
        tape.watch(arguments)
        value = function(*arguments)
    return tape.gradient(value, arguments, unconnected_gradients="zero")


def call_numpy(
    function: Callable[..., Any], arguments: Sequence[tf.Tensor], results: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    """Call a function of numpy arrays whose results have the shapes and dtypes of some tensors."""
    found = tf.numpy_function(function, arguments, [result.dtype for result in results], stateful=False)
    found = list(found) if isinstance(found, list | tuple) else [found]  # as in eager mode, of a single one
    for tensor, result in zip(found, results):
        tensor.set_shape(result.shape)
    return found


def _gradient(
    tape: tf.GradientTape, targets: Sequence[tf.Tensor], sources: Sequence[Any], seeding: Sequence[tf.Tensor]
) -> list[tf.Tensor]:
    found = tape.gradient(targets, sources, output_gradients=list(seeding))
    # TensorFlow's own zeros for what is not connected do not know Keras' variables; an embedding's gradient is sparse.
    return [
        tf.zeros_like(source) if part is None else tf.convert_to_tensor(part) for part, source in zip(found, sources)
    ]
