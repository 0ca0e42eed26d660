"""The balanced training step for JAX."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import jax
import keras

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel
    from mtlzoo.models.steps.balancer import Balancer


def train_step(
    model: MultiTaskModel, balancer: Balancer, state: tuple[Any, ...], data: Any
) -> tuple[dict[str, jax.Array], tuple[Any, ...]]:
    """One step on a batch, as Keras' `JAXTrainer` wants it: the values of all variables go in and come out."""
    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    trainable, non_trainable, optimizer_variables, counted = state
    parts = model.split()
    values = _by_id(model.trainable_variables, trainable) | _by_id(model.non_trainable_variables, non_trainable)
    shared, own = parts.trunk.trainable_variables, parts.heads.trainable_variables

    # === Forward ===
    def trunk(weights: list[Any]) -> tuple[Any, ...]:
        kept = _values(values, parts.trunk.non_trainable_variables)
        outputs, kept, losses = parts.trunk.stateless_call(weights, kept, x, training=True, return_losses=True)
        return (outputs, _sum(losses)), kept

    def heads(weights: list[Any], representation: Any) -> tuple[Any, ...]:
        kept = _values(values, parts.heads.non_trainable_variables)
        outputs, kept, losses = parts.heads.stateless_call(
            weights, kept, representation, training=True, return_losses=True
        )
        with keras.StatelessScope(state_mapping=list(zip(model.metrics_variables, counted))) as scope:
            task_losses, present = model.task_losses(y, outputs, sample_weight)
        return (task_losses, _sum(losses)), (outputs, present, kept, _current(scope, model.metrics_variables, counted))

    (representation, penalty), pull_trunk, kept = jax.vjp(trunk, _values(values, shared), has_aux=True)
    changed = _by_id(parts.trunk.non_trainable_variables, kept)
    (losses, own_penalty), pull_heads, (y_pred, present, kept, counted) = jax.vjp(
        heads, _values(values, own), representation, has_aux=True
    )
    changed |= _by_id(parts.heads.non_trainable_variables, kept)
    with keras.StatelessScope(state_mapping=list(zip(model.optimizer.variables, optimizer_variables))):
        scale = model.optimizer.scale_loss(jax.numpy.ones((), losses.dtype))

    # === Backward ===
    balanced = balancer.state.variables
    everything = [*zip(balanced, _values(values, balanced)), *zip(model.metrics_variables, counted)]
    with keras.StatelessScope(state_mapping=everything) as scope:
        coefficients, derivatives = balancer.coefficients(losses, present, differentiate)
        own_gradients, pulled = pull_heads((coefficients * scale, scale))
        if balancer.needs_task_gradients and shared:
            zero = jax.numpy.zeros_like(scale)
            singles = [
                [pull_heads((scale * row, zero))[1]] for row in jax.numpy.eye(len(balancer.tasks), dtype=losses.dtype)
            ]
            if balancer.of_parameters:
                singles = [pull_trunk((single, zero))[0] for (single,) in singles]
            direction = balancer.direction(singles, losses, present, coefficients, scale, call_numpy)
            if balancer.of_parameters:
                (penalties,) = pull_trunk((jax.numpy.zeros_like(representation), scale))
                direction = [gradient + extra for gradient, extra in zip(direction, penalties)]
            else:
                (direction,) = pull_trunk((direction[0], scale))
        else:
            (direction,) = pull_trunk((pulled, scale))
        model.count_penalty(penalty + own_penalty)
        gradients = _by_id(shared, direction) | _by_id(own, own_gradients)
        gradients |= {id(balancer.state.kept[name]): derivatives[name] * scale for name in balancer.state.trained}
    changed |= _by_id(balanced, _current(scope, balanced, _values(values, balanced)))
    counted = _current(scope, model.metrics_variables, counted)
    trainable, optimizer_variables = model.optimizer.stateless_apply(
        optimizer_variables, _values(gradients, model.trainable_variables), trainable
    )

    # === Learning and counting ===
    if balancer.recomputes:
        values |= _by_id(model.trainable_variables, trainable)  # the same dropout, whose seeds are still the old ones
        (again, _), _ = heads(_values(values, own), trunk(_values(values, shared))[0][0])
        learned = _values(values | changed, balanced)
        with keras.StatelessScope(state_mapping=list(zip(balanced, learned))) as scope:
            balancer.after_step(losses, again, present)
        changed |= _by_id(balanced, _current(scope, balanced, learned))
    with keras.StatelessScope(state_mapping=list(zip(model.metrics_variables, counted))) as scope:
        logs = model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)
    counted = _current(scope, model.metrics_variables, counted)
    non_trainable = _values(
        _by_id(model.non_trainable_variables, non_trainable) | changed, model.non_trainable_variables
    )
    return logs, (trainable, non_trainable, optimizer_variables, counted)


def differentiate(function: Callable[..., jax.Array], arguments: Sequence[jax.Array]) -> Sequence[jax.Array]:
    """The derivatives of a scalar function."""
    return jax.grad(function, argnums=tuple(range(len(arguments))))(*arguments)


def call_numpy(
    function: Callable[..., Any], arguments: Sequence[jax.Array], results: Sequence[jax.Array]
) -> Sequence[jax.Array]:
    """Call a function of numpy arrays whose results have the shapes and dtypes of some tensors."""
    like = tuple(jax.ShapeDtypeStruct(result.shape, result.dtype) for result in results)
    return jax.pure_callback(function, like, *arguments)


def _by_id(variables: Iterable[keras.Variable], values: Iterable[Any]) -> dict[int, Any]:
    return {id(variable): value for variable, value in zip(variables, values)}


def _values(values: dict[int, Any], variables: Iterable[keras.Variable]) -> list[Any]:
    return [values[id(variable)] for variable in variables]


def _current(scope: keras.StatelessScope, variables: Sequence[keras.Variable], values: Sequence[Any]) -> list[Any]:
    """What the variables are in a scope, or the given values where nothing was said of them."""
    found = [scope.get_current_value(variable) for variable in variables]
    return [value if new is None else new for new, value in zip(found, values)]


def _sum(losses: Sequence[Any]) -> jax.Array:
    return sum((jax.numpy.sum(loss) for loss in losses), jax.numpy.zeros((), keras.config.floatx()))
