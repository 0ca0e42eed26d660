"""What helps where some classes are rare: another main metric, the focal loss, adjusted logits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from mtlzoo.heads.base import Head

if TYPE_CHECKING:
    from keras.metrics import Metric

NOT_COUNTED = (
    "{setting} needs the counts of the training labels: call `model.adapt(labels)` before `compile`, or train with "
    "`mtl.fit`, which does."
)
LOSSES = ("crossentropy", "focal")
# What no mean over rows is: a single row has such a value too, but of several rows it is another one.
NO_ROW_MEANS = frozenset({"auc", "balanced_accuracy", "f1", "macro_f1"})


class RareLabelsHead(Head):
    """A head of classes or tags whose loss may be told that some are rare.

    Args:
        loss: `"crossentropy"`, or `"focal"`, in which rows count the less the nearer they are to right: each term of the
            cross-entropy is multiplied by `|target - probability| ** gamma` (Lin et al. 2017, arXiv:1708.02002).
        gamma: That exponent, at least 0; more of it looks away from easy rows more.
        logit_adjustment: `tau` of the logit-adjusted loss (Menon et al. 2021, arXiv:2007.07314): while training, the loss
            sees `logits + tau * log(prior)`, with the priors that :meth:`adapted` counts on the labelled training rows (a
            class never seen counts as seen once). The outputs, those of files too, are without, so that with 1 they aim at
            balanced accuracy rather than accuracy. 0 for none. Validation loss is adjusted like training loss.
    """

    ignored_by_encode: ClassVar[tuple[str, ...]] = ("loss", "gamma", "logit_adjustment")
    label_counts: Any  # of subclasses: by class, or for each tag a pair of rows without and with it

    def __init__(self, *, loss: str = "crossentropy", gamma: float = 2.0, logit_adjustment: float = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        if loss not in LOSSES:
            raise ValueError(f"Expected `loss` to be one of {', '.join(LOSSES)}, received: {loss!r}.")
        for name, value in (("gamma", gamma), ("logit_adjustment", logit_adjustment)):
            if not isinstance(value, int | float | np.number) or not 0 <= value < np.inf:
                raise ValueError(f"Expected `{name}` to be a number of at least 0, received: {value!r}.")
        self._loss = loss
        self.gamma = float(gamma)
        self.logit_adjustment = float(logit_adjustment)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {**super().get_config(), "loss": self._loss}

    def loss_gamma(self) -> float:
        """The exponent of the focal loss, 0 for plain cross-entropy."""
        return self.gamma if self._loss == "focal" else 0.0

    def logit_offset(self) -> list[float] | None:
        """What the loss adds to the logits, a number for each class, or tag; `None` for nothing.

        Raises:
            ValueError: If logits are to be adjusted and the training labels have not been counted.
        """
        if not self.logit_adjustment:
            return None
        if self.label_counts is None:
            raise ValueError(NOT_COUNTED.format(setting=f"logit_adjustment={self.logit_adjustment:g}"))
        counts = np.maximum(np.asarray(self.label_counts, "float64"), 1)
        logits = np.log(counts / counts.sum()) if counts.ndim == 1 else np.log(counts[:, 1] / counts[:, 0])
        return (self.logit_adjustment * logits).tolist()


def check_metric(metric: Any, known: Sequence[str]) -> str | None:
    """The main metric by name, `None` for the first of those that there are.

    Raises:
        ValueError: If there is no such metric; the message lists those that there are.
    """
    if metric is None or metric in known:
        return metric
    raise ValueError(f"Expected `metric` to be one of {', '.join(known)}, received: {metric!r}.")


def order_metrics(metric: str, usual: Sequence[str], make: Mapping[str, Callable[[], Metric]]) -> list[Metric]:
    """New metrics of a head, its main one first.

    Args:
        metric: The main one's name.
        usual: The names of those that are always there.
        make: What makes each.
    """
    return [make[name]() for name in dict.fromkeys([metric, *usual])]
