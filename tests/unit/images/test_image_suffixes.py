"""Images in folders are known by their suffix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mtlzoo as mtl
from mtlzoo.data.folders import SUFFIXES


@pytest.mark.parametrize("suffix", ["ppm", "pgm", "avif", "jp2", "jfif", "tga", "qoi", "JPE"])
def test_what_is_read_is_found(tmp_path, suffix):
    for number, label in enumerate("ab"):
        (tmp_path / label).mkdir()
        mode = "L" if suffix == "pgm" else "RGB"
        Image.fromarray(np.full((16, 16, 3), 100 * number, np.uint8)).convert(mode).save(
            tmp_path / label / f"1.{suffix}"
        )
        (tmp_path / label / "notes.txt").write_text("")
    table = mtl.data.read_folders(tmp_path)
    assert sorted(table.frame["image"]) == [f"a/1.{suffix}", f"b/1.{suffix}"]
    assert mtl.data.check_images(table.paths()) == {}
    import keras

    inputs = keras.Input((16, 16, 3))
    model = mtl.build(keras.Model(inputs, keras.layers.Conv2D(2, 3)(inputs)), {"color": 2})
    assert len(mtl.predict(model, tmp_path)) == 2


def test_the_docs_list_them():
    text = (Path(__file__).parents[3] / "docs" / "guides" / "image-formats.md").read_text()
    assert all(f"`{suffix}`" in text for suffix in SUFFIXES)
