"""Backbones of KerasHub: presets by name or folder, with the preprocessing that they were published with.

KerasHub (https://github.com/keras-team/keras-hub) is an extra, and imported only where one of its backbones is asked for.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from mtlzoo.backbones.positions import grid_of, remade
from mtlzoo.backbones.registry import Preprocessing
from mtlzoo.backbones.scaling import Scaling, parse_preprocessing
from mtlzoo.errors import InputError
from mtlzoo.keras_compat import flatten_layers

PREFIX = "hub:"
USUAL_SIZE = 224  # pixels, of networks that take any size and whose preset tells of none


@dataclass(frozen=True)
class HubModel:
    """What a preset gives.

    Attributes:
        model: The vision network.
        preprocessing: What its image converter does to pixels, but for resizing; `None` if the preset has no converter.
        size: Height and width of the images that it was made for, in pixels.
    """

    model: keras.Model
    preprocessing: Preprocessing | Scaling | None
    size: tuple[int, int]


def import_hub() -> Any:
    """KerasHub.

    Raises:
        ImportError: If it is not installed; it says how to install it.
    """
    try:
        return importlib.import_module("keras_hub")
    except ImportError as error:
        raise ImportError(
            f"Backbones of KerasHub need the package keras_hub ({error}): pip install 'mtlzoo[hub]'", name="keras_hub"
        ) from None


def load_preset(name: str, weights: bool = True, **arguments: Any) -> HubModel:
    """A vision network of KerasHub from a preset.

    Args:
        name: A preset of KerasHub with or without `"hub:"`, such as `"dinov2_small"`, the beginning of just one, an address
            (`"kaggle://..."`, `"hf://..."`), or the path of a folder that `save_to_preset` wrote.
        weights: Whether the pretrained weights are loaded; those of KerasHub are downloaded once.
        **arguments: What is other in the configuration of the network, such as `drop_path_rate=0.1`.

    Raises:
        ImportError: If KerasHub is not installed.
        InputError: If there is no such preset, or it has no vision network.
        TypeError: If the network has no such argument.
        OSError: If it can neither be found nor be downloaded.
    """
    hub = import_hub()
    preset = find_preset(name)
    try:
        whole = hub.models.Backbone.from_preset(preset, load_weights=weights, **arguments)
    except OSError as error:
        reason = " ".join(str(error).split())[:200]
        raise OSError(
            f"The preset {preset!r} is not on this machine and could not be downloaded ({reason}). "
            "Go online once, accept its licence where the authors want that, or give a folder that `save_to_preset` wrote: "
            '"hub:FOLDER".'
        ) from error
    model = vision_part(whole)
    known = set(inspect.signature(type(model)).parameters) - {"kwargs", "name", "dtype", "data_format", "image_shape"}
    if unknown := sorted(arguments.keys() - known):
        raise TypeError(
            f"The preset {preset!r} does not take {', '.join(unknown)}. It accepts: {', '.join(sorted(known))}."
        )
    try:
        converter = hub.layers.ImageConverter.from_preset(preset)
    except (ValueError, FileNotFoundError):  # the preset has none
        converter = None
    shape = tuple(getattr(converter, "image_size", None) or image_shape(model)[:2])
    height, width = (size or USUAL_SIZE for size in shape)
    return HubModel(model, None if converter is None else parse_preprocessing(converter), (height, width))


def find_preset(name: str) -> str:
    """The preset that is meant: a folder, an address, a name of KerasHub, or the beginning of just one.

    Raises:
        InputError: If there is none, or there are several; it lists the nearest names.

    Example:

    ```python
    from mtlzoo.backbones.hub import find_preset

    find_preset("hub:hf://someone/some-vit")  # "hf://someone/some-vit"
    ```
    """
    name = name.removeprefix(PREFIX)
    if "://" in name or Path(name).is_dir():
        return os.fspath(name)
    known = list(import_hub().models.Backbone.presets)
    wanted = name.lower().replace("-", "_")
    if wanted in known:
        return wanted
    beginning = [preset for preset in known if preset.startswith(f"{wanted}_")]
    if len(beginning) == 1:
        return beginning[0]
    close = beginning or difflib.get_close_matches(wanted, known, n=5, cutoff=0.5)
    raise InputError(
        f"Expected a preset of KerasHub, the address of one, or a folder that `save_to_preset` wrote, received: {name!r}. "
        f"{'Several begin so' if beginning else 'The nearest'}: {', '.join(close) or 'none'}."
    )


def vision_part(model: Any) -> keras.Model:
    """The network that sees: a model itself, the backbone of a task, or the vision encoder of one with text too.

    Raises:
        InputError: If there is no such part.
    """
    found = model
    for part in ("backbone", "vision_encoder", "image_encoder"):
        found = getattr(found, part, None) or found
    if not isinstance(found, keras.Model) or len(image_shape(found)) != 3:
        raise InputError(
            f"Expected a network of KerasHub for images, received: {model.name!r} of the class `{type(model).__name__}`."
        )
    return found


def image_shape(model: keras.Model) -> tuple[int | None, ...]:
    """Height, width and channels that a model takes, without the batch; empty if it takes no images."""
    inputs = getattr(model, "inputs", None) or []
    return tuple(inputs[0].shape[1:]) if len(inputs) == 1 and len(inputs[0].shape) == 4 else ()


def at_shape(model: keras.Model, shape: tuple[int | None, ...]) -> keras.Model:
    """A network of KerasHub for images of a shape: itself if it takes them, else a copy whose positions are interpolated.

    DINOv2 and DINOv3 are copied too where they have a token for masked patches, which is for pretraining alone.

    Args:
        model: The network.
        shape: Height, width and channels; those that are `None` are left as they are.

    Raises:
        InputError: If it cannot take images of this shape.
    """
    own = image_shape(model)
    wanted = tuple(size if new is None else new for new, size in zip(shape, own))
    changes: dict[str, Any] = {}
    if own != wanted and (_depends_on_size(model) or any(a not in (None, b) for a, b in zip(own, wanted))):
        changes["image_shape" if hasattr(model, "image_shape") else "input_shape"] = (
            wanted  # EfficientNet has the latter
        )
    if tuple(getattr(model, "position_embedding_shape", wanted)) != wanted:
        changes["position_embedding_shape"] = wanted  # else its files would hold other positions than were trained
    if getattr(model, "use_mask_token", False):
        changes["use_mask_token"] = False  # for pretraining alone: it would never have a gradient
    if not changes:
        return model
    try:
        return remade(model, **changes)
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise InputError(
            f"Expected an input_shape that {model.name!r} can take, such as {own}, received: {wanted}: "
            f"{' '.join(str(error).split())[:300]}"
        ) from None


def ending_at(model: keras.Model, name: str) -> keras.Model | None:
    """A transformer of KerasHub that ends after one of its blocks, normalised as at its end; `None` if it has no such block.

    As `get_intermediate_layers` of DINOv2's code, which normalises so too
    (https://github.com/facebookresearch/dinov2/blob/main/dinov2/models/vision_transformer.py).

    Args:
        model: The network.
        name: The name of a block, such as `"transformer_block_9"`.
    """
    blocks: dict[type, list[str]] = {}
    for layer in flatten_layers(model):
        blocks.setdefault(type(layer), []).append(layer.name)
    count = getattr(model, "num_layers", None)
    names = next((found for found in blocks.values() if len(found) == count and name in found), None)
    return None if names is None else remade(model, num_layers=names.index(name) + 1)


def patch_side(model: keras.Model) -> int | None:
    """The side of what a token of a network's output stands for, in pixels; `None` if it does not tell."""
    grid, shape = grid_of(model, "image_shape"), image_shape(model)
    return None if grid is None or hasattr(model, "depths") else int(shape[0] or 0) // grid[0]


def _depends_on_size(model: keras.Model) -> bool:
    """Whether the output has a number of tokens, which depends on the size of the images."""
    return any(len(tensor.shape) == 3 for tensor in model.outputs)
