"""Keras' own `fit`, `evaluate`, `train_on_batch` and `test_on_batch`, with labels by the names of the heads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.errors import InputError
from mtlzoo.keras_compat import as_numbers, called_by_fit, set_direction
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.feeding import BatchCheck, feed, readable_errors
from mtlzoo.models.forms import make_anew_for_other_forms
from mtlzoo.models.labels import label_arrays
from mtlzoo.models.steps import BalancingEpochs

if TYPE_CHECKING:
    from keras import Model as _Base
else:
    _Base = object  # the class below stands before `keras.Model` among the bases of a model


class FittingByName(_Base):
    """What a `MultiTaskModel` does with labels before Keras gets them: they are checked, and may be missing."""

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: str | int = "auto",
        callbacks: Any = None,
        *,
        validation_data: Any = None,
        sample_weight: Any = None,
        class_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Keras' `fit`.

        Images and labels are arrays, or batches of both from a `tf.data.Dataset`, a `keras.utils.PyDataset` or any
        iterator. Labels are dictionaries by the names of the heads, and may leave heads out, in each batch others; what a
        head cannot learn from is refused before it is trained on. Callbacks may monitor `val_score` and the heads' losses
        and metrics with `mode="auto"`. Class weights belong to the heads, so `class_weight` is refused.

        Raises:
            InputError: If there are class weights, the labels are no dictionary by the names of the heads, or a label or
                weight is wrong; it names head, row and value.
        """
        _refuse_class_weight(class_weight)
        self.calibration = Calibration()  # what was fitted is true of the weights before
        checks = BatchCheck(self.heads), BatchCheck(self.heads)
        with readable_errors(*checks):
            x, y, sample_weight = feed(checks[0], x, y, sample_weight)
            if isinstance(validation_data, list | tuple):
                if len(validation_data) not in (2, 3):
                    raise InputError(
                        "Expected `validation_data` to be (images, labels) or (images, labels, sample weights), received: "
                        f"{len(validation_data)} parts."
                    )
                validation_data = feed(checks[1], *validation_data)
                make_anew_for_other_forms(self, "test_function", *validation_data)
            elif validation_data is not None:
                validation_data = feed(checks[1], validation_data)[0]
                make_anew_for_other_forms(self, "test_function", validation_data, None, None)
            make_anew_for_other_forms(self, "train_function", x, y, sample_weight)
            endless = isinstance(x, keras.utils.PyDataset) and x.num_batches is None
            if endless or hasattr(x, "element_spec") or isinstance(x, Iterator):
                # Keras warns that a pipeline or a generator shuffles for itself, which everybody who has made one knows.
                kwargs.setdefault("shuffle", False)
            kwargs |= {"validation_data": validation_data, "sample_weight": sample_weight}
            return super().fit(x, y, batch_size, epochs, verbose, self._callbacks_for(callbacks), **kwargs)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Keras' `evaluate`, of what :meth:`fit` takes; `return_dict=True` names the metrics.

        Raises:
            InputError: If the labels are no dictionary by the names of the heads, or a label or weight is wrong.
        """
        if called_by_fit(kwargs):  # which has checked it
            return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)
        check = BatchCheck(self.heads)
        with readable_errors(check):
            x, y, sample_weight = feed(check, x, y, sample_weight)
            make_anew_for_other_forms(self, "test_function", x, y, sample_weight)
            return super().evaluate(x, y, batch_size, verbose, sample_weight, **kwargs)

    def train_on_batch(
        self, x: Any, y: Any = None, sample_weight: Any = None, class_weight: Any = None, return_dict: bool = False
    ) -> Any:
        """Keras' `train_on_batch`; labels as in :meth:`fit`."""
        _refuse_class_weight(class_weight)
        self.calibration = Calibration()
        y, sample_weight = label_arrays(self.heads, x, y, sample_weight)
        make_anew_for_other_forms(self, "train_function", x, y, sample_weight)
        return as_numbers(super().train_on_batch(x, y, sample_weight, return_dict=return_dict))

    def test_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Keras' `test_on_batch`; labels as in :meth:`fit`."""
        y, sample_weight = label_arrays(self.heads, x, y, sample_weight)
        make_anew_for_other_forms(self, "test_function", x, y, sample_weight)
        return as_numbers(super().test_on_batch(x, y, sample_weight, return_dict=return_dict))

    def _callbacks_for(self, callbacks: Any) -> Any:
        """The callbacks, which know in what direction metrics are better, and the balancing's own."""
        metrics = [metric for group in self._head_metrics.values() for metric in group] if self.compiled else []
        modes = {"score": "max"} | {f"{name}_loss": "min" for name in self.heads}
        modes |= {metric.name: getattr(metric, "mode", "auto") for metric in metrics}
        modes |= {f"val_{name}": mode for name, mode in modes.items()}
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = list(callbacks) if isinstance(callbacks, list | tuple) else [callbacks] if callbacks else []
            if self.balancer is not None:
                callbacks = [BalancingEpochs(), *callbacks]
        for callback in getattr(callbacks, "callbacks", callbacks):
            # Keras knows the direction of its own metrics only, and refuses to guess for others.
            direction = modes.get(getattr(callback, "monitor", ""), "auto")
            if direction != "auto":
                set_direction(callback, direction)
        return callbacks


def _refuse_class_weight(class_weight: Any) -> None:
    if class_weight is not None:
        raise InputError(
            "Expected no `class_weight` in fit, since each head has classes of its own: give it to the head, as in "
            'ClassificationHead(classes, class_weight={...}) or class_weight="balanced".'
        )
