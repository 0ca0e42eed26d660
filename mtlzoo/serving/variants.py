"""The files that one model can become: format by precision, and how each is run."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlzoo.models import MultiTaskModel
from mtlzoo.saving import export
from mtlzoo.saving.formats import Run
from mtlzoo.system.registries import EXPORTS

COLD = """
import time
begun = time.perf_counter()
import json, sys
path, format, image = sys.argv[1:]
if format in ("h5", "savedmodel"):
    from mtlzoo.system.startup import load_quietly
    load_quietly()
if format == "h5":
    import mtlzoo
    mtlzoo.predict(mtlzoo.load_model(path), image)
elif format == "savedmodel":
    import numpy as np
    import tensorflow as tf
    served = tf.saved_model.load(path).signatures["serving_default"]
    (given,) = served.structured_input_signature[1].values()
    served(tf.zeros([1, *given.shape[1:]]))
else:
    import mtlzoo
    mtlzoo.load_predictor(path)(image)
print(json.dumps(time.perf_counter() - begun))
"""


@dataclass(frozen=True)
class Variant:
    """A file that a model can become.

    Attributes:
        format: The format.
        precision: What it computes with.
        keep_float: Whether dense layers of an int8 file stay in float32.
    """

    format: str
    precision: str = "float32"
    keep_float: bool = False

    def __str__(self) -> str:
        return f"{self.format} {self.precision}{', dense layers in float' if self.keep_float else ''}"

    def write(self, model: MultiTaskModel, folder: Path, images: Any) -> Path:
        """Write the file into a folder, and compare it with nothing."""
        name = str(self).replace(" ", "_").replace(",", "")
        own: dict[str, Any] = {"keep_float": True} if self.keep_float else {}
        given = images if self.precision == "int8" else None
        path = folder / f"{name}{EXPORTS[self.format].suffix}"
        return export(model, path, self.format, precision=self.precision, images=given, verify=False, **own)

    def open(self, path: Path) -> Run:
        """What runs the file elsewhere.

        Raises:
            ImportError: If that is not installed.
            ValueError: If the format is one of another package that says nothing of it.
        """
        opener = EXPORTS[self.format].open
        if opener is None:
            raise ValueError(f"Nothing is known that runs files of the format {self.format!r}.")
        return opener(path)

    def cold_start(self, path: Path, image: Path) -> float:
        """Seconds from the first line of a new Python process to the first prediction; not a number if it fails."""
        command = [sys.executable, "-c", COLD, str(path), self.format, str(image)]
        done = subprocess.run(command, capture_output=True, text=True)
        return float(json.loads(done.stdout.splitlines()[-1])) if done.returncode == 0 else float("nan")


VARIANTS = (
    Variant("h5"),
    Variant("savedmodel"),
    *(Variant("litert", precision) for precision in ("float32", "float16", "dynamic", "int8")),
    Variant("litert", "int8", keep_float=True),
    Variant("onnx"),
    Variant("onnx", "int8"),
    Variant("onnx", "int8", keep_float=True),
    Variant("openvino"),
    Variant("openvino", "float16"),
)
"""What is measured; the first is Keras itself, which the others are compared with."""


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    return (
        sum(each.stat().st_size for each in path.rglob("*") if each.is_file()) if path.is_dir() else path.stat().st_size
    )
