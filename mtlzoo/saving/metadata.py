"""The metadata of an exported file: its heads as a JSON text."""

from __future__ import annotations

import json
from typing import Any

from mtlzoo.heads import deserialize
from mtlzoo.models import Calibration, MultiTaskModel, h5_file
from mtlzoo.models.h5_file import KEY
from mtlzoo.models.known_images import KnownImages

__all__ = ["KEY", "describe", "known_images", "read"]


def describe(model: MultiTaskModel) -> str:
    """The heads of a model, how images come to its size, and what was fitted on validation rows."""
    return h5_file.describe(model)


def known_images(text: str) -> KnownImages | None:
    """What a JSON text tells of the images that the model knows."""
    content = json.loads(text)
    return Calibration.from_config(content.get("calibration", {}), content["heads"]).images


def read(text: str) -> dict[str, Any]:
    """The heads in a JSON text, how images come to the model's size, and what was fitted."""
    content = json.loads(text)
    heads = deserialize(content["heads"])
    calibration = Calibration.from_config(content.get("calibration", {}), heads)
    return {"heads": heads, "resize": content["resize"], "calibration": calibration}
