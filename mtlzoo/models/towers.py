"""The towers of a model: built once for all heads that name them, and found again in its graph."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from mtlzoo.backbones.layer_names import safe_names
from mtlzoo.heads import Head
from mtlzoo.heads.towers import hidden_layers
from mtlzoo.keras_compat import input_tensors, producer


def build_tower(head: Head, features: keras.KerasTensor, taken: set[str]) -> keras.KerasTensor:
    """Build the layers of a head's tower.

    Args:
        head: One of the heads that name the tower; all agree in what it is made of.
        features: What all heads share, `(batch, channels)`.
        taken: The names of the layers that there are, which get those of the tower.

    Returns:
        The features of the tower's heads.
    """
    for name in safe_names(str(head.tower)):
        tower = hidden_layers(head, features, f"{name}_tower")
        own = {layer.name for layer in keras.Model(features, tower).layers[1:]}
        if not own & taken:
            break
    taken |= own
    return tower


def heads_of_tower(heads: Mapping[str, Head], layer: keras.Operation) -> list[str]:
    """The heads that share a layer of a tower, by the layer's name; none for any other layer."""
    return [name for name, head in heads.items() if _is_of_tower(head, layer)]


def find_towers(outputs: Mapping[str, keras.KerasTensor], heads: Mapping[str, Head]) -> dict[str, keras.KerasTensor]:
    """The features that each tower gives in a graph.

    Args:
        outputs: The outputs of some heads.
        heads: These heads, and maybe others.
    """
    found: dict[str, keras.KerasTensor] = {}
    for name, output in outputs.items():
        waiting = input_tensors(output) if heads[name].tower is not None else []
        while waiting:
            if _is_of_tower(heads[name], producer(tensor := waiting.pop())):
                found[str(heads[name].tower)] = tensor
                break
            waiting.extend(input_tensors(tensor))
    return found


def _is_of_tower(head: Head, layer: keras.Operation) -> bool:
    tower = getattr(head, "tower", None)
    return tower is not None and layer.name.startswith(tuple(f"{name}_tower_" for name in safe_names(tower)))
