"""Which part of a model training may change."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np

from mtlzoo.keras_compat import child_layers, flatten_layers
from mtlzoo.models.low_rank import check_backend, kernels, rank_of


def set_trainable(model: keras.Model, part: str | int | Sequence[str]) -> None:
    """Choose what training may change. The heads always train; the choice is what of the backbone does.

    Args:
        model: A model with a `backbone`.
        part: `"heads"` (the backbone frozen whole, in inference mode: neither its batch normalisation moves nor its
            dropout drops), `"all"`, the last `n` layers with weights as a number, or a list of names of layers or of
            layer groups: `"conv_pw_1"` means `conv_pw_1` and `conv_pw_1_bn`, not `conv_pw_11`. A transformer's blocks are
            layers of their own here, also where it holds them in one layer; a class token and the like, which belong to
            what holds all blocks, are trained if all of them are. `"lora:8"` stands for dense, convolution and einsum
            layers alone, whose kernels :func:`mtlzoo.fit` then moves by products of rank 8; Keras' own `fit` trains them
            whole.

    Raises:
        ValueError: If the part is none of these, or a name fits no layer.

    Example:

    ```python
    set_trainable(model, ["conv_pw_9", "conv_pw_10", "conv_pw_11"])
    model.compile(keras.optimizers.Adam(1e-5))
    ```
    """
    backbone = model.backbone
    layers = leaf_layers(backbone)
    weighted = [layer for layer in layers if layer.weights]
    low_rank = rank_of(part) is not None
    if part == "heads":
        chosen = []
    elif low_rank:
        check_backend(part)
        matrices = {id(variable) for variable in kernels(backbone)}
        chosen = [layer for layer in weighted if any(id(variable) in matrices for variable in layer.variables)]
    elif part == "all":
        chosen = layers
    elif isinstance(part, int | np.integer) and not isinstance(part, bool) and part > 0:
        chosen = weighted[-part:]
    elif isinstance(part, list | tuple) and part and all(isinstance(name, str) for name in part):
        chosen = []
        for name in part:
            group = [layer for layer in weighted if layer.name == name or layer.name.startswith(f"{name}_")]
            if not group:
                names = ", ".join(layer.name for layer in weighted[-10:])
                raise ValueError(
                    f"Expected the name of a layer or layer group of {backbone.name!r}, received {name!r}. Its last layers "
                    f"with weights are: {names}."
                )
            chosen.extend(group)
    else:
        raise ValueError(
            'Expected the trainable part to be "heads", "all", a positive number of layers, a list of layer names, or '
            f'"lora:" and a rank such as "lora:8", received: {part!r}.'
        )
    containers = _containers(backbone)
    for container in containers:  # which sets all that is in it, so they come first
        container.trainable = not chosen  # setting a flag to what it is does nothing
        container.trainable = bool(chosen)
    kept = {id(layer) for layer in chosen}
    for layer in layers:
        layer.trainable = id(layer) in kept
    for container in containers:
        whole = all(id(part) in kept for part in leaf_layers(container) if part.weights)
        for variable in own_variables(container):
            variable.trainable = variable.trainable and whole
    for layer in chosen if low_rank else ():
        for inner in flatten_layers(layer, include_self=True):
            if not any(id(variable) in matrices for variable in inner.variables):
                inner.trainable = False  # such as normalisation within a block
            elif child_layers(inner):
                for variable in own_variables(inner):
                    variable.trainable = False  # such as a class token


def leaf_layers(model: keras.Layer) -> list[keras.Layer]:
    """The layers of a model, of the models nested in it and of its stacks of blocks, in their order.

    The parts of any other composite layer go with it.
    """
    children = child_layers(model)
    return [part for layer in children for part in (leaf_layers(layer) if _is_container(layer) else [layer])]


def own_variables(layer: keras.Layer) -> list[keras.Variable]:
    """The variables of a layer that none of the layers in it has."""
    inner = {id(variable) for child in child_layers(layer) for variable in child.variables}
    return [variable for variable in layer.variables if id(variable) not in inner]


def _containers(model: keras.Layer) -> list[keras.Layer]:
    """What :func:`leaf_layers` looks into, the model itself first."""
    return [model] + [found for layer in child_layers(model) if _is_container(layer) for found in _containers(layer)]


def _is_container(layer: keras.Layer) -> bool:
    """Whether a layer is a model, or one of somebody's own that holds several composite layers of one class: a stack."""
    if isinstance(layer, keras.Model):
        return True
    if _is_of_keras(layer):
        return False
    blocks = [type(part) for part in child_layers(layer) if not _is_of_keras(part) and part.weights]
    return len(blocks) > len(set(blocks))


def _is_of_keras(layer: keras.Layer) -> bool:
    return type(layer).__module__.partition(".")[0] == "keras"
