"""Build the network that `mtlzoo train` was asked for, or one that needs no download."""

from __future__ import annotations

import argparse
import io
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, redirect_stdout

import keras

from mtlzoo.cli.reading import parse_option
from mtlzoo.heads import Head
from mtlzoo.models import MultiTaskModel, build

BACKBONE = "MobileNetV2"  # where none is named
BUNDLED = "alpha=0.35"  # the option with which its ImageNet weights come with the package


def build_network(heads: Mapping[str, Head], options: argparse.Namespace) -> tuple[MultiTaskModel, str | None]:
    """The network for some heads.

    Where nothing was said about it, and the default's ImageNet weights cannot be fetched, it is the smaller one whose
    weights come with the package; `options` then say so too, for `run.yaml`.

    Args:
        heads: The heads by name.
        options: What the command line was told.

    Returns:
        The network, and a line that says what was taken in place of what, `None` where nothing was.

    Raises:
        ValueError: If the network cannot be built like that.
        OSError: If weights cannot be read or fetched.
    """
    free = options.backbone is None and options.weights == "auto" and not options.option
    options.backbone = options.backbone or BACKBONE
    try:
        with redirect_stdout(io.StringIO()) if options.quiet else nullcontext():  # Keras tells how far a download is
            return _build(heads, options), None
    except OSError:
        if not free:
            raise
    options.option = [BUNDLED]
    return _build(heads, options), (
        f"The ImageNet weights of {BACKBONE} could not be downloaded, so the smaller {BACKBONE} with {BUNDLED} is trained, "
        "whose weights come with mtlzoo. For the larger one go online once, or name a file: --weights FILE."
    )


def input_shape(pixels: Sequence[int] | None) -> tuple[int, int, int] | None:
    """Height, width and channels from `--image-size`.

    Raises:
        ValueError: If there are more than two numbers.
    """
    if pixels is None:
        return None
    if len(pixels) > 2:
        raise ValueError(f"Expected --image-size as one number, or height and width, received: {pixels}.")
    return (pixels[0], pixels[-1], 3)


def _build(heads: Mapping[str, Head], options: argparse.Namespace) -> MultiTaskModel:
    keras.utils.set_random_seed(options.seed or 0)  # the same first weights, whatever was tried before
    return build(
        options.backbone,
        heads,
        input_shape(options.image_size),
        None if options.weights == "none" else options.weights,
        feature_layer=options.feature_layer,
        feature_layers=options.feature_layers,
        pooling=options.pooling,
        dropout=options.dropout,
        resize=options.resize,
        precision=options.precision,
        **dict(map(parse_option, options.option)),
    )
