"""A reader of the documentation in small: the bundled images are few, known networks end early, steps have no graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from eager import eager_steps

SHORT = {"mobilenet": "conv_pw_1_relu", "mobilenetv2": "block_1_expand_relu"}
EACH = 12  # rows of a part of the bundled images


@contextmanager
def small_reader() -> Iterator[None]:
    """Run what pages say in seconds: with few of the bundled images, and with networks that end after their first block."""
    from mtlzoo import datasets
    from mtlzoo.backbones import create_backbone
    from mtlzoo.models import builders

    def create(backbone: Any, *arguments: Any, feature_layer: str | None = None, **options: Any) -> Any:
        if feature_layer is None and isinstance(backbone, str):
            feature_layer = SHORT.get(backbone.lower().replace("_", ""))
        return create_backbone(backbone, *arguments, feature_layer=feature_layer, **options)

    def blood_cells(*arguments: Any, **options: Any) -> Any:
        table = datasets.blood_cells.whole(*arguments, **options)
        parts = table.frame[table.split].astype(str)
        rows = [row for part in parts.unique() for row in (parts == part).to_numpy().nonzero()[0][:EACH]]
        return table.take(sorted(rows))

    blood_cells.whole = datasets.blood_cells
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch, eager_steps():
        warnings.simplefilter("ignore", UserWarning)  # of so few rows
        patch.setattr(builders, "create_backbone", create)
        patch.setattr(datasets, "blood_cells", blood_cells)
        yield
