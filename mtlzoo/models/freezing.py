"""Which part of a model training may change."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np


def set_trainable(model: keras.Model, part: str | int | Sequence[str]) -> None:
    """Choose what training may change. The heads always train; the choice is what of the backbone does.

    Args:
        model: A model with a `backbone`.
        part: `"heads"` (the backbone frozen whole, in inference mode: neither its batch normalisation moves nor its
            dropout drops), `"all"`, the last `n` layers with weights as a number, or a list of names of layers or of
            layer groups: `"conv_pw_1"` means `conv_pw_1` and `conv_pw_1_bn`, not `conv_pw_11`.

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
    if part == "heads":
        chosen = []
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
            'Expected the trainable part to be "heads", "all", a positive number of layers or a list of layer names, '
            f"received: {part!r}."
        )
    backbone.trainable = bool(chosen)  # sets every layer, so it comes first
    kept = {id(layer) for layer in chosen}
    for layer in layers:
        layer.trainable = id(layer) in kept


def leaf_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers of a model and of the models nested in it, in their order. The parts of a composite layer go with it."""
    return [
        part for layer in model.layers for part in (leaf_layers(layer) if isinstance(layer, keras.Model) else [layer])
    ]
