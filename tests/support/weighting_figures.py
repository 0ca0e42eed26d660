"""Every loss weighting, and GradDrop, on fixed inputs, with whatever backend Keras runs; as a program it prints JSON."""

from __future__ import annotations

import json

import numpy as np

from mtlzoo import balancing

NAN = float("nan")
TASKS = {"age": True, "gender": False, "ethnicity": False}
METHODS = [cls() for cls in balancing.BALANCING.values() if issubclass(cls, balancing.LossWeighting)]
METHODS += [balancing.Static({"age": 0.5}), balancing.Uncertainty(-0.5), balancing.SmoothTchebycheff(0.01, warmup=1)]


def value_and_gradients(function, *inputs):
    """A scalar function's value and its gradients, with the backend's own means."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tensors = [tf.convert_to_tensor(value) for value in inputs]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        gradients = tape.gradient(value, tensors, unconnected_gradients="zero")
    elif keras.backend.backend() == "jax":
        import jax

        numbers = tuple(range(len(inputs)))
        value, gradients = jax.value_and_grad(function, argnums=numbers)(*[jax.numpy.asarray(each) for each in inputs])
    else:
        import torch

        tensors = [torch.tensor(value, requires_grad=True) for value in inputs]
        value = function(*tensors)
        gradients = torch.autograd.grad(value, tensors, allow_unused=True, materialize_grads=True)
        value = value.detach()
    return float(value), [np.asarray(keras.ops.convert_to_numpy(each)) for each in gradients]


def combine(method, losses, present, variables=None, tasks=None):
    """The total, its gradient for the losses, and that for the trained variables."""
    import keras

    if tasks is None:
        tasks = dict(list(TASKS.items())[: len(losses)])
    entries = method.variables(tasks)
    values = {name: entry.value for name, entry in entries.items()} | (variables or {})
    trained = [name for name, entry in entries.items() if entry.role == "trained"]

    def total(losses, *learned):
        known = {name: keras.ops.convert_to_tensor(value) for name, value in values.items() if name not in trained}
        return method.combine(losses, np.array(present), known | dict(zip(trained, learned)))

    value, gradients = value_and_gradients(total, np.array(losses, "float32"), *[values[name] for name in trained])
    return value, gradients[0], gradients[1:]


def figures() -> dict[str, list[float]]:
    """Totals, gradients and learned values by name."""
    import keras

    found = {}
    rng = np.random.default_rng(0)
    for method in METHODS:
        entries = method.variables(TASKS)
        values = {name: entry.value for name, entry in entries.items()}
        for name, entry in entries.items():
            if entry.role in ("trained", "noise"):
                values[name] = rng.normal(size=entry.value.shape).astype("float32")
        for present in ([True, True, True], [True, False, True], [False, True, False], [False, False, False]):
            losses = np.where(present, [1.0, 2.0, 4.0], NAN)
            value, gradient, learned = combine(method, losses, present, values)
            found[f"{method!r} {present}"] = [value, *gradient.tolist(), *np.ravel(learned).tolist()]
            mask = keras.ops.convert_to_tensor(np.array(present))
            before = keras.ops.convert_to_tensor(losses.astype("float32"))
            tensors = {name: keras.ops.convert_to_tensor(value) for name, value in values.items()}
            changed = {}
            if method.uses_losses_after:
                changed = method.on_step(before, 0.9 * before * before, mask, tensors)
            if method.uses_gradient_norms:
                changed = method.on_gradients(3 / before, before, mask, tensors)
            changed = {name: np.asarray(keras.ops.convert_to_numpy(value)) for name, value in changed.items()}
            found[f"{method!r} {present} learned"] = [v for name in sorted(changed) for v in changed[name].tolist()]
            values |= changed
        values |= method.on_epoch_end(np.array([1.0, 2.0, NAN]), values)
        values |= method.on_epoch_end(np.array([0.5, 1.8, 4.0]), values)
        found[f"{method!r} later"] = [combine(method, [1.0, 2.0, 4.0], [True] * 3, values)[0]]
    gradients = rng.normal(size=(3, 50)).astype("float32")
    uniform = rng.random(50).astype("float32")
    for present in ([True, True, True], [True, False, True], [False, False, False]):
        for leak in (0.0, 0.25):
            tensors = [keras.ops.convert_to_tensor(each) for each in (gradients, np.array(present), uniform)]
            made = balancing.GradDrop(leak).combine(*tensors)
            found[f"GradDrop {leak} {present}"] = np.asarray(keras.ops.convert_to_numpy(made)).tolist()
    return found


if __name__ == "__main__":
    print(json.dumps(figures()))
