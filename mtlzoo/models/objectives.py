"""What the heads' losses and metrics are to a training: masked, whoever wrote them."""

from __future__ import annotations

from collections.abc import Mapping

import keras

from mtlzoo.errors import HeadError
from mtlzoo.heads import ClassificationHead, Head
from mtlzoo.losses import MaskedLoss
from mtlzoo.losses.plain import MaskedPlainLoss
from mtlzoo.metrics.plain import MaskedPlainMetric


def head_losses(heads: Mapping[str, Head], label_smoothing: float = 0.0) -> dict[str, MaskedLoss]:
    """The loss of each head; a plain one of Keras' is taken over labelled rows.

    Args:
        heads: The heads by name.
        label_smoothing: That of softmax heads which have no smoothing of their own, in `[0, 1)`.

    Raises:
        HeadError: If a head's loss is none, or a plain one for labels that it cannot be told of.
        ValueError: If the smoothing is out of its range.
    """
    if not 0 <= label_smoothing < 1:
        raise ValueError(f"Expected `label_smoothing` in [0, 1), received: {label_smoothing!r}.")
    losses = {}
    for name, head in heads.items():
        loss = _smoothed(head, label_smoothing).loss()
        if not hasattr(loss, "sums"):
            if isinstance(loss, str):
                loss = keras.losses.get(loss)
            if not callable(loss):
                raise HeadError(f"Expected the loss of head {name!r} to be a Keras loss, received: {loss!r}.")
            _check_reading(name, head)
            loss = MaskedPlainLoss(loss, head.read)
        losses[name] = loss
    return losses


def _smoothed(head: Head, label_smoothing: float) -> Head:
    if not isinstance(head, ClassificationHead) or head.label_smoothing or not label_smoothing:
        return head
    return head.with_settings(label_smoothing=label_smoothing)


def head_metrics(heads: Mapping[str, Head]) -> dict[str, list[keras.metrics.Metric]]:
    """New metrics of each head, by whose names they are called in the logs; plain ones are taken over labelled rows.

    Raises:
        HeadError: If a head's metrics are none, or plain ones for labels that they cannot be told of.
    """
    groups = {}
    for name, head in heads.items():
        metrics = head.metrics()
        groups[name] = list(metrics) if isinstance(metrics, list | tuple) else [metrics]
        for place, metric in enumerate(groups[name]):
            if not isinstance(metric, keras.metrics.Metric):
                raise HeadError(f"Expected the metrics of head {name!r} to be Keras metrics, received: {metric!r}.")
            if type(metric).update_state.__module__.startswith("keras."):
                _check_reading(name, head)
                groups[name][place] = metric = MaskedPlainMetric(metric, head.read)
            metric.name = f"{name}_{metric.name}"
        if not groups[name]:
            raise HeadError(f"Expected at least one metric of head {name!r}, received none.")
    return groups


def _check_reading(name: str, head: Head) -> None:
    try:
        head.read(keras.ops.convert_to_tensor(head.encode([None])))
    except HeadError as error:
        raise HeadError(f"Head {name!r}: {error}") from None
