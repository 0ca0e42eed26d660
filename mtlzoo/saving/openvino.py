"""OpenVINO: a folder for processors and accelerators of Intel's, and for others' CPUs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import keras
import numpy as np

from mtlzoo.files import FolderKind
from mtlzoo.runtimes.openvino import MODEL, OpenVINORuntime
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.portable_operations import portable_operations

FOLDER = FolderKind(
    name="a folder of OpenVINO",
    marker=f"{KEY}.json",
    keys=("heads",),
    files=(MODEL, "model.bin", f"{KEY}.json"),
)


def write(
    model: keras.Model, metadata: str, path: Path, *, precision: str = "float32", images: np.ndarray | None = None
) -> None:
    """Write a plain model, with the metadata among the file's runtime information, and beside it.

    Args:
        model: The plain model.
        metadata: Its heads as a JSON text.
        path: The folder to make.
        precision: `"float32"`, or `"float16"`: weights of half the size.
        images: Nothing is learned of any.

    Raises:
        ImportError: If OpenVINO is not installed.
    """
    try:
        import openvino
    except ImportError:
        raise ImportError("OpenVINO export needs the package 'openvino': pip install openvino") from None
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:  # where there is room for the file, too
        with portable_operations(model):
            model.export(folder, format="tf_saved_model", verbose=False)
        converted = openvino.convert_model(folder)
        converted.set_rt_info(metadata, [KEY])
        path.mkdir()
        openvino.save_model(converted, path / MODEL, compress_to_fp16=precision == "float16")
    (path / f"{KEY}.json").write_text(metadata, encoding="utf-8")


def open_folder(path: Path) -> Run:
    """What a folder puts out where OpenVINO runs it."""
    return OpenVINORuntime(path).run


FORMAT = ExportFormat("", write, FOLDER, open=open_folder, measures=True, precisions=("float32", "float16"))
