"""A trained model with other heads: equal heads keep their weights and predictions, new ones are initialized."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

from mtlzoo.errors import HeadError
from mtlzoo.heads import Head, get_heads
from mtlzoo.keras_compat import flatten_layers, input_tensors, producer, set_own_trainable
from mtlzoo.models.attention import attention_weights
from mtlzoo.models.head_layers import Features, connect_heads, looking_heads
from mtlzoo.models.precision import policy
from mtlzoo.models.splitting import backbone_output
from mtlzoo.models.towers import find_towers

if TYPE_CHECKING:
    from mtlzoo.models.multitask import MultiTaskModel

# The layers that `mtl.build` puts between the backbone and the heads, in their order.
BETWEEN = {
    "pooling": (layers.GlobalAveragePooling2D, layers.GlobalMaxPooling2D, layers.Flatten),
    "dropout": (layers.Dropout,),
}


def with_heads(model: MultiTaskModel, heads: Mapping[str, Head | int], name: str | None = None) -> MultiTaskModel:
    """A new model with the backbone of a model, the layers between it and the heads, and these heads.

    All weights are copies: the given model stays as it is when the new one trains. Which layers are trainable is kept; the
    new model is not compiled.

    Args:
        model: The model, which `mtl.build` or `mtl.load_model` made.
        heads: All heads of the new model by name, in their order. One that is equal to the model's own of this name keeps
            its layers, and so its predictions to the last bit. One of the same kind with other settings keeps the weights
            if its layers have the same shapes; classes, tags, levels and points are matched by their names (by their
            positions where either head only numbers them), and each known one keeps its weights while new ones are
            initialized as in a new head. So is any other head. A tower stays where one of its heads is equal; others join.
        name: The name of the new model; by default that of the given one.

    Returns:
        The new model.

    Raises:
        HeadError: If a head cannot be connected to this model.

    Example:

    ```python
    more = with_heads(model, {**model.heads, "hat": mtl.BinaryHead()})
    ```
    """
    heads = get_heads(heads)
    copied = _copy(model)
    features, feature_map = _shared_tensors(copied)
    if len(features.shape) == 4 and attention_weights(copied):  # no head shares a vector
        heads = looking_heads(heads)
    kept = [key for key, head in heads.items() if model.heads.get(key) == head]
    made = {key: head for key, head in heads.items() if key not in kept}
    if any(not head.spatial and not head.pooling for head in made.values()) and len(features.shape) != 2:
        raise HeadError(
            f"Expected a model made by `mtl.build`, in which heads share a vector of features, received: {model.name!r}, in "
            f"which they share {features.shape}."
        )
    outputs = {key: copied.output[key] for key in kept}
    towers = find_towers(outputs, model.heads)
    taken = {layer.name for layer in keras.Model(copied.input, [features, feature_map, *outputs.values()]).layers}
    with policy(_precision(model)):
        shared = Features(features, feature_map, _dropout_before_heads(model))
        made, built = connect_heads(made, shared, taken, towers)
    outputs |= built
    result = type(model)(
        copied.input,
        {key: outputs[key] for key in heads},
        name=name or model.name,
        heads={key: made.get(key, head) for key, head in heads.items()},
        resize=model.resize,
    )
    result.calibration = model.calibration.of_heads(kept)
    for key, head in made.items():
        ends = features, feature_map, *([towers[head.tower]] if head.tower in towers else [])
        if key in model.heads and _copy_weights(copied, result, key, ends):
            result.replace_heads({key: result.heads[key].with_units_of(model.heads[key])})
    return result


def _copy(model: MultiTaskModel) -> MultiTaskModel:
    """The same network with layers and weights of its own."""
    copied = type(model).from_config(model.get_config())
    copied.set_weights([keras.ops.convert_to_numpy(variable.value) for variable in model.network_weights])
    # Making a model of layers sets the flag of all, so the flags come last and in the order of the layers.
    layers_of_old = [
        layer for layer in flatten_layers(model) if layer not in (model.balancing_state, model.task_monitor)
    ]
    for old, new in zip(layers_of_old, flatten_layers(copied), strict=True):
        if not isinstance(old, keras.Model):
            new.trainable = old.trainable
    set_own_trainable(copied.backbone, model.backbone.trainable)
    return copied


def _precision(model: keras.Model) -> Any:
    """The mixed policy that some layer has, whatever was the global one when the model was loaded."""
    policies = [layer.dtype_policy for layer in flatten_layers(model)]
    mixed = (policy for policy in policies if policy.compute_dtype != policy.variable_dtype)
    return next(mixed, "float32")


def _shared_tensors(model: MultiTaskModel) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The features and the feature map that heads are built on, by the names that `mtl.build` gives the layers between."""
    feature_map = backbone_output(model)
    if feature_map is None:
        raise HeadError(f"Expected a model with a `Backbone`, received: {model.name!r}; `mtl.build` makes such models.")
    features = feature_map
    for name, kinds in BETWEEN.items():  # by kind and place as well as by name, for a head may be called so too
        for layer in model.layers:
            if layer.name == name and isinstance(layer, kinds) and input_tensors(layer.output)[0] is features:
                features = layer.output
                break
    return features, feature_map


def _dropout_before_heads(model: MultiTaskModel) -> float:
    """The fraction of features that `mtl.build` drops before all heads, or before each that looks for itself."""
    found = (layer for layer in model.layers if layer.name == "dropout" or layer.name.endswith("_attention_dropout"))
    return next((layer.rate for layer in found if isinstance(layer, layers.Dropout)), 0.0)


# === Weights of a head that is replaced ===


def _copy_weights(old: MultiTaskModel, new: MultiTaskModel, name: str, ends: Sequence[keras.KerasTensor]) -> bool:
    """Copy a head's weights where they fit, and say whether they did."""
    before, after = old.heads[name], new.heads[name]
    if not after.fits_weights_of(before) or after.tower not in (None, before.tower):
        return False  # weights of one head are not those of a tower
    sources = _unit_sources(before, after)
    if sources is not None and all(source is None for source in sources):
        return False
    pairs = list(zip(_weighted(old.output[name], ends), _weighted(new.output[name], ends)))
    copies = []
    for index, (old_layer, new_layer) in enumerate(pairs):
        # From the output backwards: the first is the last layer.
        has_units = index == 0 if after.units_layer is None else new_layer.name.endswith(after.units_layer)
        weights = _fitted(old_layer, new_layer, sources if has_units else None)
        if weights is None:
            return False
        copies.append((new_layer, weights))
    if len(pairs) != len(_weighted(new.output[name], ends)) or len(pairs) != len(_weighted(old.output[name], ends)):
        return False
    for layer, weights in copies:
        layer.set_weights(weights)
    return True


def _unit_sources(before: Head, after: Head) -> list[int | None] | None:
    """For each unit of the new head its position in the old one, `None` for new units; `None` if units have no names."""
    old, new = before.unit_names(), after.unit_names()
    if old is None or new is None:
        return None
    if before.has_numbered_units() or after.has_numbered_units():
        return [position if position < len(old) else None for position in range(len(new))]
    positions = {name: position for position, name in enumerate(old)}
    return [positions.get(name) for name in new]


def _fitted(old: keras.Layer, new: keras.Layer, sources: Sequence[int | None] | None) -> list[np.ndarray] | None:
    """The weights for a layer from another, unit by unit if their sources are given; `None` where they do not fit."""
    if type(old) is not type(new) or len(old.weights) != len(new.weights):
        return None
    result = []
    for before, after in zip(old.get_weights(), new.get_weights()):
        if sources is None:
            if before.shape != after.shape:
                return None
            result.append(before)
            continue
        if before.shape[:-1] != after.shape[:-1]:
            return None
        size = after.shape[-1] // len(sources)  # a point has two numbers
        after = after.copy()
        for unit, source in enumerate(sources):
            if source is not None:
                after[..., unit * size : (unit + 1) * size] = before[..., source * size : (source + 1) * size]
        result.append(after)
    return result


def _weighted(output: keras.KerasTensor, ends: Sequence[keras.KerasTensor]) -> list[keras.Layer]:
    """The layers with weights between some tensors and an output, from the output backwards."""
    found: dict[int, keras.Layer] = {}
    seen, waiting = {id(tensor) for tensor in ends}, [output]
    while waiting:
        tensor = waiting.pop()
        if id(tensor) in seen:
            continue
        seen.add(id(tensor))
        layer = producer(tensor)
        if layer.weights:
            found[id(layer)] = layer
        waiting.extend(input_tensors(tensor))
    return list(found.values())
