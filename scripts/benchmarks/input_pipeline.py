"""How many JPEG files a CPU second turns into augmented network inputs: mtlzoo, the FashionAI notebook, Keras' layers.

Run it alone with `python scripts/benchmarks/input_pipeline.py`.
"""

from __future__ import annotations

import contextlib
import io
import operator
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np

from mtlzoo.data import Augmentation, ImageCache, LabelTable, decode_image, image_dataset
from mtlzoo.images.loading import load_batch

NOTEBOOK = "notebook: cv2 + ImageDataGenerator (no brightness)"
KERAS = "Keras: image_dataset_from_directory + random layers"
LIMIT, FULL_LIMIT = "JPEG decoding alone, at mtlzoo's scale", "JPEG decoding alone, at full scale"
IMAGE_SIZE, LONGER = (224, 224), 5
COLORS = Augmentation(contrast=0.4, hue=20, saturation=0.4, gamma=0.4)
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


def keras_dataset(folder: Path, batch_size: int) -> Iterable:
    """Plain Keras' way: `image_dataset_from_directory`, then its random layers in `tf.data`."""
    import keras
    import tensorflow as tf

    augment = keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(20 / 360),
            keras.layers.RandomZoom(0.2),
            keras.layers.RandomBrightness(0.2),
        ]
    )
    with contextlib.redirect_stdout(io.StringIO()):
        dataset = keras.utils.image_dataset_from_directory(
            folder, labels=None, batch_size=batch_size, image_size=IMAGE_SIZE
        )
    return dataset.map(lambda images: augment(images, training=True), num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def benchmark_input_pipeline(rounds: int = 7, images: int = 64, seed: int = 0) -> list[dict[str, str | float]]:
    """Measures images per CPU second (process CPU time of all threads, not wall time), JPEG files to 224 x 224.

    The ways take turns in each round, so that whatever else the machine does falls on all of them. Ratios are medians of
    the rounds' ratios.

    Args:
        rounds: How often each way loads all files; medians are reported.
        images: Files of each kind.
        seed: What the files and the augmentations are drawn from.

    Returns:
        One row a way and kind of file: `source`, `way`, `images_per_cpu_second`, the ratios `times_notebook`,
        `times_keras`, `of_limit` (of decoding alone at the scale that mtlzoo decodes at) and `of_full_limit` (of decoding
        alone at full scale), and `cores`, CPU seconds a second of waiting.
    """
    cv2.setNumThreads(1)
    rows = []
    for source, sizes in SOURCES.items():
        with tempfile.TemporaryDirectory() as folder:
            paths = write_photographs(Path(folder), sizes, images, seed)
            with tempfile.TemporaryDirectory() as cache:
                rows += [{"source": source, **row} for row in _measure(_ways(paths, cache), rounds)]
    return rows


def _ways(paths: list[str], cache: str) -> dict[str, tuple[int, Callable[[], object]]]:
    """For each way the number of images that it loads, and how."""
    # Datasets have several times the rows: starting a pass is not what is measured.
    table, options = LabelTable.of_images(paths * LONGER), {"augment": "default", "shuffle": True, "batch_size": 16}
    plain = keras_dataset(Path(paths[0]).parent, 16)
    dataset = image_dataset(table, IMAGE_SIZE, **options)
    kept = {place: image_dataset(table, IMAGE_SIZE, cache=ImageCache(place), **options) for place in ("memory", cache)}
    notebook, number = notebook_loader(), len(paths)
    return {
        NOTEBOOK: (number, lambda: notebook(paths)),
        KERAS: (number, lambda: _pass(plain)),
        "mtlzoo load_batch": (number, lambda: load_batch(paths, IMAGE_SIZE, "default", seeds=range(number))),
        "mtlzoo image_dataset": (number * LONGER, lambda: _pass(dataset)),
        "mtlzoo image_dataset, cache in memory": (number * LONGER, lambda: _pass(kept["memory"])),
        "mtlzoo image_dataset, cache in a folder": (number * LONGER, lambda: _pass(kept[cache])),
        "mtlzoo load_batch, colors too": (number, lambda: load_batch(paths, IMAGE_SIZE, COLORS, seeds=range(number))),
        "mtlzoo load_batch, no augmentation": (number, lambda: load_batch(paths, IMAGE_SIZE)),
        LIMIT: (number, lambda: [decode_image(path, IMAGE_SIZE) for path in paths]),
        FULL_LIMIT: (number, lambda: [decode_image(path) for path in paths]),
    }


def _pass(dataset: Iterable) -> None:
    for _ in dataset:
        pass


def _measure(ways: dict[str, tuple[int, Callable[[], object]]], rounds: int) -> Iterable[dict[str, str | float]]:
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    waited: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way, (images, load) in ways.items():
            start, wall = time.process_time(), time.perf_counter()
            load()
            if number:  # The first round warms up.
                seconds[way].append((time.process_time() - start) / images)
                waited[way].append((time.perf_counter() - wall) / images)

    def times(way: str, other: str) -> float:
        return round(statistics.median(map(operator.truediv, seconds[other], seconds[way])), 2)

    for way in ways:
        yield {
            "way": way,
            "images_per_cpu_second": round(1 / statistics.median(seconds[way])),
            "times_notebook": times(way, NOTEBOOK),
            "times_keras": times(way, KERAS),
            "of_limit": times(way, LIMIT),
            "of_full_limit": times(way, FULL_LIMIT),
            "cores": round(statistics.median(map(operator.truediv, seconds[way], waited[way])), 2),
        }


if __name__ == "__main__":
    for result in benchmark_input_pipeline():
        print(*result.values(), sep="\t")
