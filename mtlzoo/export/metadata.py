"""What an exported file tells of the heads: a JSON text."""

from __future__ import annotations

import json
from typing import Any

from mtlzoo._version import __version__
from mtlzoo.heads import deserialize, serialize
from mtlzoo.models import MultiTaskModel

KEY = "mtlzoo"


def describe(model: MultiTaskModel) -> str:
    """The heads of a model, and how pictures come to its size."""
    return json.dumps({"version": __version__, "resize": model.resize, "heads": serialize(model.heads)})


def read(text: str) -> dict[str, Any]:
    """The keyword arguments of `MultiTaskModel` in a JSON text."""
    content = json.loads(text)
    return {"heads": deserialize(content["heads"]), "resize": content["resize"]}
