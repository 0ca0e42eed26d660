"""A shape and its box in five numbers, as the TensorFlow.js book has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.base import Head
from mtlzoo.heads.box import BoxHead
from mtlzoo.heads.box_formats import check_format, check_pixels
from mtlzoo.heads.box_labels import box_marks, box_of, numbers_of, place_boxes, restore_boxes
from mtlzoo.heads.class_names import class_id, number_of
from mtlzoo.heads.evidence import Tensor, moved
from mtlzoo.heads.parts import keras, layers, losses, masking, metrics, ops
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.heads.targets import shape_targets
from mtlzoo.heads.texts import is_missing, shorten, value_text
from mtlzoo.images.geometry import ImageGeometry

NUMBERS = 5
# The output's order is left, right, top, bottom; this is where x_min, y_min, x_max and y_max stand in it, and back.
CORNERS, SIDES = [1, 3, 2, 4], [0, 2, 1, 3]
# The squared pixels that the book calls good, where the score is one half.
GOOD = 100.0


class DualTaskHead(SpatialHead):
    """Which of two shapes there is and where, in five numbers of one dense layer with one squared error.

    This is how the book does it (Cai, Bileschi, Nielsen, Chollet: Deep Learning with JavaScript, 2020, section 5.2; the
    example `simple-object-detection` of TensorFlow.js), here so that its numbers can be had again: `(batch, 5)` float32,
    the shape, then left, right, top and bottom of its box in pixels of a square canvas. The loss is the mean of all five
    squared differences, in squared pixels, after the true shape of 0 or 1 was multiplied by the side of the canvas: the
    network learns to say 0 or 224. Without (`scale_shape=False`) the shape hardly counts beside the box. A
    `ClassificationHead` or `BinaryHead` beside a :class:`BoxHead` is the better way.

    Args:
        labels: The names of the two shapes, that of 0 first.
        canvas: The side of the canvas in whose pixels the output is, whatever the size of its input.
        scale_shape: Whether the loss multiplies the true shape by `canvas`.
        format: How the boxes of labels are written, as in :class:`BoxHead`.
        **kwargs: `hidden` (the book has `[200]`), `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The main metric is `mse`, equal to the loss, lower is better; beside it stand the shape's `accuracy`, which is told by
    half of the largest value, and `mean_iou` of the box. The score is `100 / (100 + mse)`: one half at the book's "under
    100". Targets are float32 `(rows, 5)`, `NaN` where missing.

    Example:

    ```python
    head = mtl.DualTaskHead(hidden=[200])
    head.encode([("triangle", 20, 10, 84, 58), None])  # (2, 5), the second row NaN
    ```
    """

    numeric = True

    def __init__(
        self,
        *,
        labels: Sequence[str] = ("triangle", "rectangle"),
        canvas: float = 224,
        scale_shape: bool = True,
        format: str = "xyxy",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if isinstance(labels, str) or len(set(map(str, labels))) != 2 or len(labels) != 2:
            raise ValueError(f"Expected `labels` to be the names of two shapes, received: {labels!r}.")
        if not 0 < canvas < np.inf:
            raise ValueError(f"Expected `canvas` to be a number of pixels above 0, received: {canvas!r}.")
        self.labels = [str(label) for label in labels]
        self.canvas = float(canvas)
        self.scale_shape = bool(scale_shape)
        self.format = check_format(format)

    @property
    def _factors(self) -> list[float]:
        return [self.canvas if self.scale_shape else 1.0, 1.0, 1.0, 1.0, 1.0]

    @property
    def threshold(self) -> float:
        """From which value on the first number means the second shape."""
        return self._factors[0] / 2

    # === Labels ===

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> DualTaskHead:
        """The two names in their order, and boxes in pixels of a canvas of 224."""
        names = sorted({str((numbers_of(value) or [""])[0]) for value in labels})
        if len(names) != 2:
            raise ValueError(f"expected the names of two shapes and boxes of 4 numbers, received {shorten(names, 5)}")
        return cls(labels=names, **options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """The shape's id and its box as labels are written, float32 `(rows, 5)`, `NaN` for missing.

        A value is the shape, by name or id, and four numbers: `("triangle", 20, 10, 84, 58)`, `(0, (20, 10, 84, 58))` or
        the text of such a list, with `;` between or as Python and JSON write it.
        """
        rows = [self._numbers(value, row) for row, value in enumerate(values)]
        targets = np.asarray(rows, "float32").reshape(-1, NUMBERS)
        check_pixels(targets[:, None, 1:], self.format)
        return targets

    def _numbers(self, value: Any, row: int) -> np.ndarray:
        if not isinstance(value, list | tuple | np.ndarray) and (is_missing(value) or number_of(value) == -1):
            return np.full(NUMBERS, np.nan)
        try:
            parts = numbers_of(value)
        except ValueError:
            parts = []
        if len(parts) == NUMBERS and all(map(is_missing, parts)):
            return np.full(NUMBERS, np.nan)
        shape = class_id(parts[0], self.labels) if parts else None
        if shape is None or shape < 0:
            raise LabelError(
                row, f"expected {' or '.join(self.labels)} and a box of 4 numbers, received {value_text(value)}"
            )
        return np.concatenate([[shape], box_of(parts[1:], self.format, row, value)])

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have a shape and a box."""
        return ~np.isnan(targets.reshape(-1, NUMBERS)).any(axis=-1)

    def check(self, targets: np.ndarray) -> np.ndarray:
        """The shape and its box in pixels of the canvas, as :meth:`to_input_space` returns them."""
        return shape_targets(targets, CORNERS, self.canvas)

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Each number, and whether it is labelled."""
        return masking.number_targets(targets, NUMBERS)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The shape."""
        return np.where(self.labelled(targets), np.nan_to_num(targets[:, 0]), -1).astype("int32")

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The shape, then left, right, top and bottom in pixels of the canvas.

        Raises:
            LabelError: If a box reaches out of its image.
        """
        placed = place_boxes(targets[:, None, 1:], self.format, geometry)[:, 0] * self.canvas
        shapes = np.where(np.isnan(placed).any(axis=-1), np.nan, targets[:, 0])
        return np.concatenate([shapes[:, None], placed[:, SIDES]], axis=-1).astype("float32")

    # === Network and training ===

    def fits_weights_of(self, other: Head) -> bool:
        """Whether the other head tells the same two shapes apart."""
        return isinstance(other, DualTaskHead) and super().fits_weights_of(other) and self.labels == other.labels

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Flatten the feature map, then as any head."""
        if len(features.shape) > 2:
            features = layers.Flatten(name=f"{name}_flatten")(features)
        return super().build_layers(features, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (NUMBERS,)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense layer of five numbers."""
        return layers.Dense(NUMBERS, dtype="float32", name=name)(features)

    def loss(self) -> losses.MaskedLoss:
        """The mean squared error, with the true shape multiplied first."""
        return losses.MaskedScaledSquaredError(self._factors)

    def metrics(self) -> list[keras.metrics.Metric]:
        """The squared error again, the accuracy of the shape, and the mean intersection over union of the box."""
        return [
            metrics.MaskedScaledSquaredError(self._factors, name="mse"),
            metrics.MaskedFirstAccuracy(self.threshold, NUMBERS, name="accuracy"),
            metrics.MaskedMeanIoU(CORNERS, NUMBERS, name="mean_iou"),
        ]

    def score(self, value: Any) -> Any:
        """`100 / (100 + mse)`: one half at the book's 100 squared pixels."""
        return GOOD / (GOOD + value)

    # === Predictions ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The first number as it is, then the box in the image, as labels are written."""
        boxes = restore_boxes(predictions[:, None, CORNERS] / self.canvas, self.format, geometry)[:, 0]
        return np.concatenate([predictions[:, :1], boxes], axis=-1)

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The shape's id and its box."""
        shapes = predictions[:, :1] >= self.threshold
        return np.concatenate([shapes, predictions[:, 1:]], axis=-1).astype("float32")

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """A list of the shape's name and four numbers a row."""
        shapes = (predictions[:, 0] >= self.threshold).astype(int)
        answers = np.empty(len(predictions), dtype=object)
        boxes = predictions[:, 1:].astype("float64").tolist()
        answers[:] = [[self.labels[shape], *box] for shape, box in zip(shapes, boxes)]
        return {"answer": answers}

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """The box, to be drawn."""
        return {"box": box_marks(values[:, None, 1:], self.format, geometry)[:, 0]}

    def evidence(self, outputs: Tensor) -> Tensor:
        """How far the five numbers are from the middle of their ranges."""
        ranges = ops.convert_to_tensor([self._factors[0], *[self.canvas] * 4], dtype=outputs.dtype)
        return moved(outputs / ranges, 0.5)

    def display(self) -> dict[str, Any]:
        """The shapes, the value from which on it is the second, and the side of the canvas."""
        return {"show": "shape_and_box", "names": list(self.labels), "threshold": self.threshold, "canvas": self.canvas}

    def evaluate(
        self, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None = None
    ) -> dict[str, Any]:
        """The squared error beside that of the mean of all rows, the accuracy of the shape, and the box's mean IoU.

        Args:
            targets: In input space, as :meth:`to_input_space` returns them.
            predictions: The model's output for this head.
            geometry: Not needed.
        """
        labelled = self.labelled(targets)
        names = ("value", "baseline", "score", "mse", "accuracy", "accuracy_baseline", "mean_iou")
        if not labelled.any():
            return {"metric": "mse", **dict.fromkeys(names, float("nan"))}
        targets, predictions = targets[labelled].astype("float64"), predictions[labelled].astype("float64")
        scaled, shapes = targets * self._factors, targets[:, 0] >= 0.5
        mse = float(np.square(predictions - scaled).mean())
        values = {"value": mse, "baseline": float(np.square(scaled.mean(axis=0) - scaled).mean())}
        values |= {"score": self.score(mse), "mse": mse}
        values["accuracy"] = float(((predictions[:, 0] >= self.threshold) == shapes).mean())
        values["accuracy_baseline"] = float(max(shapes.mean(), 1 - shapes.mean()))
        box = BoxHead().evaluate(targets[:, CORNERS], predictions[:, CORNERS])
        return {"metric": "mse", **values, "mean_iou": box["mean_iou"]}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"{' or '.join(self.labels)}, with its box, in one output"
