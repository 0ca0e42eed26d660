"""What every head is."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlzoo.errors import HeadError
from mtlzoo.system.deprecation import with_new_names

if TYPE_CHECKING:
    import keras
    import pandas as pd

    from mtlzoo.images.geometry import ImageGeometry
    from mtlzoo.losses import MaskedLoss


class Head(ABC):
    """One label group: how its labels are encoded, its layers, loss and metrics, and how its answers are read back.

    A head does not know its name; that is its key in the dictionary of heads.

    Args:
        hidden: Units of the dense layers between the shared features and the output, e.g. `[128]`; none by default.
        activation: The activation of the hidden layers.
        dropout: The share of features dropped before the output while training, in `[0, 1)`.
        loss_weight: The factor of this head's loss in the total, at least 0.

    Attributes:
        spatial: Whether answers are places in the image. Such a head sees the backbone's feature map, not its mean;
            :meth:`place` and :meth:`restore` move its labels and answers; and its `evaluate` and `marks` take them so.
        numeric: Whether answers are numbers, with a loss of distances, rather than classes; balancing may ask.
    """

    spatial = False
    numeric = False
    # Settings that `encode` does not depend on; each class lists those that it adds.
    ignored_by_encode: tuple[str, ...] = ("hidden", "activation", "dropout", "loss_weight")

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (),
        activation: str = "relu",
        dropout: float = 0.0,
        loss_weight: float = 1.0,
    ):
        if isinstance(hidden, Integral) or any(not isinstance(units, Integral) or units < 1 for units in hidden):
            raise ValueError(
                f"Expected `hidden` to be a list of positive integers such as [128], received: {hidden!r}."
            )
        if not 0 <= dropout < 1:
            raise ValueError(f"Expected `dropout` in [0, 1), received: {dropout!r}.")
        if not loss_weight >= 0:
            raise ValueError(f"Expected `loss_weight` of at least 0, received: {loss_weight!r}.")
        self.hidden = [int(units) for units in hidden]
        self.activation = activation
        self.dropout = dropout
        self.loss_weight = float(loss_weight)

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
            LabelError: If a value is none that this head knows; it names the row and what was expected.
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
        """What a split keeps the shares of: ids `(rows,)` or `(rows, columns)`, whole numbers, `-1` where missing."""
        return self.labelled(targets).astype("int32") - 1

    def adapt(self, targets: np.ndarray) -> None:  # noqa: B027 - most heads have nothing to learn
        """Learn what the head needs to know of the training labels (counts, mean and spread); no-op once known."""

    def to_input_space(self, targets: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Move encoded targets as the pixels of their images were moved, and swap left and right where mirrored.

        Args:
            targets: As :meth:`encode` gives them.
            geometry: Where each row's pixels come to lie.

        Returns:
            Targets of the same shape and dtype, as the loss and the metrics take them.
        """
        return targets

    # === Network ===

    def build_layers(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """Build the head's layers on the shared features.

        Args:
            features: `(batch, channels)`; for a spatial head `(batch, height, width, channels)`, if there is such a map.
            name: The name of the head, which its output layer gets too.

        Returns:
            The output tensor, float32.
        """
        from keras import layers

        x = features
        for index, units in enumerate(self.hidden, start=1):
            x = layers.Dense(units, activation=self.activation, name=f"{name}_hidden_{index}")(x)
        if self.dropout:
            x = layers.Dropout(self.dropout, name=f"{name}_dropout")(x)
        return self.output(x, name)

    def output_shape(self) -> tuple[int, ...]:
        """The last axes of the output, as many as the head knows before it is connected; files are checked by them."""
        return ()

    @abstractmethod
    def output(self, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
        """The output layers; the last is called `name` and computes in float32 whatever the precision policy."""

    def update(self, layer: keras.Layer) -> None:  # noqa: B027 - most heads keep nothing in their layers
        """Carry what :meth:`adapt` has learned into the output layer of a model that is built already."""

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

    # === Answers ===

    def to_image_space(self, predictions: np.ndarray, geometry: ImageGeometry) -> np.ndarray:
        """Move predictions from what the network sees back to the image, as labels are written."""
        return predictions

    @abstractmethod
    def decode(self, predictions: np.ndarray) -> dict[str, Any]:
        """Read predictions back.

        Args:
            predictions: What the model puts out for this head, rows on the first axis, after :meth:`restore`.

        Returns:
            Columns of one value a row: `"answer"`, and where there is such a thing `"probability"`, that of the answer.
        """

    def details(self, predictions: np.ndarray) -> dict[str, np.ndarray]:
        """All that predictions tell, by the names that TensorFlow's Head API has for it, rows on the first axis.

        Args:
            predictions: As in :meth:`decode`.

        Returns:
            `predictions`, as they are; heads with classes give `probabilities`, `class_ids`, `classes` and `all_classes`.
        """
        return {"predictions": predictions}

    def marks(self, values: np.ndarray, geometry: ImageGeometry) -> dict[str, np.ndarray]:
        """What of encoded labels or restored predictions can be drawn on the images, in pixels of these.

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
            - `"classes"` with `"names"`: a probability for each class, the largest is the answer;
            - `"binary"` with `"names"`: the probability of the second of two answers;
            - `"levels"` with `"names"`: a probability for each level in order, the median is the answer;
            - `"tags"` with `"names"` and `"threshold"`: a probability for each tag, given from the threshold up;
            - `"numbers"`, with `"range"` where numbers of a usual size are known, `[lowest, highest]`;
            - `"expectation"` with `"values"`: a probability for each value, the mean is the answer;
            - `"points"` with `"names"`: x and y of each point, from 0 to 1 from edge to edge of what the network sees;
            - `"box"`: x_min, y_min, x_max and y_max of a box, likewise;
            - `"boxes"` with `"names"`, `"threshold"` and `"overlap"`: for each cell of a grid a box and a score for each
              class; answers are cells whose best score reaches the threshold, less those that overlap (IoU) a better one
              of the same class by more than `overlap`;
            - `"shape_and_box"` with `"names"`, `"threshold"` and `"canvas"`: a number that means the second name from the
              threshold up, then left, right, top and bottom of a box in pixels of a canvas with that side.
        """
        return {"show": "values"}

    @abstractmethod
    def evaluate(self, targets: np.ndarray, predictions: np.ndarray) -> dict[str, Any]:
        """Figures over labelled rows.

        Returns:
            `metric` (the main metric's name), `value`, `baseline` (the same metric of an answer that ignores the
            image), `score`, and whatever else is customary for the kind of label. `NaN` where undefined.
        """

    def confusion(self, targets: np.ndarray, predictions: np.ndarray) -> tuple[np.ndarray, list[str]] | None:
        """Counts `(true, answered)` over labelled rows with the names of both axes; `None` where there is no such."""
        return None

    @abstractmethod
    def describe(self) -> str:
        """The kind of answer in a few words, such as `"softmax, 8 classes"`."""

    # === Config ===

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor, which every head keeps under their own names, as plain JSON values."""
        names = [
            parameter.name
            for cls in type(self).__mro__
            if "__init__" in vars(cls) and issubclass(cls, Head)
            for parameter in inspect.signature(cls.__init__).parameters.values()
            if parameter.name != "self" and parameter.kind is not parameter.VAR_KEYWORD
        ]
        return {name: getattr(self, name) for name in dict.fromkeys(names)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Head:
        """The head that `get_config` describes."""
        return cls(**with_new_names(cls.__init__, config))

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((type(self), repr(self.get_config())))

    def __repr__(self) -> str:
        defaults = {
            parameter.name: parameter.default
            for cls in reversed(type(self).__mro__)
            if "__init__" in vars(cls) and issubclass(cls, Head)
            for parameter in inspect.signature(cls.__init__).parameters.values()
        }
        told = {
            name: value
            for name, value in self.get_config().items()
            if value != defaults.get(name) and not (value == [] and defaults.get(name) == ())
        }
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"
