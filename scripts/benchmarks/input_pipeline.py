"""How many JPEG files a CPU second turns into augmented network inputs: `load_batch` against the FashionAI notebook.

Run it alone with `python scripts/benchmarks/input_pipeline.py`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from mtlzoo.data.decoding import decode_image
from mtlzoo.data.loading import load_batch

IMAGE_SIZE = (224, 224)
SOURCES = {"512x512": [(512, 512)], "about 400x300": [(400, 300), (300, 400), (420, 315), (384, 288), (300, 380)]}
"""The (height, width) of the files drawn for each kind, in turn."""


def draw_photograph(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Draws noise that is as rough at each scale as photographs are (its spectrum falls with the frequency)."""
    image = np.zeros((height, width, 3))
    cell = max(height, width) // 2
    while cell >= 2:
        coarse = rng.normal(size=(height // cell + 2, width // cell + 2, 3))
        image += cell**0.8 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cell //= 2
    low, high = np.percentile(image, [1, 99])
    return np.clip((image - low) / (high - low) * 255, 0, 255).astype(np.uint8)


def write_photographs(folder: Path, sizes: list[tuple[int, int]], count: int, seed: int) -> list[str]:
    """Writes JPEG files of quality 90 and returns their paths."""
    rng = np.random.default_rng(seed)
    paths = [str(folder / f"{row}.jpg") for row in range(count)]
    for row, path in enumerate(paths):
        cv2.imwrite(path, draw_photograph(rng, *sizes[row % len(sizes)]), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return paths


def notebook_loader() -> Callable[[list[str]], np.ndarray]:
    """The FashionAI notebook's way: read, resize, then Keras' `random_transform`, one image at a time."""
    from keras.src.legacy.preprocessing.image import ImageDataGenerator

    generator = ImageDataGenerator(horizontal_flip=True, rotation_range=20, zoom_range=0.2)

    def load(paths: list[str]) -> np.ndarray:
        images = np.empty((len(paths), *IMAGE_SIZE, 3), np.uint8)
        for row, path in enumerate(paths):
            images[row] = generator.random_transform(cv2.resize(cv2.imread(path), IMAGE_SIZE[::-1]))
        return images

    return load


def benchmark_input_pipeline(rounds: int = 7, images: int = 48, seed: int = 0) -> list[dict[str, str | float]]:
    """Measures images per CPU second (process CPU time of all threads, not wall time).

    The ways take turns in each round, so that whatever else the machine does falls on all of them.

    Args:
        rounds: How often each way loads all files; medians are reported.
        images: Files of each kind.
        seed: What the files and the augmentations are drawn from.

    Returns:
        One row a way and kind of file: `source`, `way`, `images_per_cpu_second`, and `times_notebook`, the ratio to
        the notebook's way (the median of the rounds' ratios).
    """
    ways: dict[str, Callable[[list[str]], object]] = {
        "notebook (cv2 + ImageDataGenerator)": notebook_loader(),
        "mtlzoo load_batch, augmentation default": lambda paths: load_batch(
            paths, IMAGE_SIZE, "default", seeds=range(len(paths))
        ),
        "mtlzoo load_batch, no augmentation": lambda paths: load_batch(paths, IMAGE_SIZE),
        "JPEG decoding alone, full scale": lambda paths: [cv2.imread(path) for path in paths],
        "JPEG decoding alone, reduced scale": lambda paths: [decode_image(path, IMAGE_SIZE) for path in paths],
    }
    cv2.setNumThreads(1)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for source, sizes in SOURCES.items():
            paths = write_photographs(Path(folder), sizes, images, seed)
            seconds: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(rounds + 1):
                for way, load in ways.items():
                    start = time.process_time()
                    load(paths)
                    seconds[way].append((time.process_time() - start) / images)
            notebook, *_ = (values[1:] for values in seconds.values())  # The first round warms up.
            for way, values in seconds.items():
                ratio = statistics.median(theirs / ours for theirs, ours in zip(notebook, values[1:], strict=True))
                speed = 1 / statistics.median(values[1:])
                row = {"source": source, "way": way, "images_per_cpu_second": round(speed)}
                rows.append(row | {"times_notebook": round(ratio, 2)})
    return rows


if __name__ == "__main__":
    for result in benchmark_input_pipeline():
        print(*result.values(), sep="\t")
