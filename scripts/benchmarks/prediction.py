"""How many JPEG files a second are answered: `mtl.predict`, the notebook's way, and the exported formats."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import keras
import numpy as np
from benchmarks.features import CLASSES
from benchmarks.input_pipeline import SOURCES, write_photographs
from benchmarks.processes import run_alone

import mtlzoo as mtl
from mtlzoo.images.loading import load_batch
from mtlzoo.system.cores import available_cores

PIXELS, BATCH, FILES = 224, 32, 64
PEAK = """
import sys
from mtlzoo.system.startup import load_quietly
load_quietly()
import mtlzoo as mtl
model = mtl.load_model(sys.argv[1])
mtl.predict(model, [sys.argv[2]] * int(sys.argv[3]))
print(peak())
"""


def benchmark_prediction(
    rounds: int = 4, images: int = 256, counts: tuple[int, ...] = (1_000, 4_000), layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures images per second from files of about 400 x 300 pixels, MobileNet 0.25 at 224 pixels with eight heads.

    Args:
        rounds: How often each way answers, in turns; medians are reported, and the first round is left out.
        images: How many files.
        counts: Numbers of files that a process of its own answers for, whose memory is told.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row a way: `way`, `images_per_second`, and `times_notebook`, the ratio to the notebook's loop; and one for each
        of those counts with `peak_mib`, the peak memory of a process that answers for so many.
    """
    model = mtl.build("mobilenet", CLASSES, (PIXELS, PIXELS, 3), weights=None, alpha=0.25, feature_layer=layer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_photographs(folder, SOURCES["about 400x300"], FILES, 0)
        paths = [files[row % FILES] for row in range(images)]
        ways: dict[str, Callable[[], object]] = {
            "notebook: cv2 in a loop, model.predict on each batch": lambda: _notebook(model, paths),
            "mtl.predict": lambda: mtl.predict(model, paths),
            **_exported(model, folder, paths),
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        for _ in range(rounds + 1):
            for way, answer in ways.items():
                start = time.perf_counter()
                answer()
                seconds[way].append(time.perf_counter() - start)
        first, *_ = (values[1:] for values in seconds.values())
        rows = []
        for way, values in seconds.items():
            ratio = statistics.median(theirs / ours for theirs, ours in zip(first, values[1:], strict=True))
            speed = images / statistics.median(values[1:])
            rows.append(
                {"way": way, "images": images, "images_per_second": round(speed), "times_notebook": round(ratio, 2)}
            )
        mtl.export(model, folder / "model.h5")
        for count in counts:
            output = run_alone(PEAK, folder / "model.h5", files[0], count)
            rows.append({"way": "mtl.predict, memory", "images": count, "peak_mib": round(float(output.split()[-1]))})
    return rows


def _notebook(model: keras.Model, paths: list[str]) -> list[dict[str, np.ndarray]]:
    answers = []
    for start in range(0, len(paths), BATCH):
        batch = [cv2.resize(cv2.imread(path), (PIXELS, PIXELS))[..., ::-1] for path in paths[start : start + BATCH]]
        answers.append(model.predict(np.array(batch), verbose=0))
    return answers


def _exported(model: mtl.MultiTaskModel, folder: Path, paths: list[str]) -> dict[str, Callable[[], object]]:
    """The files that this machine has a runtime for, fed with mtlzoo's own loader."""
    import tensorflow as tf

    def on_batches(answer: Callable[[np.ndarray], object]) -> Callable[[], object]:
        starts = range(0, len(paths), BATCH)
        return lambda: [answer(load_batch(paths[start : start + BATCH], (PIXELS, PIXELS))[0]) for start in starts]

    saved = tf.saved_model.load(str(mtl.export(model, folder / "saved")))
    ways = {"SavedModel": on_batches(lambda images: saved.serve(tf.cast(images, "float32")))}
    lite = str(mtl.export(model, folder / "model.tflite"))
    with warnings.catch_warnings():  # what it recommends instead needs a package of its own
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        runner = tf.lite.Interpreter(lite, num_threads=available_cores()).get_signature_runner()
    (entry,) = runner.get_input_details()
    ways["LiteRT"] = on_batches(lambda images: runner(**{entry: images.astype("float32")}))
    try:
        import onnxruntime

        session = onnxruntime.InferenceSession(str(mtl.export(model, folder / "model.onnx")))
        (source,) = session.get_inputs()
        ways["ONNX"] = on_batches(lambda images: session.run(None, {source.name: images.astype("float32")}))
    except ImportError:
        pass
    return ways
