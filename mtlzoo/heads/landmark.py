"""Points in the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.evidence import Tensor, moved
from mtlzoo.heads.flipping import check_flip_pairs, flip_order, left_right_pairs
from mtlzoo.heads.parts import keras, layers, losses, masking, metrics
from mtlzoo.heads.point_labels import (
    FORMATS,
    OUTSIDE,
    check_inside,
    check_units,
    known_points,
    point_numbers,
    wrong_count,
)
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.heads.targets import point_targets
from mtlzoo.heads.texts import shorten, value_text
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system import registries
from mtlzoo.system.registry import Registry

LOSSES: Registry[Callable[..., losses.MaskedLoss]] = Registry(
    "loss of points",
    {
        "wing": "mtlzoo.losses:MaskedWing",
        "l1": "mtlzoo.losses:MaskedMeanAbsoluteError",
        "l2": "mtlzoo.losses:MaskedMeanSquaredError",
    },
    parent=registries.LOSSES,
)
EYES = ("left_eye", "right_eye")
FAILURE = 0.1
# Of relative coordinates: a face's points are about so far from the middle, and a tenth of the side is a gross error.
SPREAD, ERROR_SCALE = 0.2, 0.1


class LandmarkHead(SpatialHead):
    """So many named points, each as (x, y).

    The output is in relative coordinates, 0 to 1 from edge to edge of input space, `(batch, points, 2)` float32.
    Geometric augmentation moves the points of the labels with the pixels; where it mirrors, left and right points change
    places. Predictions are returned in the image's own coordinates.

    Args:
        points: The number of points, or their names.
        format: How labels are written: `"rel_xy"` as fractions of the image's width and height, or `"xy"` in its pixels,
            counted from 0 at the centre of the upper left one. A point may lie outside of its image by half a side.
        loss: `"wing"` (Feng et al. 2018, the default: small errors keep pulling), `"l1"` or `"l2"`.
        normalizer: The two points whose distance errors are divided by. By default the eyes, if points are called
            `left_eye` and `right_eye`; otherwise errors are fractions of the side of input space.
        flip_pairs: Pairs of points that change places in the mirror. By default those whose names say left and right.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The main metric is `nme`, the normalized mean error, lower is better; beside it stands `failure_rate`, the fraction of
    rows with an `nme` above 0.1. The score is `0.1 / (0.1 + nme)`. While training, both are taken in relative coordinates,
    which is exact where images are not stretched and input space is square; `mtl.evaluate` takes them in
    pixels of the image, which is exact always. Targets are float32 `(rows, points, 2)`, `NaN` where missing, for each
    point by itself.

    A mean over the whole image has no positions: the head flattens the backbone's feature
    map rather than pooling it.

    Example:

    ```python
    head = mtl.LandmarkHead(["left_eye", "right_eye", "nose"], hidden=[128])
    head.encode([[[0.3, 0.4], [0.7, 0.4], [0.5, 0.6]], None])  # (2, 3, 2), the second row NaN
    ```
    """

    numeric = True
    ignored_by_encode = ("loss", "normalizer", "flip_pairs")

    def __init__(
        self,
        points: int | Sequence[str],
        *,
        format: str = "rel_xy",
        loss: str = "wing",
        normalizer: Sequence[str] | None = None,
        flip_pairs: Sequence[Sequence[str]] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(points, str | bool) or not (isinstance(points, Integral) or hasattr(points, "__iter__")):
            raise ValueError(f"Expected `points` to be a number or a list of names, received: {points!r}.")
        numbered = isinstance(points, Integral)
        names = [str(name) for name in (range(int(points)) if isinstance(points, Integral) else points)]
        if not names or len(set(names)) < len(names):
            raise ValueError(f"Expected `points` to be names that differ, at least one, received: {points!r}.")
        for argument, value, known in (("format", format, FORMATS), ("loss", loss, LOSSES)):
            if value not in known:
                raise ValueError(f"Expected `{argument}` to be one of {', '.join(known)}, received: {value!r}.")
        if normalizer is None and set(EYES) <= set(names):
            normalizer = EYES
        if normalizer is not None and (len(set(normalizer)) != 2 or not set(map(str, normalizer)) <= set(names)):
            raise ValueError(f"Expected `normalizer` to be two of {shorten(names)}, received: {normalizer!r}.")
        self.points: int | list[str] = len(names) if numbered else names
        self.point_names = names
        self.format = format
        self._loss = loss
        self.normalizer = None if normalizer is None else [str(name) for name in normalizer]
        self.flip_pairs = left_right_pairs(names) if flip_pairs is None else check_flip_pairs(flip_pairs, names)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": self._loss}

    @property
    def _shape(self) -> tuple[int, int, int]:
        return (-1, len(self.point_names), 2)

    @property
    def _between(self) -> list[int] | None:
        return None if self.normalizer is None else [self.point_names.index(name) for name in self.normalizer]

    # === Labels ===

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> LandmarkHead:
        """As many points as the labels have; in pixels if a number is too large for a fraction of the image.

        Raises:
            ValueError: If a label lists no pairs of numbers.
        """
        numbers = []
        for label in labels:
            try:
                found = point_numbers(label)
            except ValueError:
                found = np.empty(0)
            if found is not None:
                if len(found) % 2 or not len(found):
                    raise ValueError(f"expected points as x, y, x, y, ..., received {value_text(label)}")
                numbers.append(found)
        if not numbers:
            raise ValueError("no row has a point")
        largest = max(np.nanmax(np.abs(found), initial=0) for found in numbers)
        options.setdefault("format", "rel_xy" if largest <= 1 + OUTSIDE else "xy")
        return cls(len(numbers[0]) // 2, **options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Points as labels are written, float32 `(rows, points, 2)`, `NaN` for missing.

        A value is a sequence of (x, y) pairs or of the numbers x, y, x, y, ..., or the text of such a list: with `;`
        between the numbers, or as Python and JSON write it. Points at exactly (-1, -1) or (0, 0) are missing: it is how
        label files write what nobody marked.
        """
        if isinstance(values, np.ndarray) and values.ndim in (2, 3) and values.dtype != object:
            targets = values.reshape(len(values), -1).astype("float32")
            if targets.shape[1] != 2 * len(self.point_names):
                raise LabelError(0, f"expected {len(self.point_names)} points, received shape {values.shape[1:]}")
        else:
            targets = np.asarray([self._numbers(value, row) for row, value in enumerate(values)], "float32")
        targets = targets.reshape(self._shape)
        infinite = np.isinf(targets).any(axis=(1, 2))
        if infinite.any():
            raise LabelError(int(np.argmax(infinite)), "expected finite coordinates, received inf")
        targets = known_points(targets)
        check_units(targets, self.format)
        return targets

    def _numbers(self, value: Any, row: int) -> np.ndarray:
        wanted = 2 * len(self.point_names)
        try:
            numbers = point_numbers(value)
        except ValueError:
            numbers = np.empty(0)
        if numbers is None:
            return np.full(wanted, np.nan)
        if len(numbers) != wanted:
            raise LabelError(row, wrong_count(len(self.point_names), value))
        return numbers

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have at least one point."""
        return ~np.isnan(targets.reshape(self._shape)).all(axis=(1, 2))

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Relative points, as :meth:`to_input_space` returns them."""
        return point_targets(targets, len(self.point_names))

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Each coordinate, and whether it is labelled."""
        return masking.number_targets(targets, 2 * len(self.point_names))

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """To relative coordinates of input space.

        Raises:
            LabelError: If a point in pixels lies far outside of its image.
        """
        points = targets.reshape(self._shape).astype("float64")
        if self.format == "xy":
            check_inside(points, geometry.sizes)
        points = geometry.to_input_points(points if self.format == "xy" else geometry.to_pixels(points))
        swapped = points[:, flip_order(self.flip_pairs, self.point_names)]
        return np.where(geometry.mirrored[:, None, None], swapped, points).astype("float32")

    # === Network and training ===

    def unit_names(self) -> Sequence[str]:
        """The points, of two units each."""
        return self.point_names

    def has_numbered_units(self) -> bool:
        """Whether the number of points was given alone."""
        return isinstance(self.points, int)

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Flatten the feature map, then as any head."""
        if len(features.shape) > 2:
            features = layers.Flatten(name=f"{name}_flatten")(features)
        return super().build_layers(features, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (len(self.point_names), 2)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense layer of coordinates about the middle, and their way to fractions of the side."""
        _, points, _ = self._shape
        centred = layers.Dense(2 * points, dtype="float32", name=f"{name}_centred")(features)
        relative = layers.Rescaling(SPREAD, 0.5, dtype="float32", name=f"{name}_relative")(centred)
        return layers.Reshape((points, 2), dtype="float32", name=name)(relative)

    def loss(self) -> losses.MaskedLoss:
        """The chosen loss of relative differences, a tenth of the side counting as 1."""
        return LOSSES[self._loss](2 * len(self.point_names), scale=ERROR_SCALE)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Normalized mean error and failure rate."""
        points = len(self.point_names)
        return [
            metrics.MaskedNormalizedMeanError(points, self._between, name="nme"),
            metrics.MaskedFailureRate(points, self._between, FAILURE, name="failure_rate"),
        ]

    def score(self, value: Any) -> Any:
        """`0.1 / (0.1 + nme)`: one half at the error that counts as a failure."""
        return FAILURE / (FAILURE + value)

    # === Predictions ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """To coordinates of the image, as labels are written."""
        points = geometry.to_image_points(predictions.reshape(self._shape).astype("float64"))
        return points if self.format == "xy" else geometry.to_relative(points)

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The points that lie within their image."""
        points = predictions.reshape(self._shape).astype("float64")
        relative = geometry.to_relative(points) if self.format == "xy" else points
        inside = ((relative >= 0) & (relative <= 1)).all(axis=-1, keepdims=True)
        return np.where(inside, points, np.nan).astype("float32")

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """A list of [x, y] a row."""
        answers = np.empty(len(predictions), dtype=object)
        answers[:] = predictions.reshape(self._shape).astype("float64").tolist()
        return {"answer": answers}

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """The points, to be drawn."""
        points = values.reshape(self._shape).astype("float64")
        return {"points": points if self.format == "xy" else geometry.to_pixels(points)}

    def evidence(self, outputs: Tensor) -> Tensor:
        """How far the points are from the middle."""
        return moved(outputs, 0.5)

    def display(self) -> dict[str, Any]:
        """The points' names."""
        return {"show": "points", "names": list(self.point_names)}

    def evaluate(
        self, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None = None
    ) -> dict[str, Any]:
        """Normalized mean error beside that of the mean shape, and the failure rate.

        Args:
            targets: In input space, as :meth:`to_input_space` returns them.
            predictions: The model's output for this head.
            geometry: The map of each row's pixels, to measure distances in the images' own pixels.
        """
        targets, predictions = (values.reshape(self._shape).astype("float64") for values in (targets, predictions))
        known = ~np.isnan(targets).all(axis=0)
        shape = np.full(targets.shape[1:], np.nan)
        shape[known] = np.nanmean(targets[:, known[:, 0]].reshape(len(targets), -1), axis=0)
        guesses = np.broadcast_to(shape, targets.shape)
        if geometry is not None and self.normalizer is not None:
            targets, predictions, guesses = map(geometry.to_image_points, (targets, predictions, guesses))
        errors, baseline = self._errors(targets, predictions), self._errors(targets, guesses)
        values = dict.fromkeys(("value", "baseline", "score", "nme", "failure_rate"), float("nan"))
        labelled = ~np.isnan(errors)
        if labelled.any():
            nme = float(errors[labelled].mean())
            values = {"value": nme, "baseline": float(baseline[labelled].mean()), "score": self.score(nme), "nme": nme}
            values["failure_rate"] = float((errors[labelled] > FAILURE).mean())
        return {"metric": "nme", **values}

    def _errors(self, targets: np.ndarray, predictions: np.ndarray) -> np.ndarray:
        """The normalized mean error of each row, `NaN` where there is none."""
        distances = np.linalg.norm(predictions - targets, axis=-1)
        known = ~np.isnan(targets).any(axis=-1)
        errors = np.where(known, distances, 0).sum(axis=-1) / np.maximum(known.sum(axis=-1), 1)
        errors[~known.any(axis=-1)] = np.nan
        if self._between is not None:
            one, other = self._between
            apart = np.linalg.norm(targets[:, one] - targets[:, other], axis=-1)
            errors /= np.where(apart > 0, apart, np.nan)
        return errors

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"{len(self.point_names)} points"
