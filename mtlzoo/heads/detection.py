"""Several objects in one image."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from mtlzoo.errors import LabelError
from mtlzoo.heads.box_formats import box_format, check_format, check_pixels, to_corners
from mtlzoo.heads.box_labels import box_marks, box_of, numbers_of, place_boxes, restore_boxes
from mtlzoo.heads.class_names import class_id, class_names, number_of
from mtlzoo.heads.detections import average_precision, find_objects
from mtlzoo.heads.evidence import Tensor, tag_scores
from mtlzoo.heads.parts import keras, layers, losses, metrics, ops
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.heads.targets import object_targets
from mtlzoo.heads.teachable import sigmoid_at
from mtlzoo.heads.texts import is_missing, shorten, value_text
from mtlzoo.heads.thresholds import CutHead, check_thresholds
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system.deprecation import renamed_arguments

# At first every cell says that nothing is there, as in RetinaNet: else the many empty cells would outweigh all others.
FIRST_SCORE = 0.01
# Of relative coordinates: an object's edges are about so far from the middle of a cell in it.
REACH = 0.15
SCORE = "score"  # what the threshold is of
EXPECTED = "expected a list of objects, each a class and a box of 4 numbers"


class DetectionHead(CutHead, SpatialHead):
    """All objects of some classes, with their boxes: an anchor-free grid on the backbone's feature map.

    Every cell of the map says how surely it sees an object of each class, and how far the edges of that object's box are
    from the cell's middle, as in FCOS (Tian et al. 2019) on one scale. The output is `(batch, cells, 4 + classes)` float32:
    x_min, y_min, x_max, y_max, 0 to 1 from edge to edge of input space, then the scores. Non-maximum suppression
    (OpenCV's) makes a list of objects of it.

    Args:
        classes: The names of the classes, or their number.
        format: How the boxes of labels are written, as in :class:`BoxHead`.
        max_objects: How many objects an image may have.
        score_threshold: The least score of a predicted object, from 0 to 1.
        nms_iou_threshold: Of two predicted objects of one class with an IoU above this the better one is kept.
        grid: Height and width of the feature map; by default that of the features on which the model's layers are built.
        hidden: Filters of the 3 x 3 convolutions before the output.
        **kwargs: `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The loss is :class:`mtlzoo.losses.MaskedDetectionLoss`. The main metric is `f1_50`, the mean over images of the F1 of
    the predicted objects, an IoU of at least one half being a hit; `evaluate` also gives COCO's `ap` (the mean over IoU
    from 0.5 to 0.95 and over classes), `ap_50` and `ap_75`, computed by pycocotools. Targets are float32
    `(rows, max_objects, 4 + classes)`, a box and a one-hot row for each object; `NaN` where there is no further object,
    `-1` throughout where the label is missing. No object at all is a label too: an empty list.

    Example:

    ```python
    head = mtl.DetectionHead(["triangle", "rectangle"], format="xyxy")
    head.encode([[("triangle", 20, 10, 84, 58)], [], None])  # (3, 20, 6): one object, none, missing
    ```
    """

    units_layer = "_scores_map"
    ignored_by_encode = ("score_threshold", "nms_iou_threshold", "grid")

    @renamed_arguments(most="max_objects", threshold="score_threshold", overlap="nms_iou_threshold")
    def __init__(
        self,
        classes: int | Sequence[str],
        *,
        format: str = "rel_xyxy",
        max_objects: int = 20,
        score_threshold: float = 0.4,
        nms_iou_threshold: float = 0.5,
        grid: Sequence[int] | None = None,
        hidden: Sequence[int] = (128, 128),
        **kwargs: Any,
    ):
        super().__init__(hidden=hidden, **kwargs)
        self.classes = class_names(classes)
        self.format = check_format(format)
        if not max_objects >= 1:
            raise ValueError(f"Expected `max_objects` of at least 1, received: {max_objects!r}.")
        for argument, value in (("score_threshold", score_threshold), ("nms_iou_threshold", nms_iou_threshold)):
            if not 0 <= value <= 1:
                raise ValueError(f"Expected `{argument}` from 0 to 1, received: {value!r}.")
        self.max_objects = int(max_objects)
        self.score_threshold = float(score_threshold)
        self.nms_iou_threshold = float(nms_iou_threshold)
        self.grid = None if grid is None else [int(side) for side in grid]

    # === Labels ===

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> DetectionHead:
        """The names that occur, in their order; if no `format` is given, relative corners if no number is above 1, in pixels
        otherwise.

        Raises:
            ValueError: If no row has an object, or some box has no such corners.
        """
        try:
            listed = [_objects(value) for value in labels if number_of(value) != -1]
        except ValueError as error:
            raise ValueError(f"{EXPECTED}: {error}") from None
        objects = [object for objects in listed for object in objects]
        if not objects:
            raise ValueError("no row has an object")
        names = sorted({str(name) for name, *_ in objects})
        if "format" not in options:
            options["format"] = box_format([box for _, *box in objects])
        return cls(names, **{"max_objects": max(map(len, listed)), **options})

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Boxes as labels are written and one-hot rows, float32 `(rows, max_objects, 4 + classes)`.

        A value is a list of objects, each a class (name or id) and four numbers, or the text of such a list as Python and
        JSON write it, or `triangle 20 10 84 58; rectangle 3 4 50 60`. An empty list says that there is nothing.
        """
        width = 4 + len(self.classes)
        if isinstance(values, np.ndarray) and values.dtype != object and values.ndim == 3:
            if values.shape[1:] != (self.max_objects, width):
                raise LabelError(
                    0, f"expected encoded objects {(self.max_objects, width)}, received {values.shape[1:]}"
                )
            return values.astype("float32")
        targets = np.full((len(values), self.max_objects, width), np.nan, "float32")
        for row, value in enumerate(values):
            if not isinstance(value, list | tuple | np.ndarray) and (is_missing(value) or number_of(value) == -1):
                targets[row] = -1
                continue
            try:
                objects = _objects(value)
            except ValueError:
                raise LabelError(row, f"{EXPECTED}, received {value_text(value)}") from None
            if len(objects) > self.max_objects:
                raise LabelError(
                    row,
                    f"expected at most {self.max_objects} objects (`max_objects`), received {len(objects)}: "
                    f"{value_text(value)}",
                )
            for number, (name, *box) in enumerate(objects):
                index = class_id(name, self.classes)
                if index is None or index < 0:
                    raise LabelError(
                        row,
                        f"unknown class {value_text(name)} in {value_text(value)}, expected one of: {shorten(self.classes)}",
                    )
                targets[row, number, :4] = box_of(box, self.format, row, value)
                targets[row, number, 4:] = np.arange(len(self.classes)) == index
        check_pixels(np.where(self.labelled(targets)[:, None, None], targets[..., :4], np.nan), self.format)
        return targets

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows say what there is, be it nothing."""
        return np.asarray(~(targets[..., 4:] < 0).any(axis=(1, 2)))

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Objects with relative corners, as :meth:`to_input_space` returns them."""
        return object_targets(targets, len(self.classes))

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """For each class whether the image has an object of it."""
        present = (targets[..., 4:] > 0.5).any(axis=1).astype("int32")
        return np.where(self.labelled(targets)[:, None], present, -1)

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Boxes to x_min, y_min, x_max, y_max in input space; what lies outside of it is no object.

        Raises:
            LabelError: If a box reaches out of its image.
        """
        labelled = self.labelled(targets)[:, None, None]
        boxes = place_boxes(np.where(labelled, targets[..., :4], np.nan), self.format, geometry)
        placed = np.concatenate([boxes, targets[..., 4:]], axis=-1)
        placed[np.isnan(boxes).any(axis=-1)] = np.nan
        return np.where(labelled, placed, -1).astype("float32")

    # === Network and training ===

    def for_features(self, features: keras.KerasTensor) -> Self:
        """A head that knows the feature map's height and width, if they are known, which its loss needs."""
        sides = list(features.shape[1:3]) if len(features.shape) == 4 else []
        return self if len(sides) != 2 or None in sides or self.grid == sides else self._with(grid=sides)

    def unit_names(self) -> Sequence[str]:
        """The classes, each with one channel of scores."""
        return self.classes

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Convolutions on the feature map, then a box and scores for each of its cells.

        Raises:
            ValueError: If there is no feature map, or one of unknown size.
        """
        if len(features.shape) != 4 or None in features.shape[1:]:
            raise ValueError(
                f"Expected a feature map (batch, height, width, channels) of known size for {name!r}, received: "
                f"{features.shape}. A backbone that ends in a map has one, with `input_shape`, and so has "
                "one that ends at a `feature_layer`."
            )
        x = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(features)
        for index, filters in enumerate(self.hidden, start=1):
            x = layers.Conv2D(filters, 3, padding="same", activation=self.activation, name=f"{name}_hidden_{index}")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name=f"{name}_dropout")(x)
        return self.output(x, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (4 + len(self.classes),)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Convolutions of a single cell each, and the cells' middles as the constants of a `Rescaling`."""
        _, height, width, _ = features.shape
        cells = height * width
        small = keras.initializers.RandomNormal(stddev=0.01)
        bias = keras.initializers.Constant(-np.log(1 / FIRST_SCORE - 1))

        def convolve(channels: int, activation: str, part: str, **arguments: Any) -> keras.KerasTensor:
            arguments |= {"activation": activation, "kernel_initializer": small, "dtype": "float32"}
            x = layers.Conv2D(channels, 1, name=f"{name}_{part}_map", **arguments)(features)
            return layers.Reshape((cells, channels), dtype="float32", name=f"{name}_{part}")(x)

        distances = convolve(4, "softplus", "distances")
        scores = convolve(len(self.classes), "sigmoid", "scores", bias_initializer=bias)
        y, x = np.mgrid[:height, :width].reshape(2, -1) + 0.5
        middles = np.stack([x / width, y / height] * 2, axis=-1).tolist()
        boxes = layers.Rescaling([-REACH, -REACH, REACH, REACH], middles, dtype="float32", name=f"{name}_boxes")(
            distances
        )
        return layers.Concatenate(dtype="float32", name=name)([boxes, scores])

    def loss(self) -> losses.MaskedDetectionLoss:
        """Quality focal loss of scores, GIoU of boxes."""
        return losses.MaskedDetectionLoss(len(self.classes), self.grid)

    def metrics(self) -> list[keras.metrics.Metric]:
        """The mean F1 of images."""
        return [
            metrics.MaskedDetectionF1(len(self.classes), self.score_threshold, self.nms_iou_threshold, name="f1_50")
        ]

    # === Predictions ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Boxes to coordinates of the image, as labels are written; cut at its edges."""
        boxes = restore_boxes(predictions[..., :4], self.format, geometry)
        return np.concatenate([boxes, predictions[..., 4:]], axis=-1)

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """A list of objects a row, the surest first, each a list of the class and four numbers; and their scores."""
        answers, scores = np.empty((2, len(predictions)), dtype=object)
        for row, values in enumerate(predictions):
            kept, ids, scores[row] = self._find(values)
            boxes = values[kept, :4].astype("float64").tolist()
            answers[row] = [[self.classes[index], *box] for index, box in zip(ids, boxes)]
        return {"answer": answers, "probability": scores}

    def _find(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[float]]:
        corners = to_corners(values[..., :4], self.format)
        return find_objects(corners, values[..., 4:], self.score_threshold, self.nms_iou_threshold)

    def at_temperature(self, predictions: np.ndarray, temperature: float) -> np.ndarray:
        """The sigmoids of the scores' logits, divided; boxes as they are."""
        return np.concatenate([predictions[..., :4], sigmoid_at(predictions[..., 4:], temperature)], axis=-1)

    def questions(self) -> Sequence[str]:
        """The score of an object, of whatever class."""
        return [SCORE]

    @property
    def thresholds(self) -> dict[str, float]:
        """The least score of a predicted object, unless it leaves out none, or all."""
        return {SCORE: self.score_threshold} if 0 < self.score_threshold < 1 else {}

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Self:
        """A new head with another least score, `{"score": 0.3}`.

        Raises:
            ValueError: If there is no such question, or the threshold is not in (0, 1).
        """
        merged = {SCORE: self.score_threshold, **thresholds}
        return self.with_settings(score_threshold=check_thresholds(merged, self.questions()))

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """The boxes, to be drawn: an object array `(rows,)` of float64 `(objects, 4)`."""
        boxes = np.empty(len(values), dtype=object)
        for row, cells in enumerate(values):
            kept = self._find(cells)[0]
            boxes[row] = box_marks(cells[None, kept, :4], self.format, geometry.take(np.array([row])))[0]
        return {"boxes": boxes}

    def evidence(self, outputs: Tensor) -> Tensor:
        """The logit of the best score of any cell."""
        return ops.max(tag_scores(outputs[..., 4:]), axis=(1, 2))

    def display(self) -> dict[str, Any]:
        """The classes, and which cells are objects."""
        return {
            "show": "boxes",
            "names": list(self.classes),
            "threshold": self.score_threshold,
            "overlap": self.nms_iou_threshold,
        }

    def evaluate(
        self, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None = None
    ) -> dict[str, Any]:
        """The mean F1 beside that of never finding anything, and COCO's average precisions.

        Args:
            targets: In input space, as :meth:`to_input_space` returns them.
            predictions: The model's output for this head.
            geometry: Not needed, since stretching changes no ratio of areas.

        Raises:
            ImportError: If pycocotools is not installed.
        """
        labelled = self.labelled(targets)
        if not labelled.any():
            names = ("value", "baseline", "score", "f1_50", "ap", "ap_50", "ap_75")
            return {"metric": "f1_50", **dict.fromkeys(names, float("nan"))}
        targets, predictions = targets[labelled], predictions[labelled]
        (metric,) = self.metrics()
        for start in range(0, len(targets), 256):
            metric.update_state(targets[start : start + 256], predictions[start : start + 256])
        f1 = float(metric.result())
        nothing = float(np.isnan(targets[:, :, 0]).all(axis=1).mean())
        values = {"value": f1, "baseline": nothing, "score": f1, "f1_50": f1}
        return {"metric": "f1_50", **values, **average_precision(targets, predictions, self.nms_iou_threshold)}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return f"objects of {len(self.classes)} class{'es' * (len(self.classes) > 1)}"


def _objects(value: Any) -> list[list[Any]]:
    """What a cell lists, each object as a class and four numbers.

    Raises:
        ValueError: If it lists anything else.
    """
    if isinstance(value, str):
        text = value.strip()
        if text[:1] in ("[", "("):
            try:
                value = ast.literal_eval(text)
            except SyntaxError as error:  # which is no `ValueError`
                raise ValueError(str(error)) from None
        else:
            value = [re.split(r"[\s,]+", part.strip()) for part in text.split(";") if part.strip()]
    if not isinstance(value, list | tuple | np.ndarray):
        raise ValueError(f"no list: {value_text(value)}")
    objects = [numbers_of(part) if isinstance(part, list | tuple | np.ndarray) else [] for part in value]
    if any(len(parts) != 5 for parts in objects):
        raise ValueError(f"no objects: {value_text(value)}")
    return objects
