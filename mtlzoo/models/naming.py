"""Layers get names that every framework takes, whatever the heads are called.

The names of the heads are keys: of labels, outputs, logs and files. Behind a key stands a layer, whose name TensorFlow
takes for a scope and HDF5 for a path. A name that can be a layer's is its layer's; any other becomes letters, digits and
a part of its checksum, the same in every model and every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras

from mtlzoo.backbones.layer_names import safe_names
from mtlzoo.heads import Head
from mtlzoo.keras_compat import producer


def connect_heads(
    heads: Mapping[str, Head],
    features: keras.KerasTensor,
    feature_map: keras.KerasTensor,
    taken: Iterable[str],
) -> dict[str, keras.KerasTensor]:
    """Connect each head, with layers whose names differ from each other's and from those that are taken.

    Args:
        heads: The heads by name.
        features: What heads see.
        feature_map: What spatial heads see.
        taken: The names of the layers that there are.

    Returns:
        The output of each head.
    """
    taken, outputs = set(taken), {}
    for name, head in heads.items():
        source = feature_map if head.spatial else features
        for layer_name in safe_names(name):
            if layer_name in taken:
                continue
            output = head.build_layers(source, layer_name)
            own = {layer.name for layer in keras.Model(source, output).layers[1:]}
            if not own & taken:
                break
        taken |= own
        outputs[name] = output
    return outputs


def output_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer that puts out what a head answers."""
    return producer(model.output[name])


def owner(model: keras.Model, layer: keras.Operation) -> str | None:
    """The head that a layer belongs to, by the layer's name; `None` for what heads share."""
    if isinstance(layer, keras.Model):
        return None
    names = {head: output_layer(model, head).name for head in model.output}
    own = [head for head, name in names.items() if f"{layer.name}_".startswith(f"{name}_")]
    return max(own, key=lambda head: len(names[head]), default=None)
