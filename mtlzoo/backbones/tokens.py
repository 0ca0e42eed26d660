"""Transformers answer with tokens: one for each patch of the image, and some before them. Here these become a feature map.

All is made of layers that are built into Keras, and of one slice where a network has a vector of its own for all tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import keras
from keras import layers

from mtlzoo.errors import InputError

Tokens = Literal["both", "mean", "class"]
"""What heads get of the tokens of a transformer, see :func:`feature_map`."""

MOST_PREFIX = 8  # tokens before those of the patches: the class, of distillation, up to six registers


@dataclass(frozen=True)
class Layout:
    """Which token is what.

    Attributes:
        rows: The rows of patches in the image.
        columns: The columns of patches in the image.
        prefix: The number of tokens before those of the patches, of which the first is the class token.
    """

    rows: int
    columns: int
    prefix: int


def find_layout(count: int, image_size: tuple[int, int], patch: int | None = None) -> Layout | None:
    """Which of so many tokens are patches, for images of a size in pixels.

    Args:
        count: The number of tokens.
        image_size: Height and width of the images.
        patch: The side of a patch in pixels, where it is known; otherwise the grid with the fewest other tokens is taken.

    Returns:
        The layout, or `None` if no grid of square patches leaves at most eight other tokens.

    Example:

    ```python
    from mtlzoo.backbones.tokens import find_layout

    find_layout(197, (224, 224))  # Layout(rows=14, columns=14, prefix=1)
    ```
    """
    height, width = image_size
    sides = (
        [patch] if patch else [side for side in range(1, min(image_size) + 1) if not (height % side or width % side)]
    )
    found = [Layout(height // side, width // side, count - (height // side) * (width // side)) for side in sides]
    return min(
        (layout for layout in found if 0 <= layout.prefix <= MOST_PREFIX and layout.rows * layout.columns > 0),
        key=lambda layout: layout.prefix,
        default=None,
    )


def feature_map(
    tokens: keras.KerasTensor, layout: Layout, which: Tokens | None, pooled: keras.KerasTensor | None = None
) -> keras.KerasTensor:
    """The features that heads are built on.

    `"both"` is what DINOv2 evaluates its own features by (Oquab et al. 2023, https://arxiv.org/abs/2304.07193): the mean of
    the patches beside the class token. The class token stands beside each patch, so that heads with positions and those that
    look for themselves have it too; the mean over positions leaves it as it is.

    Args:
        tokens: `(batch, tokens, channels)`.
        layout: Which token is what.
        which: `"both"`, `"mean"` for the patches alone, or `"class"` for the class token alone, a vector without positions;
            `None` for both where there is a class token, else the patches.
        pooled: A vector `(batch, channels)` that stands for the class token, of networks that make one of all tokens.

    Returns:
        `(batch, rows, columns, channels)`, twice the channels for `"both"`; or `(batch, channels)` for `"class"`.

    Raises:
        InputError: If there is no class token and it is asked for.

    Example:

    ```python
    from mtlzoo.backbones.tokens import feature_map, find_layout

    tokens = keras.Input((197, 64))
    feature_map(tokens, find_layout(197, (224, 224)), "both").shape  # (None, 14, 14, 128)
    ```
    """
    if which not in (None, *get_args(Tokens)):
        raise InputError(f"Expected `tokens` to be one of {', '.join(get_args(Tokens))}, received: {which!r}.")
    channels, places = tokens.shape[-1], layout.rows * layout.columns
    count = layout.prefix + places
    has_class = pooled is not None or layout.prefix > 0
    which = which or ("both" if has_class else "mean")
    if which != "mean" and not has_class:
        raise InputError(
            f'Expected tokens="mean", since this network has no class token ({count} tokens, {layout.rows} x '
            f"{layout.columns} patches), received: {which!r}."
        )
    class_token = None
    if which != "mean":
        # The place of a token, as a sequence of one.
        class_token = (
            layers.Reshape((1, channels), name="class_token")(pooled)
            if pooled is not None
            else layers.Cropping1D((0, count - 1), name="class_token")(tokens)
        )
    if which == "class":
        return layers.Reshape((channels,), name="class_features")(class_token)
    if pooled is not None:
        # SigLIP of KerasHub 0.32 tells of one token more than it has, which a layer that crops would believe.
        patches = tokens[:, -places:]
    else:
        patches = layers.Cropping1D((layout.prefix, 0), name="patch_tokens")(tokens) if layout.prefix else tokens
    if class_token is not None:
        everywhere = layers.UpSampling1D(places, name="class_token_everywhere")(class_token)
        patches = layers.Concatenate(name="patches_and_class")([patches, everywhere])
    return layers.Reshape((layout.rows, layout.columns, patches.shape[-1]), name="feature_map")(patches)
