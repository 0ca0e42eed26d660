"""Layers get names that every framework takes, whatever the heads are called.

The names of the heads are keys: of labels, outputs, logs and files. Behind a key stands a layer, whose name TensorFlow
takes for a scope and HDF5 for a path. A name that can be a layer's is its layer's; any other becomes letters, digits and
a part of its checksum, the same in every model and every process.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import keras

from mtlzoo.backbones.layer_names import safe_names
from mtlzoo.errors import HeadError
from mtlzoo.heads import Head
from mtlzoo.keras_compat import producer
from mtlzoo.models.attention import attend
from mtlzoo.models.towers import build_tower, heads_of_tower


@dataclass(frozen=True)
class Features:
    """What heads are built on.

    Attributes:
        vector: The features that most heads share, `(batch, channels)`; the map itself where no head shares any.
        map: The backbone's output, `(batch, height, width, channels)` or a vector, for heads with positions and those that
            look for themselves.
        dropout: The fraction of features dropped while training where heads look for themselves.
    """

    vector: keras.KerasTensor
    map: keras.KerasTensor
    dropout: float = 0.0


def connect_heads(
    heads: Mapping[str, Head],
    features: Features,
    taken: Iterable[str],
    towers: Mapping[str, keras.KerasTensor] | None = None,
) -> tuple[dict[str, Head], dict[str, keras.KerasTensor]]:
    """Build the layers of each head, with names that differ from each other's and from those that are taken.

    Args:
        heads: The heads by name.
        features: What they are built on.
        taken: The names of the layers that there are.
        towers: What the towers give that there are, by their names; others are built.

    Returns:
        The heads, which now know what they need of the features' shape, and the output of each.

    Raises:
        HeadError: If a head is to look at a feature map and there is none.
    """
    taken, outputs, built, towers = set(taken), {}, {}, dict(towers or {})
    for name, head in heads.items():
        looks = head.pooling == "attention"
        if looks and len(features.map.shape) != 4:
            raise HeadError(
                f"Expected a backbone with a feature map, at which head {name!r} is to look, received a vector."
            )
        source = features.map if head.spatial or looks else features.vector
        if head.tower is not None:
            if head.tower not in towers:
                towers[head.tower] = build_tower(head, source, taken)
            source = towers[head.tower]
        built[name] = head = head.for_features(source)
        for layer_name in safe_names(name):
            if layer_name in taken:
                continue
            seen = attend(source, layer_name, features.dropout) if looks else source
            output = head.build_layers(seen, layer_name)
            own = {layer.name for layer in keras.Model(source, output).layers[1:]}
            if not own & taken:
                break
        taken |= own
        outputs[name] = output
    return built, outputs


def looking_heads(heads: Mapping[str, Head]) -> dict[str, Head]:
    """The heads with `pooling="attention"`, but for those with positions."""
    return {name: head if head.spatial else head.with_settings(pooling="attention") for name, head in heads.items()}


def output_layer(model: keras.Model, name: str) -> keras.Layer:
    """The layer whose output is that of a head."""
    return producer(model.output[name])


def owners_of(model: keras.Model, layer: keras.Operation) -> list[str]:
    """The heads that a layer belongs to, by the layer's name: one, or those of a tower; none for what all heads share."""
    if isinstance(layer, keras.Model):
        return []
    if sharing := heads_of_tower(getattr(model, "heads", {}), layer):
        return sharing
    names = {head: output_layer(model, head).name for head in model.output}
    own = [head for head, name in names.items() if f"{layer.name}_".startswith(f"{name}_")]
    return sorted(own, key=lambda head: len(names[head]))[-1:]
