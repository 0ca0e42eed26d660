"""Names of files that Keras would not know again."""

from __future__ import annotations

import keras
import pytest

import mtlzoo as mtl


@pytest.mark.parametrize("name", ["m.H5", "m.Keras", "m.TFLITE"])
def test_suffixes_in_capital_letters(tmp_path, name):
    images = keras.Input((16, 16, 3))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), {"color": 2})
    with pytest.raises(
        ValueError, match=rf"^Expected a file that ends in \{name.lower()[1:]}, .* received: '{name}'\.$"
    ):
        mtl.export(model, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", ["h5", "keras", "litert"])
def test_suffixes_of_other_formats(tmp_path, format):
    images = keras.Input((16, 16, 3))
    model = mtl.build(keras.Model(images, keras.layers.Conv2D(4, 3)(images)), {"color": 2})
    (tmp_path / "t.csv").write_text("mine")
    for overwrite in (False, True):
        with pytest.raises(ValueError, match=rf"^Expected a file that ends in .*'{format}', received: 't\.csv'\.$"):
            mtl.export(model, tmp_path / "t.csv", format, overwrite=overwrite)
    assert (tmp_path / "t.csv").read_text() == "mine"


def test_a_model_file_in_capital_letters_wants_another_name(tmp_path):
    (tmp_path / "MODEL.H5").write_bytes(b"")
    with pytest.raises(mtl.errors.ModelFileError, match=r"rename it to end in \.h5\.$"):
        mtl.load_model(tmp_path / "MODEL.H5")
