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
) -> tuple[dict[str, Head], dict[str, keras.KerasTensor]]:
    """Build the layers of each head, with names that differ from each other's and from those that are taken.

    Args:
        heads: The heads by name.
        features: The vector of features `(batch, channels)`, on which most heads are built.
        feature_map: The backbone's output `(batch, height, width, channels)`, on which spatial heads are built.
        taken: The names of the layers that there are.

    Returns:
        The heads, which now know what they need of the features' shape, and the output of each.
    """
    taken, outputs, built = set(taken), {}, {}
    for name, head in heads.items():
        source = feature_map if head.spatial else features
        built[name] = head = head.for_features(source)
        for layer_name in safe_names(name):
            if layer_name in taken:
                continue
            output = head.build_layers(source, layer_name)
            own = {layer.name for layer in keras.Model(source, output).layers[1:]}
            if not own & taken:
                break
        taken |= own
        outputs[name] = output
    return built, outputs


def output_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer whose output is that of a head."""
    return producer(model.output[name])


def owner_of(model: keras.Model, layer: keras.Operation) -> str | None:
    """The head that a layer belongs to, by the layer's name; `None` for what heads share."""
    if isinstance(layer, keras.Model):
        return None
    names = {head: output_layer(model, head).name for head in model.output}
    own = [head for head, name in names.items() if f"{layer.name}_".startswith(f"{name}_")]
    return max(own, key=lambda head: len(names[head]), default=None)
