"""Low-rank adaptation (LoRA, Hu et al. 2021, arXiv:2106.09685): kernels that move by a product of two factors.

A kernel of so many rows and columns is what it was before the stage plus `A @ B`, of which `A` (rows, rank) and `B`
(rank, columns) learn. Here the kernel itself holds the sum at any time, and the factors belong to the optimizer: layers,
files, exports and the best weights so far are those of any other training, and there is nothing to merge afterwards. Biases
of the same layers learn whole, as with Keras' `enable_lora`; all else of the backbone stays, separable convolutions too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from mtlzoo.keras_compat import flatten_layers, inner_optimizer, variable_place

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel

Tensor = Any
# What has a kernel `(..., inputs, outputs)`; one filter a channel is no matrix.
KINDS = (keras.layers.Dense, keras.layers.EinsumDense, keras.layers.Conv1D, keras.layers.Conv2D)


def rank_of(part: Any) -> int | None:
    """The rank that a part of a model such as `"lora:8"` names; `None` if it is another part."""
    found = re.fullmatch(r"lora:([1-9]\d*)", part) if isinstance(part, str) else None
    return None if found is None else int(found.group(1))


def check_backend(part: Any) -> None:
    """Refuse a part such as `"lora:8"` where Keras' backend is not TensorFlow.

    Raises:
        NotImplementedError: If it is another one.
    """
    if keras.backend.backend() != "tensorflow":
        raise NotImplementedError(f"Expected TensorFlow for trainable={part!r}, received: {keras.backend.backend()}.")


def kernels(model: keras.Layer) -> list[keras.Variable]:
    """The kernels of a model's dense, convolution and einsum layers, in their order."""
    layers = [layer for layer in flatten_layers(model) if isinstance(layer, KINDS) and layer.built]
    return [variable for layer in layers for variable in layer.variables if variable.name == "kernel"]


def train_low_rank(model: MultiTaskModel, rank: int, seed: int = 0) -> None:
    """Let the optimizer of a compiled model move the backbone's trainable kernels by products of low rank.

    Args:
        model: The model, compiled, whose optimizer has made no step yet and whose backbone trains by `"lora:..."`.
        rank: The number of columns of the first factor; at most the smaller side of the kernel is taken.
        seed: What the first factors are drawn from (He et al. 2015, uniform); the second ones begin at zero.

    Example:

    ```python
    from mtlzoo.models.low_rank import train_low_rank

    small = mtl.MobileNet({"collar": 3}, (32, 32, 3), weights=None, alpha=0.25)
    small.set_trainable("lora:4")
    small.compile(keras.optimizers.Adam(1e-3))
    train_low_rank(small, 4)
    ```
    """
    optimizer = inner_optimizer(model.optimizer)
    chosen = {id(variable) for variable in kernels(model.backbone)}
    rng, trainable = np.random.default_rng(seed), model.trainable_variables
    # Keras takes it off whole kernels, apart from the step; with plain SGD and no decay there is nothing to exclude from.
    if optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=[variable for variable in trainable if id(variable) in chosen])
    factors = {
        place: _make_factors(optimizer, variable, rank, rng)
        for place, variable in enumerate(trainable)
        if id(variable) in chosen
    }
    model.optimizer.build([*trainable, *(variable for pair in factors.values() for variable in pair)])
    update_step = optimizer.update_step

    def update(gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        pair = factors.get(variable_place(optimizer, variable))
        if pair is None:
            update_step(gradient, variable, learning_rate)
            return
        first, second = (factor.value for factor in pair)
        before = ops.matmul(first, second)
        gradient = ops.reshape(ops.cast(gradient, "float32"), before.shape)
        gradients = ops.matmul(gradient, ops.transpose(second)), ops.matmul(ops.transpose(first), gradient)
        for factor, its in zip((first, second), gradients):
            update_step(its, factor, learning_rate)
        moved = ops.reshape(ops.matmul(first, second) - before, variable.shape)
        optimizer.assign_add(variable, ops.cast(moved, variable.dtype))

    optimizer.update_step, model.low_rank = update, rank


def _make_factors(
    optimizer: keras.Optimizer, kernel: keras.Variable, rank: int, rng: np.random.Generator
) -> tuple[keras.Variable, keras.Variable]:
    """The factors of one kernel, as variables of the optimizer: `(rows, rank)` and `(rank, columns)`."""
    rows, columns = int(np.prod(kernel.shape[:-1])), int(kernel.shape[-1])
    rank, limit = min(rank, rows, columns), np.sqrt(6 / rows)
    drawn = rng.uniform(-limit, limit, (rows, rank)).astype("float32")
    first = optimizer.add_variable((rows, rank), lambda shape, dtype: drawn, dtype="float32", name="lora_a")
    return first, optimizer.add_variable((rank, columns), "zeros", dtype="float32", name="lora_b")
