"""The writer of `.tflite` files: what TensorFlow prints meanwhile does not reach the user."""

from __future__ import annotations

import os
from types import SimpleNamespace

import keras
import pytest

from mtlzoo.saving.litert import convert


@pytest.fixture
def converter(monkeypatch):
    """TensorFlow's converter replaced by one that prints a line past `sys.stderr`, and fails if told to."""
    import tensorflow as tf

    fake = SimpleNamespace(target_spec=SimpleNamespace(), fails=False)

    def run():
        os.write(2, b"W0000 tf_tfl_flatbuffer_helpers.cc:364] Ignored output_format.\n")
        if fake.fails:
            raise ValueError("unknown operation")
        return b"model"

    fake.convert = run
    monkeypatch.setattr(tf.lite.TFLiteConverter, "from_saved_model", lambda folder: fake)
    return fake


class Exported(keras.Layer):
    def export(self, folder, **options):
        pass


MODEL = Exported()


def test_a_conversion_prints_nothing(converter, tmp_path, capfd):
    convert(MODEL, tmp_path / "a.tflite")
    assert (tmp_path / "a.tflite").read_bytes() == b"model"
    assert capfd.readouterr().err == ""


def test_a_conversion_that_fails_prints_what_was_held_back(converter, tmp_path, capfd):
    converter.fails = True
    with pytest.raises(ValueError, match="unknown operation"):
        convert(MODEL, tmp_path / "a.tflite")
    assert "Ignored output_format" in capfd.readouterr().err
