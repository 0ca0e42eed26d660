"""A reader of the documentation in small: few bundled images and epochs, known networks end early, steps have no graphs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from eager import eager_steps

SHORT = {"mobilenet": "conv_pw_1_relu", "mobilenetv2": "block_1_expand_relu"}
EACH = 24  # rows or a few more of each part of the bundled images, spread over it: they are sorted by kind


@contextmanager
def small_reader() -> Iterator[None]:
    """Run what pages say in seconds: two epochs, some bundled images, networks that end after their first block."""
    from mtlzoo import datasets
    from mtlzoo.backbones import create_backbone
    from mtlzoo.models import builders
    from mtlzoo.training import RECIPES, Recipe, Stage

    def create(backbone: Any, *arguments: Any, feature_layer: str | None = None, **options: Any) -> Any:
        if feature_layer is None and options.get("feature_layers") is None and isinstance(backbone, str):
            feature_layer = SHORT.get(backbone.lower().replace("_", ""))
        return create_backbone(backbone, *arguments, feature_layer=feature_layer, **options)

    def blood_cells(*arguments: Any, **options: Any) -> Any:
        table = whole(*arguments, **options)
        parts = table.frame[table.split].to_numpy()
        rows = [(parts == part).nonzero()[0] for part in sorted(set(parts))]
        return table.take(np.sort(np.concatenate([part[:: len(part) // EACH] for part in rows])))

    whole = datasets.blood_cells
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch, eager_steps():
        warnings.simplefilter("ignore", UserWarning)  # of so few rows
        patch.setattr(builders, "create_backbone", create)
        patch.setattr(datasets, "blood_cells", blood_cells)
        patch.setitem(RECIPES._entries, "default", Recipe(stages=[Stage(1, trainable="heads"), Stage(1)]))
        yield
