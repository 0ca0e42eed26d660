"""What each format and precision of a model costs: size, time, and how good its predictions still are."""

from __future__ import annotations

import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mtlzoo.errors import InputError
from mtlzoo.evaluation.inputs import read_labelled
from mtlzoo.evaluation.predictions import Labelled, Predictions
from mtlzoo.heads import Head
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.multitask import check_model
from mtlzoo.saving.formats import Run
from mtlzoo.saving.verifying import deviation
from mtlzoo.serving.variants import VARIANTS, Variant, size_of

AT_ONCE = 32
ROUNDS = {1: 20, AT_ONCE: 5}
MOST_LOST = 2.0


@dataclass(frozen=True, eq=False)
class Benchmark:
    """What was measured.

    Attributes:
        variants: One row a file: `format`, `precision`, `keep_float`, `megabytes`, `ms_one` and `ms_32` (medians, images in
            memory), `cold_start_s` (a new process, until the first prediction), `score` (the mean over heads), `lost` (the
            most points that a head lost against Keras, 100 being all), `worst` (that head), `agreement` (the least of a
            head), and `refused`, whether an int8 file loses more than was allowed.
        heads: One row a file and head: `metric`, `value`, `score`, `lost`, `agreement`.
        notes: What could not be measured, and what to do about files that are refused.
    """

    variants: pd.DataFrame
    heads: pd.DataFrame
    notes: tuple[str, ...] = ()

    def to_text(self) -> str:
        """The table of files as text, with the notes below."""
        shown = self.variants.drop(columns=["keep_float"])
        shown["precision"] += np.where(self.variants["keep_float"], ", dense in float", "")
        return "\n".join([shown.to_string(index=False, float_format="{:.4g}".format), *self.notes])


def benchmark(
    model: MultiTaskModel,
    data: Labelled,
    *,
    images: Any = None,
    formats: Sequence[str] | None = None,
    max_lost: float = MOST_LOST,
    cold_start: bool = True,
) -> Benchmark:
    """Write a model in each format and precision, run each file on the same labelled images, and compare it with Keras.

    Args:
        model: The model.
        data: Labelled images that the model was not trained on, as :func:`mtlzoo.evaluate` takes them.
        images: Training images, for int8 to learn ranges from; without any, int8 is left out.
        formats: Some of `"savedmodel"`, `"litert"`, `"onnx"`, `"openvino"`; by default all whose packages are installed.
        max_lost: How many points of its score (100 being all) a head may lose in int8.
        cold_start: Whether to start a process for each file, to see how long it takes to its first prediction.

    Returns:
        The tables. The agreement of a head with classes or tags is the fraction of equal predictions, that of any other one
        less the mean deviation, see :func:`mtlzoo.saving.verifying.deviation`.

    Raises:
        InputError: If there is no such format.
        TableError: If the data cannot be read.

    Example:

    ```python
    measured = mtl.benchmark(model, test, formats=["litert"], cold_start=False)
    print(measured.to_text())
    measured.variants.to_csv("formats.csv", index=False)
    ```
    """
    check_model(model)
    known = list(dict.fromkeys(variant.format for variant in VARIANTS))
    if unknown := sorted(set(formats or ()) - set(known)):
        raise InputError(f"Expected `formats` to be some of {', '.join(known[1:])}, received: {', '.join(unknown)}.")
    chosen = [each for each in VARIANTS if formats is None or each.format in ("h5", *formats)]
    notes = [] if images is not None else ["int8 is left out: it needs training images (images=, --images)."]
    chosen = [each for each in chosen if images is not None or each.precision != "int8"]
    table = read_labelled(data)
    with tempfile.TemporaryDirectory() as name, _quiet():
        paths, runs = _write(chosen, model, Path(name), images, notes)
        outputs, geometry, first = _run_all(runs, model, table)
        image = Path(name) / "image.png"
        cv2.imwrite(str(image), cv2.cvtColor(first[0], cv2.COLOR_RGB2BGR) if first.shape[-1] == 3 else first[0])
        rows: list[dict[str, Any]] = []
        heads: list[pd.DataFrame] = []
        for variant, run in runs.items():
            of_heads = _judge(model.heads, outputs[variant], outputs[chosen[0]], geometry, table)
            of_heads["lost"] = 100 * (heads[0]["score"] - of_heads["score"]) if heads else 0.0
            cold = variant.cold_start(paths[variant], image) if cold_start else float("nan")
            costs = {"megabytes": size_of(paths[variant]) / 1e6, **_times(run, first), "cold_start_s": cold}
            rows.append({**vars(variant), **costs, **_worth(of_heads)})
            heads.append(of_heads)
    told = [frame.reset_index(names="head").assign(variant=str(variant)) for variant, frame in zip(runs, heads)]
    frame = pd.DataFrame(rows)
    frame["refused"] = (frame["precision"] == "int8") & (frame["lost"] > max_lost)
    return Benchmark(frame, pd.concat(told, ignore_index=True), (*notes, *_hints(frame, max_lost)))


def _write(
    variants: Sequence[Variant], model: MultiTaskModel, folder: Path, images: Any, notes: list[str]
) -> tuple[dict[Variant, Path], dict[Variant, Run]]:
    """The files, and what runs them; what cannot be written or run gets a note."""
    paths, runs = {}, {}
    for variant in variants:
        try:
            paths[variant] = variant.write(model, folder, images)
            # Keras itself as it is fastest, not as a file is looked at once.
            runs[variant] = model.predict_on_batch if variant == variants[0] else variant.open(paths[variant])
        except Exception as error:  # whatever a converter stumbles over is no reason to measure nothing
            if variant == variants[0]:
                raise
            notes.append(f"{variant} is left out: {' '.join(str(error).split())[:200]}")
    return paths, runs


def _run_all(
    runs: Mapping[Variant, Run], model: MultiTaskModel, table: Any
) -> tuple[dict[Variant, dict[str, np.ndarray]], ImageGeometry, np.ndarray]:
    """The outputs of each file for all rows, decoded once; and the first images."""
    height, width, channels = model.input_shape[1:]
    paths, regions = table.paths(), table.regions()
    parts: dict[Variant, list[dict[str, np.ndarray]]] = {variant: [] for variant in runs}
    geometries, first = [], None
    for start in range(0, len(table), AT_ONCE):
        rows = slice(start, start + AT_ONCE)
        within = None if regions is None else regions[rows]
        batch, geometry = load_batch(
            paths[rows], (height, width), resize=model.resize, regions=within, channels=channels
        )
        first = batch if first is None else first
        geometries.append(geometry)
        for variant, run in runs.items():
            parts[variant].append({name: np.asarray(array) for name, array in run(batch.astype("float32")).items()})
    joined = ImageGeometry(
        np.concatenate([each.matrices for each in geometries]),
        np.concatenate([each.sizes for each in geometries]),
        (height, width),
    )
    outputs = {
        variant: {name: np.concatenate([part[name] for part in several]) for name in model.heads}
        for variant, several in parts.items()
    }
    return outputs, joined, np.asarray(first)


def _judge(
    heads: Mapping[str, Head],
    outputs: dict[str, np.ndarray],
    expected: dict[str, np.ndarray],
    geometry: ImageGeometry,
    table: Any,
) -> pd.DataFrame:
    """For each head its metric, and how far its predictions are those of Keras."""
    report = Predictions(outputs, heads, geometry, table=table).evaluate()
    frame = report.loc[[name for name in heads if name in report.index], ["metric", "value", "score"]].copy()
    frame["agreement"] = [agreement(heads[name], outputs[name], expected[name]) for name in frame.index]
    return frame


def agreement(head: Head, outputs: np.ndarray, expected: np.ndarray) -> float:
    """How far two arrays of outputs of one head say the same, 1 at most."""
    one, other = (head.details(array).get("class_ids") for array in (outputs, expected))
    if one is not None and other is not None:
        return float((one == other).mean())
    return 1 - deviation(expected, outputs, mean=True)


def _times(run: Run, first: np.ndarray) -> dict[str, float]:
    images = np.resize(first, (AT_ONCE, *first.shape[1:])).astype("float32")
    return {"ms_one": _milliseconds(run, images[:1]), f"ms_{AT_ONCE}": _milliseconds(run, images)}


def _worth(heads: pd.DataFrame) -> dict[str, Any]:
    """How good a file's predictions are: over all heads, and of the one that lost the most."""
    lost = heads["lost"].fillna(0.0)
    return {
        "score": heads["score"].mean(),
        "lost": lost.max(),
        "worst": lost.idxmax(),
        "agreement": heads["agreement"].min(),
    }


def _milliseconds(run: Run, images: np.ndarray) -> float:
    seconds = []
    for _ in range(ROUNDS[len(images)] + 1):
        begun = time.perf_counter()
        for array in run(images).values():
            np.asarray(array)
        seconds.append(time.perf_counter() - begun)
    return 1000 * statistics.median(seconds[1:])  # the first sets up


def _hints(frame: pd.DataFrame, max_lost: float) -> Iterator[str]:
    """What to do about each int8 file that is refused."""
    for _, row in frame[frame["refused"]].iterrows():
        same = frame[(frame["format"] == row["format"]) & (frame["precision"] == "int8")]
        better = same[~same["refused"]]
        what = (
            f"with its dense layers in float (keep_float=True, --keep-float) it loses {better['lost'].iloc[0]:.1f}."
            if len(better)
            else "give it more and more varied training images, or take float16."
        )
        name = f"{row['format']} int8{', dense layers in float' if row['keep_float'] else ''}"
        yield f"{name} is refused: {row['worst']!r} loses {row['lost']:.1f} points, more than {max_lost:g}; {what}"


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*tf.lite.Interpreter is deprecated", UserWarning)
        yield
