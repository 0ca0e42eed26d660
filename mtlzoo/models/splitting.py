"""Where a network forks: the shared trunk, and the heads on its output."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from keras import layers

from mtlzoo.backbones import Backbone
from mtlzoo.keras_compat import input_tensors, producer
from mtlzoo.models.head_layers import owners_of


@dataclass(frozen=True)
class Split:
    """A network in two, which share all layers with it.

    Attributes:
        trunk: From the images to the representation that all heads see.
        heads: From the representation to the dictionary of outputs.
    """

    trunk: keras.Model
    heads: keras.Model


def split(model: keras.Model) -> Split:
    """Cut a network at the last tensor that everything after it goes through.

    Where all heads see the pooled features that is these; where one sees the feature map, the backbone's output. Dropout
    that all heads share comes after the cut, so that a frozen trunk is a fixed function of the image; so do the layers
    of an only head, whose names begin with that of its output layer, and those of an only tower.

    Args:
        model: A functional model with one input and a dictionary of outputs.

    Returns:
        Trunk and heads. Calling one after the other computes what the model computes.

    Example:

    ```python
    parts = split(model)
    parts.heads(parts.trunk(images))  # as model(images)
    ```
    """
    (source,) = model.inputs

    def belongs_to_heads(operation: keras.Operation) -> bool:
        return isinstance(operation, layers.Dropout) or bool(owners_of(model, operation))

    shared = _shared_by_all(model)
    cut = next(tensor for tensor in reversed(shared) if tensor is source or not belongs_to_heads(producer(tensor)))
    trunk = keras.Model(source, cut, name=f"{model.name}_trunk")
    return Split(trunk, keras.Model(cut, model.output, name=f"{model.name}_heads"))


def mean_over_positions(features: keras.KerasTensor) -> keras.KerasTensor:
    """Features as a vector `(batch, channels)`: of a map, whatever its axes, the mean over positions."""
    if len(features.shape) == 2:
        return features
    rows = layers.Reshape((-1, features.shape[-1]), dtype="float32")(features)
    return layers.GlobalAveragePooling1D(dtype="float32")(rows)


def shared_features(model: keras.Model) -> keras.KerasTensor:
    """What all heads share of an image as a vector `(batch, channels)`, the same whatever heads a model has.

    It is the mean over positions of what the one network in the graph puts out, the backbone; in a graph without one, of
    the last tensor that all heads go through.
    """
    nested = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    found = _output_of(model, type(nested[0])) if len(nested) == 1 else None
    return mean_over_positions(split(model).trunk.output if found is None else found)


def backbone_output(model: keras.Model) -> keras.KerasTensor | None:
    """What a model's backbone puts out in its graph; `None` if there is none."""
    return _output_of(model, Backbone)


def _output_of(model: keras.Model, kind: type) -> keras.KerasTensor | None:
    """What the last layer of a kind puts out in a model's graph; `None` if there is none."""
    waiting, seen = list(model.output.values()), set()
    while waiting:
        tensor = waiting.pop()
        if isinstance(producer(tensor), kind):
            return tensor
        if id(tensor) not in seen:
            seen.add(id(tensor))
            waiting.extend(input_tensors(tensor))
    return None


def _shared_by_all(model: keras.Model) -> list[keras.KerasTensor]:
    """The tensors that every way from the input to any output goes through, from the input on."""
    # A tensor's dominators are itself and what dominates all that it is computed from.
    dominators: dict[int, dict[int, keras.KerasTensor]] = {}
    waiting = list(model.outputs)
    while waiting:
        tensor = waiting[-1]
        parents = [] if any(tensor is source for source in model.inputs) else input_tensors(tensor)
        unknown = [parent for parent in parents if id(parent) not in dominators]
        if unknown and id(tensor) not in dominators:
            waiting.extend(unknown)
            continue
        waiting.pop()
        known = _common([dominators[id(parent)] for parent in parents])
        dominators[id(tensor)] = {**known, id(tensor): tensor}
    return list(_common([dominators[id(output)] for output in model.outputs]).values())


def _common(chains: list[dict[int, keras.KerasTensor]]) -> dict[int, keras.KerasTensor]:
    """What stands in all of these, in the order of the first."""
    first, *others = chains or [{}]
    return {key: tensor for key, tensor in first.items() if all(key in other for other in others)}
