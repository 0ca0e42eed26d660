"""Readable predictions of an exported file, where neither Keras nor TensorFlow is installed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.errors import ModelFileError
from mtlzoo.evaluation.frames import check_confidence
from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.evaluation.running import Images, run_knowing
from mtlzoo.heads import Head
from mtlzoo.models.known_images import DISTANCE, KnownImages, distance_name
from mtlzoo.runtimes import Runtime, open_runtime
from mtlzoo.saving.validation import read_heads

if TYPE_CHECKING:
    import pandas as pd

AT_ONCE = 32  # images, where an array holds more


def load_predictor(path: str | Path, threads: int | None = None) -> Predictor:
    """Open a file that :func:`mtlzoo.export` wrote for LiteRT, ONNX Runtime or OpenVINO, to predict with it.

    Heads, class names, thresholds and how images are resized stand in the file; images are decoded and resized, and outputs
    read, by the same code as :func:`mtlzoo.predict` has. Neither Keras nor TensorFlow is loaded.

    Args:
        path: A `.tflite` or `.onnx` file, or a folder of OpenVINO.
        threads: How many threads of the CPU; by default what the engine takes.

    Returns:
        A function of images.

    Raises:
        FileNotFoundError: If there is no such file.
        ModelFileError: If it is no file of these, cannot be run, or tells nothing of heads, or nothing that can be true.
        ImportError: If its engine is not installed; it says which.

    Example:

    ```python
    mtl.export(model, "model.tflite")
    predictor = mtl.load_predictor("model.tflite")
    predictor("coat.jpg")  # a data frame, as mtl.predict gives it
    ```
    """
    runtime = open_runtime(path := Path(path), threads)
    if runtime.metadata is None:
        raise ModelFileError(f"{path} tells nothing of heads: it was not written by `mtl.export`.")
    told = read_heads(runtime.metadata, path, runtime.output_shapes, measures=True)
    return Predictor(runtime, told["heads"], told["resize"], told["calibration"])


class Predictor:
    """An exported file with its heads: called with images, it gives the data frame that :func:`mtlzoo.predict` gives.

    Args:
        runtime: The opened file.
        heads: The head of each output.
        resize: How images come to the size of the input.
        calibration: What was fitted on validation rows.

    Attributes:
        heads: As given, read-only.
        resize: As given.
        calibration: As given.
        known: The images that it knows, if the file tells the distance from them; else `None`.
        input_shape: `(None, height, width, channels)`, as of a Keras model.
        engine: What runs the file.

    Example:

    ```python
    predictor = mtl.load_predictor(mtl.export(model, "model.tflite"))
    predictor(["coat.jpg", "face.jpg"], probabilities=True)
    predictor.predictions(valid).evaluate()
    ```
    """

    def __init__(self, runtime: Runtime, heads: Mapping[str, Head], resize: str = "stretch", calibration: Any = None):
        self.runtime, self.resize, self.calibration = runtime, resize, calibration
        self.heads = MappingProxyType(dict(heads))
        self.input_shape = (None, *runtime.input_shape)
        self.engine = runtime.name
        self._distance = distance_name(self.heads)
        known = None if calibration is None else calibration.images
        self.known: KnownImages | None = known if self._distance in runtime.output_shapes else None

    def __call__(
        self,
        images: Images,
        probabilities: bool = False,
        batch_size: int = 32,
        fetch: bool = False,
        abstain: float | None = None,
    ) -> pd.DataFrame:
        """Readable predictions, one row an image; arguments, errors and columns are those of :func:`mtlzoo.predict`."""
        check_confidence(abstain)
        return self.predictions(images, batch_size, fetch).to_frame(probabilities, abstain)

    def predictions(self, images: Images, batch_size: int = 32, fetch: bool = False) -> Predictions:
        """All that can be read from one run over images: a frame, a report, places in the images.

        Args:
            images: As :func:`mtlzoo.predict` takes them.
            batch_size: Rows at a time.
            fetch: Whether images may be addresses of the web.

        Returns:
            What :class:`mtlzoo.evaluation.Predictions` describes.
        """
        return Predictions.from_run(self, run_knowing(self, self.known, images, batch_size, fetch))

    def predict_on_batch(self, images: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs by head, and the distance from known images if it knows some, for images of the input's size."""
        parts = [self.runtime.run(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
        names = {name: name for name in self.heads} | ({} if self.known is None else {DISTANCE: self._distance})
        return {name: np.concatenate([part[own] for part in parts]) for name, own in names.items()}

    def __repr__(self) -> str:
        return f"Predictor({self.runtime.path}, {self.engine}, heads: {', '.join(self.heads)})"
