"""What a server says of images: what the data frame of `mtl.predict` says, as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from mtlzoo.evaluation.predictions import Predictions
from mtlzoo.evaluation.running import Run, split_distances
from mtlzoo.evaluation.unusual import unusual_column
from mtlzoo.images.geometry import ImageGeometry
from mtlzoo.images.loading import load_batch
from mtlzoo.serving.stand_in import stand_in

DIGITS = 7  # what float32 holds


class Question(NamedTuple):
    """An image at the network's size.

    Attributes:
        name: What it is called.
        image: uint8 `(height, width, channels)`.
        geometry: Where its pixels come from; of one row.
        probabilities: Whether all probabilities are asked for.
    """

    name: str
    image: np.ndarray
    geometry: ImageGeometry
    probabilities: bool = False


class Answerer:
    """A network as a server uses it: images are decoded one by one, and answered several at a time.

    Args:
        network: A model, or a :class:`mtlzoo.serving.Predictor`.
    """

    def __init__(self, network: Any):
        self.network = network
        self._runner, self._known = stand_in(network)

    def load(self, content: bytes, name: str, probabilities: bool = False) -> Question:
        """Decode an image.

        Args:
            content: That of an image file.
            name: What it is called.
            probabilities: Whether all probabilities are asked for.

        Raises:
            ImageError: If it cannot be read, or has more pixels than it may.
        """
        *size, channels = self.network.input_shape[1:]
        images, geometry = load_batch([content], (size[0], size[1]), resize=self.network.resize, channels=channels)
        return Question(name, images[0], geometry, probabilities)

    def answer(self, questions: Sequence[Question]) -> list[dict[str, Any]]:
        """Run the network.

        Returns:
            For each image `{"image": name, "heads": {head: ...}}`, see :func:`rows`.
        """
        first = questions[0].geometry
        geometry = ImageGeometry(
            np.concatenate([question.geometry.matrices for question in questions]),
            np.concatenate([question.geometry.sizes for question in questions]),
            first.image_size,
        )
        outputs = self._runner.predict_on_batch(np.stack([question.image for question in questions]))
        outputs, unusual = split_distances(outputs, self._known)
        outputs = {name: np.asarray(outputs[name]) for name in self.network.heads}
        run = Run(outputs, geometry, [question.name for question in questions], unusual=unusual)
        every = any(question.probabilities for question in questions)
        answers = list(rows(Predictions.from_run(self.network, run), every))
        for question, answer in zip(questions, answers, strict=True):
            if every and not question.probabilities:
                for told in answer["heads"].values():
                    told.pop("probabilities", None)
        return answers


def rows(predictions: Predictions, probabilities: bool = False) -> Iterator[dict[str, Any]]:
    """The data frame of predictions, row by row, as JSON has it.

    Args:
        predictions: Of some images, with their names.
        probabilities: Whether all probabilities are told.

    Yields:
        `image`, the name, and `heads`: for each head its `prediction` (a name, a number, or places in the coordinates of the
        image), what else the data frame has of it under the rest of the column's name, such as `probability`; `applicable`
        for a head that is not always asked; and `probabilities` by the name of the class, if they are to be told. `unusual`
        where the network knows images, see :func:`mtlzoo.know_images`.
    """
    frame = predictions.to_frame(probabilities)
    unusual = None if predictions.unusual is None else frame.pop(unusual_column(predictions.heads)).tolist()
    columns = list(_columns(frame.columns, predictions))
    asked = {name: predictions.asked(name) for name, head in predictions.heads.items() if head.only_if}
    for row, (image, *values) in enumerate(frame.itertuples(index=False, name=None)):
        heads: dict[str, dict[str, Any]] = {}
        for (head, key, label), value in zip(columns, values, strict=True):
            told = heads.setdefault(head, {})
            if label is None:
                told[key] = plain(value)
            elif key:
                told.setdefault(key, {})[label] = plain(value)
        for head, applicable in asked.items():
            heads[head]["applicable"] = bool(applicable[row])
        yield {"image": image, "heads": heads, **({} if unusual is None else {"unusual": plain(unusual[row])})}


def _columns(names: Iterable[Any], predictions: Predictions) -> Iterator[tuple[str, str, str | None]]:
    """For each column but the first the head, what it tells of it, and of which class; columns of a head follow its own."""
    head = ""
    for name in list(names)[1:]:
        if name in predictions.heads:
            head = name
            yield head, "prediction", None
        elif str(name).startswith(f"{head}:"):
            named = has_probabilities(predictions.heads[head])
            yield head, "probabilities" if named else "", str(name)[len(head) + 1 :]
        else:
            yield head, str(name)[len(head) + 1 :], None


def has_probabilities(head: Any) -> bool:
    """Whether a head's outputs are probabilities of names."""
    return hasattr(head, "names") and not head.spatial


def plain(value: Any) -> Any:
    """A value as JSON has it: no arrays, and nothing instead of numbers that are none."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    return value
