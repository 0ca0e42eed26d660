"""ImageNet weights that come with the package: for use without a network, and at sizes for which Keras has no file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("weights")
# Weights of Keras' own for images of these sizes; all others get those of 224 pixels.
SIZES = (96, 128, 160, 192, 224)
NAME = "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_{}_no_top.h5"


def bundled_weights(name: str, arguments: Mapping[str, Any]) -> Path | None:
    """The file of ImageNet weights that comes with the package, `None` where there is none.

    Args:
        name: The name of the backbone.
        arguments: The arguments that its architecture is made with, such as `alpha`.
    """
    fits = name == "MobileNetV2" and arguments.get("alpha") == 0.35
    return FOLDER / NAME.format(224) if fits else None


def in_keras_home(input_shape: tuple[int | None, int | None, int | None]) -> bool:
    """Whether Keras has its own file for MobileNetV2 0.35 and images of this size already."""
    height, width, _ = input_shape
    size = height if height == width and height in SIZES else 224
    return (keras_models() / NAME.format(size)).is_file()


def keras_models() -> Path:
    """Where Keras keeps the weights that it has fetched."""
    return Path(os.environ.get("KERAS_HOME", Path.home() / ".keras")) / "models"
