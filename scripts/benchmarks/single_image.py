"""How long one image takes: Keras' `predict`, and `mtl.predict` from the same array and from a file."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

import mtlzoo as mtl


def benchmark_single_image(rounds: int = 20, layer: str | None = None) -> list[dict[str, str | float]]:
    """Measures milliseconds of wall time for one image, MobileNet 0.25 at 224 pixels with eight heads.

    Args:
        rounds: How often each way answers, in turns; medians are reported.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a way: `way`, `milliseconds`, and `times_predict`, how many times faster than Keras' `predict`.
    """
    heads = {name: len(values) for name, values in mtl.data.FASHIONAI_ATTRIBUTES.items()}
    model = mtl.build("mobilenet", heads, weights=None, alpha=0.25, feature_layer=layer)
    image = np.random.default_rng(0).integers(0, 256, (224, 224, 3)).astype("uint8")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "image.jpg"))
        cv2.imwrite(path, image)
        ways = {
            "Keras model.predict, array": lambda: model.predict(image[None], verbose=0),
            "mtl.predict, array": lambda: mtl.predict(model, image),
            "mtl.predict, JPEG file": lambda: mtl.predict(model, path),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds + 2):
            for way, answer in ways.items():
                start = time.perf_counter()
                answer()
                seconds[way].append(time.perf_counter() - start)
    medians = {way: 1000 * statistics.median(values[2:]) for way, values in seconds.items()}  # two rounds warm up
    first = next(iter(medians.values()))
    return [
        {"way": way, "milliseconds": round(value, 2), "times_predict": round(first / value, 2)}
        for way, value in medians.items()
    ]
