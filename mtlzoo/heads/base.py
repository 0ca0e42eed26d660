"""What every head is."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from mtlzoo.errors import HeadError
from mtlzoo.heads.conditions import normalize
from mtlzoo.heads.evidence import GivesEvidence
from mtlzoo.heads.teachable import Teachable
from mtlzoo.heads.towers import check_tower, hidden_layers
from mtlzoo.heads.unit_weights import TakesOverUnits

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from mtlzoo.images.geometry import ImageGeometry
    from mtlzoo.losses import MaskedLoss

# How a head makes a vector of the feature map for itself.
POOLINGS = ("attention",)


class Head(GivesEvidence, Teachable, TakesOverUnits):
    """One label group: how its labels are encoded, its layers, loss and metrics, and how its predictions are read back.

    A head does not know its name; that is its key in the dictionary of heads. Heads are immutable, so that tables and
    models may share them: constructors of subclasses set attributes as usual, later assignments raise an `AttributeError`.
    What a head learns of the labels is in the new head that :meth:`adapted` returns; a model keeps such heads in its
    `heads`.

    Args:
        hidden: Units of the dense layers between the shared features and the output, e.g. `[128]`; none by default.
        activation: The activation of the hidden layers.
        dropout: The fraction of features dropped before the output while training, in `[0, 1)`.
        loss_weight: The factor of this head's loss in the total, at least 0.
        pooling: `"attention"` for features that this head looks for by itself, see :mod:`mtlzoo.models.attention`; `None`
            for what `mtl.build(pooling=)` says.
        tower: A name for hidden layers, which all heads with this name share and agree in, see :mod:`mtlzoo.heads.towers`;
            `None` for layers of its own.
        only_if: Classes of other heads by their names, where this head is asked alone, such as `{"garment": ["skirt"]}`;
            see :mod:`mtlzoo.heads.conditions`.

    Attributes:
        spatial: Whether labels and predictions are positions in the image; see :class:`mtlzoo.heads.spatial.SpatialHead`.
        numeric: Whether predictions are numbers, with a loss of distances, rather than classes; balancing may ask.
        ordered: Whether classes have an order.
        reads_numbers: Whether cells hold numbers, so that words in them, such as `none`, can only mean missing ones.
        lists_names: Whether a cell lists several names, with separators between.
        mixes: How rows with a label may be mixed with others, `"mixup"` or `"cutmix"` (see :class:`mtlzoo.data.Mixing`);
            in no way unless a head says so: its loss for each of two labels has to make sense for a mixed image.

    Example:

    ```python
    head = mtl.ClassificationHead(["short", "knee", "long"], hidden=[64])  # a head of one kind
    head.encode(["knee", None])  # array([1, -1])
    ```
    """

    spatial: ClassVar[bool] = False
    numeric: ClassVar[bool] = False
    ordered: ClassVar[bool] = False
    reads_numbers: ClassVar[bool] = False
    lists_names: ClassVar[bool] = False
    mixes: ClassVar[tuple[str, ...]] = ()
    # Settings that `encode` does not depend on; each class lists those that it adds.
    ignored_by_encode: ClassVar[tuple[str, ...]] = (
        *("hidden", "activation", "dropout", "loss_weight", "pooling", "tower", "only_if"),
    )

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        loss_weight: float = 1.0,
        pooling: str | None = None,
        tower: str | None = None,
        only_if: Mapping[str, Sequence[str] | str] | None = None,
    ):
        if isinstance(hidden, Integral) or any(not isinstance(units, Integral) or units < 1 for units in hidden):
            raise ValueError(
                f"Expected `hidden` to be a list of positive integers such as [128], received: {hidden!r}."
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"Expected `dropout` in [0, 1), received: {dropout!r}.")
        if not loss_weight >= 0:
            raise ValueError(f"Expected `loss_weight` of at least 0, received: {loss_weight!r}.")
        if pooling not in (None, *POOLINGS):
            raise ValueError(f"Expected `pooling` to be None or {' or '.join(POOLINGS)}, received: {pooling!r}.")
        if pooling is not None and self.spatial:
            raise ValueError(f"Expected no `pooling` of a {type(self).__name__}, which needs all positions.")
        self.hidden = [int(units) for units in hidden]
        self.activation = activation
        self.dropout = dropout
        self.loss_weight = float(loss_weight)
        self.pooling = pooling
        self.tower = check_tower(self, tower)
        self.only_if = normalize(only_if)

    # === Labels ===

    @classmethod
    def matches(cls, labels: pd.Series) -> bool:
        """Whether a column with these labels, none of them missing, is most likely of this kind."""
        return False

    @classmethod
    @abstractmethod
    def from_labels(cls, labels: pd.Series, **options: Any) -> Head:
        """A head of this kind that knows all of a column's labels, none of them missing.

        Args:
            labels: The labels.
            **options: Further arguments of the constructor, given only where there are some.

        Raises:
            ValueError: If the labels are none of this kind.
        """

    @abstractmethod
    def encode(self, values: pd.Series | Sequence[Any] | np.ndarray) -> np.ndarray:
        """Turn the cells of a table into targets.

        Args:
            values: One value a row. `None`, `NaN` and the empty string are missing.

        Returns:
            Targets with the rows on the first axis, missing labels marked as `mtlzoo.masking` reads them.

        Raises:
            LabelError: If a value is invalid for this head; it names the row and what was expected.
        """

    def encoding_key(self) -> tuple[type[Head], str]:
        """What :meth:`encode` depends on: heads with equal keys encode any column alike.

        It leaves out the settings in `ignored_by_encode` of the class and its bases. A head whose `encode` does depend on
        one of them overrides this method.

        Returns:
            The class, and its other settings as text.

        Example:

        ```python
        import mtlzoo as mtl

        one, other = mtl.ClassificationHead(["a", "b"]), mtl.ClassificationHead(["a", "b"], hidden=[128])
        assert one.encoding_key() == other.encoding_key()
        ```
        """
        ignored = {name for cls in type(self).__mro__ for name in vars(cls).get("ignored_by_encode", ())}
        return type(self), repr({name: value for name, value in self.get_config().items() if name not in ignored})

    @abstractmethod
    def labelled(self, targets: np.ndarray) -> np.ndarray:
        """Which rows of encoded targets have a label: bool `(rows,)`."""

    def check(self, targets: np.ndarray) -> np.ndarray:
        """Targets given as numbers, not encoded from a table's cells: refuse what the loss cannot read.

        Args:
            targets: Numbers, rows on the first axis, in any of the shapes that the loss takes.

        Returns:
            The same targets, float32 and in one shape for all batches; a head of your own need not check any.

        Raises:
            LabelError: If a row is wrong; it names the first and what was expected.
        """
        return targets.astype("float32")

    def read(self, targets: Any) -> tuple[Any, Any]:
        """Targets and which of them are labelled, as a plain Keras loss or metric has to be given them; with `keras.ops`.

        Args:
            targets: A tensor.

        Returns:
            Two tensors of the same shape `(rows, entries)`, where each entry is a label by itself; or for a label that is
            a distribution, `(rows, classes)` and bool `(rows,)`.

        Raises:
            HeadError: If there is no such reading.
        """
        raise HeadError(
            f"Expected the losses and metrics of a {type(self).__name__} to be of `mtlzoo.losses` and `mtlzoo.metrics`, or "
            "your own subclasses of `MaskedLoss` and `MaskedMetric`: plain ones of Keras do not know its missing labels."
        )

    def strata(self, targets: np.ndarray) -> np.ndarray:
        """Strata, whose fractions a split keeps: ids `(rows,)` or `(rows, columns)`, whole numbers, `-1` where missing."""
        return self.labelled(targets).astype("int32") - 1

    def groups(self, targets: np.ndarray) -> dict[str, np.ndarray] | None:
        """The groups that labels divide rows into, bool `(rows,)` by their names; `None` for labels without names."""
        return None

    def reads_minus_one(self) -> bool:
        """Whether -1 is a label, although it is not among the names of classes, and so no mark of a missing one."""
        return False

    def learned(self, targets: np.ndarray) -> dict[str, Any]:
        """What the labels tell of attributes that are not known yet, such as counts, or mean and spread.

        Args:
            targets: Encoded training labels, rows on the first axis, some of them missing.

        Returns:
            Values by the names of the attributes, which are arguments of the constructor; most heads have none.
        """
        return {}

    def adapted(self, targets: np.ndarray) -> Self:
        """A new head that knows what it needs of the training labels.

        What is known already, given or learned before, stays as it is.

        Args:
            targets: Encoded training labels, rows on the first axis, some of them missing.

        Returns:
            The new head, whose `get_config` has what was learned; this one itself if there is nothing to learn.

        Example:

        ```python
        head = mtl.RegressionHead()
        head.adapted(head.encode([10, 30, None])).mean  # 20.0; `head.mean` is still None
        ```
        """
        learned = self.learned(targets)
        return self._with(**learned) if learned else self

    def mirror(self, targets: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
        """Swap left and right in the labels of mirrored images.

        This is all of geometry that labels without positions need: an eye's name changes, if it is one of a pair.

        Args:
            targets: As :meth:`encode` returns them.
            mirrored: Whether each row's image was mirrored, bool `(rows,)`.

        Returns:
            Targets of the same shape and dtype.
        """
        return targets

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Map encoded targets from image space to input space; without positions, only mirroring matters.

        Args:
            targets: As :meth:`encode` returns them.
            geometry: The map of each row's pixels from image space to input space.

        Returns:
            Targets of the same shape and dtype, as the loss and the metrics take them.
        """
        return self.mirror(targets, geometry.mirrored)

    # === Network ===

    def for_features(self, features: keras.KerasTensor) -> Self:
        """The head for these features: itself, unless its loss needs something of their shape, such as the grid's size.

        Args:
            features: As in :meth:`build_layers`, which the new head is to be asked for.

        Returns:
            The head that the model keeps.
        """
        return self

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Build the head's layers on the shared features, or on those of its tower.

        Args:
            features: `(batch, channels)`; for a spatial head `(batch, height, width, channels)`, if there is such a map.
            name: The name of the head, which its output layer gets too.

        Returns:
            The output tensor, float32.
        """
        return self.output(hidden_layers(self, features, name) if self.tower is None else features, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output, as many as the head knows before its layers are built; files are checked by them."""
        return ()

    @abstractmethod
    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """The output layers; the last is called `name` and computes in float32 whatever the precision policy."""

    def update(self, layer: keras.Layer) -> None:
        """Write what :meth:`adapted` has learned into the output layer of a model that is built already."""

    # === Training ===

    @abstractmethod
    def loss(self) -> MaskedLoss:
        """The loss."""

    @abstractmethod
    def metrics(self) -> list[keras.metrics.Metric]:
        """New metrics, the main one first."""

    def score(self, value: Any) -> Any:
        """The main metric's value on a scale where higher is better and 1 is perfect (numbers or tensors)."""
        return value

    # === Predictions ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Map predictions from input space to image space, as labels are written; no change without positions."""
        return predictions

    @abstractmethod
    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """Read predictions back.

        Args:
            predictions: The model's output for this head, rows on the first axis, after :meth:`to_image_space`.

        Returns:
            Columns of one value a row: `"answer"`, and for heads with classes `"probability"`, that of the answer.
        """

    def details(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """All that predictions contain, by the names of TensorFlow's Head API, rows on the first axis.

        Args:
            predictions: As in :meth:`decode`.

        Returns:
            `predictions`, as they are; heads with classes give `probabilities`, `class_ids`, `classes` and `all_classes`.
        """
        return {"predictions": predictions}

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """What of labels or predictions in image space can be drawn on the images, in their pixels.

        Returns:
            `"points"` `(rows, points, 2)` as (x, y), `"box"` `(rows, 4)` as x_min, y_min, x_max, y_max, or `"boxes"`, an
            object array `(rows,)` of `(boxes, 4)`; or nothing.
        """
        return {}

    def display(self) -> dict[str, Any]:
        """How a page that knows only the output's numbers shows them, as plain JSON.

        Returns:
            `"show"`, the way, and what that way needs:

            - `"values"`: the numbers as they are, which is all that the base class knows;
            - `"classes"` with `"names"`: a probability for each class, the largest is the prediction;
            - `"binary"` with `"names"` and `"threshold"`: the probability of the second of two labels, given from there up;
            - `"levels"` with `"names"`: a probability for each level in order, the median is the prediction;
            - `"tags"` with `"names"` and `"threshold"`: a probability for each tag, given from its threshold up;
            - `"numbers"`, with `"range"` where numbers of a usual size are known, `[lowest, highest]`;
            - `"expectation"` with `"values"`: a probability for each value, the mean is the prediction;
            - `"points"` with `"names"`: x and y of each point, from 0 to 1 from edge to edge of input space;
            - `"box"`: x_min, y_min, x_max and y_max of a box, likewise;
            - `"boxes"` with `"names"`, `"threshold"` and `"overlap"`: for each cell of a grid a box and a score for each
              class; objects are cells whose best score reaches the threshold, less those that overlap (IoU) a better one
              of the same class by more than `overlap`;
            - `"shape_and_box"` with `"names"`, `"threshold"` and `"canvas"`: a number that means the second name from the
              threshold up, then left, right, top and bottom of a box in pixels of a canvas with that side.
        """
        return {"show": "values"}

    @abstractmethod
    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """Metrics over labelled rows.

        Returns:
            `metric` (the main metric's name), `value`, `baseline` (the same metric of the trivial baseline, which ignores
            the image), `score`, and whatever else is customary for the kind of label. `NaN` where undefined.
        """

    def confusion(self, targets: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, list[str]] | None:
        """Counts `(true, predicted)` over labelled rows with the names of both axes; `None` for heads without classes."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """The kind of output in a few words, such as `"softmax, 8 classes"`."""
