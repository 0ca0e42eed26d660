"""The same pretrained transformer for images of another size: learned positions are interpolated."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from mtlzoo.backbones.tokens import MOST_PREFIX
from mtlzoo.errors import InputError

POSITIONS, INTERPOLATED = "position_embeddings", "interpolated_position_embeddings"  # of DINOv2 in KerasHub


def remade(model: keras.Model, **changes: Any) -> keras.Model:
    """A model of the same class with another configuration, and the weights of the given one as far as it has them.

    Learned positions are interpolated as in the paper of ViT (Dosovitskiy et al. 2020, https://arxiv.org/abs/2010.11929),
    bicubically as in DINOv2's and timm's code, which leave the positions of class tokens and registers alone.

    Args:
        model: A model whose configuration makes another one, as those of KerasHub.
        **changes: What is other in the configuration: `image_shape`, `num_layers`.

    Raises:
        InputError: If a weight has another shape and holds no positions.
        ValueError: If the class refuses the configuration.
    """
    other = type(model).from_config({**model.get_config(), **changes})
    # By their order where all are there: layers that nobody named are counted on from model to model.
    sources = {_path(model, weight): weight for weight in model.weights}
    if len(other.weights) == len(model.weights):
        sources = {_path(other, new): old for new, old in zip(other.weights, model.weights)}
    for weight in other.weights:
        # Once more from what was trained, rather than from what came of it.
        source = sources.get(_path(other, weight).replace(INTERPOLATED, POSITIONS))
        if source is None:
            raise InputError(
                f"Expected {model.name!r} to have the same weights in another size, but {weight.path!r} is new."
            )
        if weight.path.endswith("position_ids"):
            weight.assign(np.arange(math.prod(weight.shape)).reshape(weight.shape))
        elif source.shape == weight.shape:
            weight.assign(source)
        else:
            values, shape = keras.ops.convert_to_numpy(source), tuple(weight.shape)
            prefix_and_grids = _grids(model, other, values.shape, shape)
            if prefix_and_grids is None or "position" not in weight.path:
                raise InputError(
                    f"Expected images of the size that {model.name!r} was made for, since its weight {weight.path!r} "
                    f"{values.shape} holds no positions that could be interpolated to {shape}."
                )
            weight.assign(_interpolated(values, shape, *prefix_and_grids))
    return other


def settle(model: keras.Model) -> None:
    """Let trained positions be what files hold of them.

    DINOv2 in KerasHub 0.32 has two variables of positions, reads from files the one that is not trained, and brings it up to
    date before it is written only if the sum of all differences is above zero (`save_own_variables` in
    https://github.com/keras-team/keras-hub/blob/v0.32.0/keras_hub/src/models/dinov2/dinov2_layers.py).

    Args:
        model: A model, of which a DINOv2 may be a part; others are left alone.
    """
    found = {weight.path: weight for weight in model.weights if weight.path.endswith(POSITIONS)}
    for path, trained in found.items():
        written = found.get(path.replace(INTERPOLATED, POSITIONS))
        if written is not None and written is not trained and written.shape == trained.shape:
            written.assign(trained)


def _path(model: keras.Model, weight: keras.Variable) -> str:
    """Where a weight is, without what KerasHub puts before the names of layers of models that have got a name."""
    return str(weight.path).removeprefix(f"{model.name}_")


def _grids(
    model: keras.Model, other: keras.Model, before: tuple[int, ...], after: tuple[int, ...]
) -> tuple[int, tuple[int, int], tuple[int, int]] | None:
    """The number of tokens that are no patches, and the old and the new grid of patches, of weights of these shapes."""
    if len(before) != len(after) or len(before) < 2 or (before[:-2], before[-1]) != (after[:-2], after[-1]):
        return None
    new = grid_of(other, "image_shape")
    for name in ("image_shape", "position_embedding_shape"):
        old = grid_of(model, name)
        if old is not None and new is not None:
            prefix = before[-2] - math.prod(old)
            if 0 <= prefix <= MOST_PREFIX and after[-2] - math.prod(new) == prefix:
                return prefix, old, new
    return None


def grid_of(model: keras.Model, name: str) -> tuple[int, int] | None:
    """The rows and columns of patches, by an attribute that holds an image's shape; `None` if the model does not tell."""
    shape, patch = getattr(model, name, None), getattr(model, "patch_size", None)
    if shape is None or patch is None or None in shape:
        return None
    sides = (patch, patch) if isinstance(patch, int) else tuple(patch)
    return shape[0] // sides[0], shape[1] // sides[1]


def _interpolated(
    values: np.ndarray, shape: tuple[int, ...], prefix: int, old: tuple[int, int], new: tuple[int, int]
) -> np.ndarray:
    rows = values.reshape(-1, values.shape[-1]).astype("float32")
    places = rows[prefix:].reshape(1, *old, -1)
    resized = keras.ops.image.resize(places, new, interpolation="bicubic", data_format="channels_last")
    patches = np.asarray(keras.ops.convert_to_numpy(resized)).reshape(math.prod(new), -1)
    return np.concatenate([rows[:prefix], patches]).reshape(shape)
