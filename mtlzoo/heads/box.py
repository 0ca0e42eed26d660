"""One box in the image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from mtlzoo.heads.box_formats import box_format, check_format, check_pixels, is_no_box, to_corners
from mtlzoo.heads.box_labels import box_marks, box_of, numbers_of, place_boxes, restore_boxes
from mtlzoo.heads.class_names import number_of
from mtlzoo.heads.evidence import Tensor, moved
from mtlzoo.heads.parts import boxes, keras, layers, losses, masking, metrics, ops
from mtlzoo.heads.spatial import SpatialHead
from mtlzoo.heads.targets import box_targets
from mtlzoo.heads.texts import is_missing, value_text
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.system import registries
from mtlzoo.system.registry import Registry

# A tenth of the side is a gross error, as it is for landmarks.
ERROR_SCALE = 0.1
LOSSES: Registry[Callable[..., losses.MaskedLoss]] = Registry(
    "loss of boxes",
    {
        "smooth_l1": "mtlzoo.losses:MaskedHuber",
        "giou": lambda units, scale: losses.MaskedGeneralizedIoU(),
        "giou+l1": lambda units, scale: losses.MaskedGeneralizedIoU(l1=2.5),
        "mse": "mtlzoo.losses:MaskedMeanSquaredError",
    },
    parent=registries.LOSSES,
)
# Of relative coordinates: centres are about so far from the middle, half sides are about so long, and differ by so much.
SPREAD, HALF, HALF_SPREAD = 0.2, 0.15, 0.1
THRESHOLDS = {"iou_50": 0.5, "iou_75": 0.75}


class BoxHead(SpatialHead):
    """One box in every image.

    The output is `(batch, 4)` float32: x_min, y_min, x_max, y_max, 0 to 1 from edge to edge of input space.
    Geometric augmentation moves the boxes of the labels with the pixels, a box that is not seen any more is missing, and
    predictions are returned in the image's own coordinates, in the labels' format. A box that was turned is replaced by the
    upright one around it, which is looser than need be: augment with `rotation=0`.

    Args:
        format: How labels are written, by the names of `keras.utils.bounding_boxes.convert_format`: `"xyxy"`, `"yxyx"`,
            `"xywh"`, `"center_xywh"` and `"center_yxhw"` in pixels of the image, from edge to edge, so that a whole
            image is 0, 0, width, height; `"rel_xyxy"`, `"rel_yxyx"`, `"rel_xywh"` and `"rel_center_xywh"` as fractions
            of its width and height.
        loss: `"giou+l1"` (DETR, Carion et al. 2020), `"giou"` (Rezatofighi et al. 2019), `"smooth_l1"` (Fast R-CNN,
            Girshick 2015) or `"mse"`. In the last two a tenth of the side counts as 1.
        **kwargs: `hidden`, `activation`, `dropout`, `loss_weight`; see :class:`Head`.

    The main metric is `mean_iou`, the mean intersection over union, higher is better; beside it stand `iou_50` and
    `iou_75`, the fractions of rows in which it is above 0.5 and 0.75. Targets are float32 `(rows, 4)`, `NaN` where missing.

    A box has a position: like the head of landmarks, this one flattens the backbone's feature map rather than pooling it.
    It normalises the map first: features that are all positive, and so many, would drive the hidden units to where they
    never respond again, within few steps. Centre and sides are linear in the last features, because what saturates
    may stay saturated.

    Example:

    ```python
    head = mtl.BoxHead(format="xywh", hidden=[200])
    head.encode([[20, 10, 64, 48], None])  # (2, 4), the second row NaN
    ```
    """

    numeric = True
    ignored_by_encode = ("loss",)

    def __init__(self, *, format: str = "rel_xyxy", loss: str = "giou+l1", **kwargs: Any):
        super().__init__(**kwargs)
        self.format = check_format(format)
        if loss not in LOSSES:
            raise ValueError(f"Expected `loss` to be one of {', '.join(LOSSES)}, received: {loss!r}.")
        self._loss = loss

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": self._loss}

    # === Labels ===

    @classmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> BoxHead:
        """Relative corners if no number is above 1, corners in pixels otherwise, if no `format` is given.

        Raises:
            ValueError: If a label is no list of four numbers, or some box has no such corners.
        """
        if "format" not in options:
            boxes = []
            for value in filter(_known, labels):
                box = _four(value)
                if box is None:
                    raise ValueError(f"expected boxes of 4 numbers, received {value_text(value)}")
                boxes.append(box.tolist())
            options["format"] = box_format(boxes)
        return cls(**options)

    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Boxes as labels are written, float32 `(rows, 4)`, `NaN` for missing.

        A value is a sequence of four numbers, or the text of such a list: with `;` between the numbers, or as Python and
        JSON write it. Four zeros and four times -1 are missing: it is how label files write that there is no box.
        """
        boxes = [self._box(value, row) for row, value in enumerate(values)]
        targets = np.asarray(boxes, "float32").reshape(-1, 4)
        check_pixels(targets[:, None], self.format)
        return targets

    def _box(self, value: Any, row: int) -> np.ndarray:
        if not _known(value):
            return np.full(4, np.nan)
        box = _four(value)
        if box is not None and (np.isnan(box).all() or is_no_box(box)):
            return np.full(4, np.nan)
        return box_of([] if box is None else box.tolist(), self.format, row, value)

    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows have a box."""
        return ~np.isnan(targets.reshape(-1, 4)).any(axis=-1)

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Relative corners, as :meth:`to_input_space` returns them."""
        return box_targets(targets)

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Each number, and whether it is labelled."""
        return masking.number_targets(targets, 4)

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """The third of the range of ranks in which the box's area lies."""
        corners, known = to_corners(targets.reshape(-1, 4), self.format), self.labelled(targets)
        areas = np.prod(corners[:, 2:] - corners[:, :2], axis=-1)
        strata = np.full(len(targets), -1, "int32")
        if known.any():
            strata[known] = np.searchsorted(np.quantile(areas[known], [1 / 3, 2 / 3]), areas[known], side="right")
        return strata

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """To x_min, y_min, x_max, y_max in input space; a box that lies outside of it is missing.

        Raises:
            LabelError: If a box reaches out of its image.
        """
        return place_boxes(targets.reshape(-1, 1, 4), self.format, geometry)[:, 0].astype("float32")

    # === Network and training ===

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Normalise and flatten the feature map, then as any head."""
        if len(features.shape) > 2:
            features = layers.BatchNormalization(momentum=0.9, name=f"{name}_normalization")(features)
            features = layers.Flatten(name=f"{name}_flatten")(features)
        return super().build_layers(features, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output."""
        return (4,)

    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """A dense layer for the centre, one for half of each side, and the corners that these say."""
        centre = layers.Dense(2, dtype="float32", name=f"{name}_centre_raw")(features)
        centre = layers.Rescaling(SPREAD, 0.5, dtype="float32", name=f"{name}_centre")(centre)
        half = layers.Dense(2, dtype="float32", name=f"{name}_half_raw")(features)
        half = layers.Rescaling(HALF_SPREAD, HALF, dtype="float32", name=f"{name}_half")(half)
        low = layers.Subtract(dtype="float32", name=f"{name}_low")([centre, half])
        high = layers.Add(dtype="float32", name=f"{name}_high")([centre, half])
        return layers.Concatenate(dtype="float32", name=name)([low, high])

    def loss(self) -> losses.MaskedLoss:
        """The chosen loss."""
        return LOSSES[self._loss](4, scale=ERROR_SCALE)

    def metrics(self) -> list[keras.metrics.Metric]:
        """Mean intersection over union, and the fractions above 0.5 and 0.75."""
        fractions = [metrics.MaskedIoUFraction(threshold, name=name) for name, threshold in THRESHOLDS.items()]
        return [metrics.MaskedMeanIoU(name="mean_iou"), *fractions]

    # === Predictions ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """To coordinates of the image, as labels are written; cut at its edges, and never inverted."""
        return restore_boxes(predictions.reshape(-1, 1, 4), self.format, geometry)[:, 0]

    def taught(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """The boxes."""
        return predictions.reshape(-1, 4).astype("float32")

    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """A list of four numbers a row."""
        answers = np.empty(len(predictions), dtype=object)
        answers[:] = predictions.reshape(-1, 4).astype("float64").tolist()
        return {"answer": answers}

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """The box, to be drawn."""
        return {"box": box_marks(values.reshape(-1, 1, 4), self.format, geometry)[:, 0]}

    def evidence(self, outputs: Tensor) -> Tensor:
        """How far the corners are from those of a box in the middle."""
        return moved(outputs, ops.convert_to_tensor([0.5 - HALF] * 2 + [0.5 + HALF] * 2, dtype=outputs.dtype))

    def display(self) -> dict[str, Any]:
        """A box."""
        return {"show": "box"}

    def evaluate(
        self, targets: np.ndarray, predictions: np.ndarray, geometry: ImageGeometry | None = None
    ) -> dict[str, Any]:
        """Mean intersection over union beside that of the mean box, and the fractions above 0.5 and 0.75.

        Args:
            targets: In input space, as :meth:`to_input_space` returns them.
            predictions: The model's output for this head.
            geometry: Not needed, since stretching changes no ratio of areas.
        """
        labelled = self.labelled(targets)
        names = ("value", "baseline", "score", "mean_iou", *THRESHOLDS)
        if not labelled.any():
            return {"metric": "mean_iou", **dict.fromkeys(names, float("nan"))}
        targets, predictions = targets[labelled], predictions.reshape(-1, 4)[labelled]
        overlaps, baseline = (
            keras.ops.convert_to_numpy(boxes.iou(answers.astype("float32"), targets.astype("float32"))).astype(
                "float64"
            )
            for answers in (predictions, targets.mean(axis=0, keepdims=True))
        )
        mean = float(overlaps.mean())
        fractions = {name: float((overlaps > threshold).mean()) for name, threshold in THRESHOLDS.items()}
        values = {"value": mean, "baseline": float(baseline.mean()), "score": mean, "mean_iou": mean}
        return {"metric": "mean_iou", **values, **fractions}

    def describe(self) -> str:
        """The kind of output in a few words."""
        return "a box"


def _known(value: Any) -> bool:
    """Whether a cell is neither empty nor -1."""
    return isinstance(value, list | tuple | np.ndarray) or not (is_missing(value) or number_of(value) == -1)


def _four(value: Any) -> np.ndarray | None:
    """The four numbers that a cell lists, `NaN` for those that are missing; `None` if it lists anything else."""
    try:
        box = np.array([np.nan if is_missing(part) else float(part) for part in numbers_of(value)])
    except (TypeError, ValueError):
        return None
    return box if box.shape == (4,) else None
