"""A process that predicts for a folder of images with a network of NumPy alone, as slowly as it is told: to be killed.

python slow_predictions.py IMAGES OUT FORMAT SECONDS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from mtlzoo.heads import BinaryHead, LandmarkHead, MultiLabelHead, RegressionHead
from mtlzoo.runtimes import Runtime
from mtlzoo.serving import Predictor, predict_files

HEADS = {
    "bright": BinaryHead(),
    "colors": MultiLabelHead(["red", "green", "blue"]),
    "price": RegressionHead(mean=3.0, scale=2.0, only_if={"bright": "yes"}),
    "points": LandmarkHead(["left", "right"]),
}


class MeanColor(Runtime):
    """The mean color of an image, as the outputs of all heads."""

    name, metadata, batch = "NumPy", None, None
    input_shape = (8, 8, 3)

    def __init__(self, path: Path, seconds: float = 0.0):
        self.path, self.seconds = path, seconds
        self.output_shapes = {"bright": (1,), "colors": (3,), "price": (1,), "points": (2, 2)}

    def _run(self, images: np.ndarray) -> dict[str, np.ndarray]:
        time.sleep(self.seconds)
        mean = images.mean(axis=(1, 2)) / 255
        points = np.stack([mean[:, :2], mean[:, 1:]], axis=1)
        return {"bright": mean[:, :1], "colors": mean, "price": mean[:, 1:2], "points": points}


def predictor(path: Path, seconds: float = 0.0) -> Predictor:
    """A predictor, whose file is any one."""
    return Predictor(MeanColor(path, seconds), HEADS)


if __name__ == "__main__":
    images, out, format, seconds = sys.argv[1:]
    slow = predictor(Path(__file__), float(seconds))
    print("begins", flush=True)
    predict_files(slow, images, out, format, rows_per_file=4, batch_size=2, probabilities=True)
