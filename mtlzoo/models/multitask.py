"""The network with one named output for each head, and how it is trained inside Keras' own `fit`."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
from keras import ops

from mtlzoo import masking
from mtlzoo.backbones import Backbone
from mtlzoo.backbones.layer_names import EXPECTED, is_safe
from mtlzoo.backbones.recognition import preprocessing_in_graph
from mtlzoo.balancing import Balancing
from mtlzoo.errors import InputError
from mtlzoo.heads import Head, get_heads
from mtlzoo.heads.extras import without_extras
from mtlzoo.heads.mixed import partners_of
from mtlzoo.heads.taught import taught_of
from mtlzoo.heads.texts import value_text
from mtlzoo.keras_compat import flatten_layers, like_functional, untrack
from mtlzoo.losses import MaskedLoss
from mtlzoo.metrics import RatioOfSums
from mtlzoo.metrics.base import results
from mtlzoo.models import replicas
from mtlzoo.models.balanced import BalancedTraining
from mtlzoo.models.calibrated import Calibration
from mtlzoo.models.extending import with_heads
from mtlzoo.models.fitting import FittingByName
from mtlzoo.models.freezing import set_trainable
from mtlzoo.models.fused_adam import fuse_adam
from mtlzoo.models.head_layers import output_layer
from mtlzoo.models.image_range import ChecksImages
from mtlzoo.models.labels import by_head, weights_by_head
from mtlzoo.models.mixed_labels import mixed_sums
from mtlzoo.models.objectives import head_losses, head_metrics
from mtlzoo.models.replicated import ReplicatedTraining
from mtlzoo.models.saving import SavedWithHeads, heads_of_outputs
from mtlzoo.models.splitting import Split, split
from mtlzoo.models.steps import compilable, make_balancer
from mtlzoo.models.taught_losses import taught_losses

Tensor = Any

# How images may come to the input's size; `mtlzoo.data` does it.
RESIZES = ("stretch", "crop", "pad")


@keras.saving.register_keras_serializable("mtlzoo")
class MultiTaskModel(SavedWithHeads, ChecksImages, FittingByName, ReplicatedTraining, BalancedTraining, keras.Model):
    """A functional `keras.Model` whose outputs are a dictionary with one entry for each head.

    Made by :func:`mtlzoo.build` and the named builders; `compile`, `fit`, `evaluate`, `predict` and callbacks are
    Keras' own. What differs is that losses and metrics come from the heads, and that labels may be missing anywhere:
    in rows, in whole batches, or a head's key altogether.

    Args:
        inputs: The image input, `(batch, height, width, channels)`.
        outputs: A dictionary from each head's name to its output tensor.
        name: The name of the model.
        heads: A dictionary from each head's name to the head.
        resize: How images come to the input's size: `"stretch"`, `"crop"` or `"pad"`. It belongs to the model, so that
            training, evaluation, prediction and exported files cannot differ.

    Attributes:
        resize: As given.
        calibration: What was fitted on validation rows after training; see :class:`mtlzoo.models.Calibration`.

    In the logs of `fit` and `evaluate` stand `loss` (the weighted sum of the heads' losses, and regularisation),
    `<head>_loss`, `<head>_<metric>`, and `score`, the mean over heads of their main metrics, each scaled so that higher
    is better. All are taken over the epoch's labelled rows, whatever the batches; a metric of no rows is `NaN`.

    Example:

    ```python
    images = keras.Input((32, 32, 3))
    features = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(8, 3)(images))
    outputs = {"coat_length": keras.layers.Dense(3, activation="softmax", name="coat_length")(features)}
    small = mtl.MultiTaskModel(images, outputs, heads={"coat_length": mtl.ClassificationHead(["short", "knee", "long"])})
    small.compile()
    small.fit(np.zeros((2, 32, 32, 3)), {"coat_length": np.array([2, -1])}, verbose=0)  # the second has no label
    ```
    """

    # `compile` makes these.
    _head_losses: dict[str, MaskedLoss]
    _loss_means: dict[str, RatioOfSums]
    _head_metrics: dict[str, list[keras.metrics.Metric]]
    _penalty: keras.metrics.Mean

    @like_functional
    def __init__(
        self,
        inputs: Any,
        outputs: Mapping[str, Any],
        name: str | None = None,
        *,
        heads: Mapping[str, Head] | None = None,
        resize: str = "stretch",
        **kwargs: Any,
    ):
        if heads is None:  # `keras.models.clone_model` gives none
            heads, resize = heads_of_outputs(outputs)
        heads = get_heads(heads, complete=True)
        if not isinstance(outputs, Mapping) or set(outputs) != set(heads):
            raise ValueError(f"Expected one output for each head ({', '.join(heads)}), received: {outputs!r}.")
        if resize not in RESIZES:
            raise ValueError(f"Expected `resize` to be one of {', '.join(RESIZES)}, received: {resize!r}.")
        if name is not None and not (isinstance(name, str) and is_safe(name)):
            raise InputError(f"Expected a model's name of {EXPECTED}, received: {value_text(name)}.")
        super().__init__(inputs=inputs, outputs={name: outputs[name] for name in heads}, name=name, **kwargs)
        for layer in flatten_layers(self):
            if layer.dtype_policy.compute_dtype == "float16":
                self.dtype_policy = layer.dtype_policy  # after loading, too: `compile` then scales the loss
        for layer in self.layers:
            if isinstance(layer, Backbone) and layer.preprocessing is None:
                layer.preprocessing = preprocessing_in_graph(self)
        self._heads = MappingProxyType(heads)
        self.resize = resize
        self.calibration = Calibration()
        self.label_smoothing = 0.0
        self.low_rank: int | None = None  # of the kernels' changes, see `mtlzoo.models.low_rank`
        self._split: Split | None = None
        self.step_forms: dict[str, dict[str, str]] = {"train_function": {}, "test_function": {}}

    # === Parts ===

    @property
    def heads(self) -> Mapping[str, Head]:
        """The heads by name, in the order in which they were given, read-only.

        This is the one place of what training labels tell: :meth:`adapt` replaces heads here by new ones, and losses,
        metrics' scores and files follow. Heads that were given stay as they are.
        """
        return self._heads

    @property
    def backbone(self) -> keras.Model:
        """The feature extractor: the one nested model in the graph.

        Raises:
            ValueError: If the graph was made by hand and holds no `mtlzoo.backbones.Backbone`.
        """
        for layer in self.layers:
            if isinstance(layer, Backbone):
                return layer
        raise ValueError(f"Expected a `Backbone` among the layers of {self.name!r}; `mtl.build` makes models with one.")

    def split(self) -> Split:
        """The part that all heads share, and the heads; see :func:`mtlzoo.models.splitting.split`."""
        if self._split is None:
            self._split = split(self)
        return self._split

    def with_heads(self, heads: Mapping[str, Head | int], name: str | None = None) -> MultiTaskModel:
        """A copy with these heads, of which equal ones keep layers and predictions; see :mod:`mtlzoo.models.extending`."""
        return with_heads(self, heads, name)

    def set_trainable(self, part: str | int | Sequence[str]) -> None:
        """Choose what training may change; see :func:`mtlzoo.models.freezing.set_trainable`. Compile afterwards."""
        set_trainable(self, part)

    def adapt(self, labels: Mapping[str, np.ndarray]) -> None:
        """Replace heads by heads that have learned what they need of the training labels, where they do not know it yet.

        Counts for `class_weight="balanced"`, mean and spread for regression. `mtl.fit` calls it. The heads that the model
        was made of stay as they are; `model.heads` has the new ones.

        Args:
            labels: Encoded targets by the name of the head, over the training rows; heads may be left out.

        Raises:
            ValueError: If the labels are no dictionary, or one is for none of the heads.
        """
        given = by_head(self.heads, labels, "labels")
        self.replace_heads({name: self.heads[name].adapted(np.asarray(targets)) for name, targets in given.items()})

    def replace_heads(self, heads: Mapping[str, Head]) -> None:
        """Put heads that differ in what they have learned of their labels in place of those of the same names.

        Losses and the output layers follow; compiled functions are made again at the next step.

        Args:
            heads: New heads by name, for which the layers have the same shapes.
        """
        self._heads = MappingProxyType({**self._heads, **heads})
        for name, head in heads.items():
            head.update(output_layer(self, name))
        if self.compiled:
            self._head_losses = head_losses(self.heads, self.label_smoothing)
        # Functions that are compiled already hold the old numbers.
        self.train_function = self.test_function = self.predict_function = None

    # === Training ===

    def compile(
        self,
        optimizer: str | keras.Optimizer = "adam",
        balancing: str | Balancing | Mapping[str, Any] | None = None,
        *,
        label_smoothing: float = 0.0,
        **kwargs: Any,
    ) -> None:
        """Configure training. Losses, loss weights and metrics come from the heads.

        Args:
            optimizer: A Keras optimizer or its name.
            balancing: How the heads' losses, each times its loss weight, become one step: a name from
                :func:`mtlzoo.list_balancing`, or a method such as `mtl.balancing.CAGrad(c=0.4)`. `None` sums them up, which
                well-tuned loss weights make hard to beat. A method that the model was trained with before goes on from
                what it has learned; another one begins anew.
            label_smoothing: How much of each label is spread over all classes, in `[0, 1)`, for each `ClassificationHead`
                that has left its own at 0. `BinaryHead` and tags are left alone: their ranking suffers where one is rare.
            **kwargs: `run_eagerly`, `steps_per_execution`, `jit_compile`, `auto_scale_loss` as in Keras.

        Raises:
            ValueError: If losses, loss weights or metrics are given here; if the smoothing is out of its range; if there is
                no such balancing, or XLA is to compile one that it cannot.
            NotImplementedError: If the backend has no balancing.

        Example:

        ```python
        model.compile(keras.optimizers.Adam(1e-4), balancing="uncertainty")
        ```
        """
        for argument in ("loss", "loss_weights", "metrics", "weighted_metrics"):
            if kwargs.get(argument) is not None:
                raise ValueError(
                    f"Expected no `{argument}` in compile, since losses and metrics come from the heads: set it there, for "
                    "example BinaryHead(loss_weight=2.0) or RegressionHead(loss='mae')."
                )
        balancer = make_balancer(balancing, self.heads, self.balancer)
        if balancer is not None:
            kwargs["jit_compile"] = compilable(balancer, kwargs.get("jit_compile", "auto"))
        losses, metrics = head_losses(self.heads, label_smoothing), head_metrics(self.calibration.decided(self.heads))
        super().compile(optimizer=optimizer, **kwargs)
        fuse_adam(self.optimizer)
        if hasattr(self, "_head_metrics"):
            # Keras never forgets a metric by itself: those of an earlier `compile` would stay in `metrics` and `evaluate`.
            for metric in (*self._loss_means.values(), self._penalty, *itertools.chain(*self._head_metrics.values())):
                untrack(self, metric)
        self._head_losses, self.label_smoothing, self.low_rank = losses, label_smoothing, None
        # A loss over no rows is 0 by the missing-label rule; a metric over no rows is unknown.
        self._loss_means = {name: RatioOfSums(otherwise=0.0) for name in self.heads}
        for name, mean in self._loss_means.items():
            mean.name = f"{name}_loss"  # which its variables need not be called
        self._penalty = keras.metrics.Mean(name="penalty")
        self._head_metrics = metrics
        self.loss_factors = dict.fromkeys(self.heads, 1.0)
        self._set_balancer(balancer)

    def set_loss_factor(self, name: str, factor: float) -> None:
        """Multiply a head's part of the total loss by a factor, beside its loss weight, from the next step on.

        For callbacks that let a head pull more or less on the shared layers as training goes on, such as
        :class:`mtlzoo.TaskwiseEarlyStopping`. The head, and so every file, stays as it is; `compile` sets all back to 1.

        Args:
            name: The head.
            factor: At least 0. The logged `loss` is the total with it, `<head>_loss` the head's loss without.

        Raises:
            ValueError: If there is no such head, the factor is negative, or the model is not compiled.
        """
        if name not in self.heads:
            raise ValueError(f"Expected the name of a head ({', '.join(self.heads)}), received: {name!r}.")
        if not 0 <= factor < float("inf"):
            raise ValueError(f"Expected a factor of at least 0, received: {factor!r}.")
        if not self.compiled:
            raise ValueError("Expected a compiled model, since `compile` sets all factors to 1: call it first.")
        if factor == self.loss_factors[name]:
            return
        self.loss_factors[name] = float(factor)
        # Functions that are compiled already hold the old factor, and `fit` needs new ones in their place.
        if self.train_function is not None:
            self.make_train_function(force=True)
        if self.test_function is not None:
            self.make_test_function(force=True)

    def compute_loss(
        self, x: Tensor = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
    ) -> Tensor:
        """The weighted sum of the heads' losses, each the mean over its labelled rows; 0 if there is no label at all."""
        del x, training
        losses, _ = self.task_losses(y, y_pred, sample_weight)
        # Each replica has its share of the losses, and all of the penalty.
        return ops.sum(losses) + self.penalty() / replicas.count()

    def task_losses(self, y: Any, y_pred: Mapping[str, Tensor], sample_weight: Any = None) -> tuple[Tensor, Tensor]:
        """Count a batch's losses.

        Args:
            y: Labels by the name of the head; those of :mod:`mtlzoo.heads.mixed` and :mod:`mtlzoo.heads.taught` too.
            y_pred: The outputs by the name of the head.
            sample_weight: Row weights, for all heads or by the name of the head.

        Returns:
            Each head's loss, the mean over its labelled rows, times its loss weight, float32 `(heads,)`; and which heads
            take part, having labelled rows and a weight above 0, bool `(heads,)`. Both are the same on all replicas, while
            a loss's gradient is that of the replica's own rows, so that replicas' gradients add up.
        """
        weights, partners = weights_by_head(self.heads, sample_weight), partners_of(y)
        labels = by_head(self.heads, without_extras(y), "labels")
        nothing = ops.zeros((), dtype=keras.config.floatx())
        sums = []
        for name in self.heads:
            if name not in labels:
                # A head without any label has zero gradients, not none, which optimizers warn of.
                sums.append((0.0 * ops.sum(masking.floats(y_pred[name])), nothing))
                continue
            loss, weight = self._head_losses[name], weights.get(name)
            if partners is None or name not in partners.labels:
                sums.append(loss.sums(labels[name], y_pred[name], weight))
            else:
                targets = labels[name], partners.labels[name]
                sums.append(mixed_sums(loss, targets, partners, y_pred[name], weight))
            self._loss_means[name].add(*sums[-1])
        factors = [head.loss_weight * self.loss_factors[name] for name, head in self.heads.items()]
        totals, counts = (ops.stack(values) for values in zip(*sums))
        counts = replicas.total(counts)
        losses, learning = replicas.shared(masking.quotient(totals, counts)), counts > 0
        if (taught := taught_of(y)) is not None:
            of_teacher = ops.cast(taught_losses(self.heads, taught, y_pred, weights), losses.dtype)
            losses, learning = losses + of_teacher, ops.logical_or(learning, of_teacher > 0)
        losses = losses * ops.convert_to_tensor(factors, totals.dtype)
        return losses, ops.logical_and(learning, ops.convert_to_tensor([factor > 0 for factor in factors]))

    def penalty(self) -> Tensor:
        """Count the losses of regularisers, and add them up."""
        # Asked at each step: an activity regularizer has no loss before the layer is called.
        nothing = ops.zeros((), dtype=keras.config.floatx())
        return self.count_penalty(sum((ops.sum(ops.cast(loss, nothing.dtype)) for loss in self.losses), nothing))

    def count_penalty(self, penalty: Tensor) -> Tensor:
        """Count a sum of regularisers' losses, and give it back."""
        self._penalty.update_state(penalty)
        return penalty

    def compute_metrics(self, x: Tensor, y: Any, y_pred: Any, sample_weight: Any = None) -> dict[str, Tensor]:
        """Count a batch and return the metrics so far."""
        del x
        labels = by_head(self.heads, without_extras(y), "labels")  # the own, which weigh more where rows are mixed
        weights = weights_by_head(self.heads, sample_weight)
        for name, y_true in labels.items():
            for metric in self._head_metrics[name]:
                metric.update_state(y_true, y_pred[name], weights.get(name))
        return self.get_metrics_result()

    def get_metrics_result(self) -> dict[str, Tensor]:
        """The metrics over the epoch so far."""
        metrics = [metric for name, mean in self._loss_means.items() for metric in (mean, *self._head_metrics[name])]
        values = dict(zip((metric.name for metric in metrics), results(metrics)))
        total, scores = 0.0, []
        for name, head in self.heads.items():
            total += head.loss_weight * self.loss_factors[name] * values[f"{name}_loss"]
            scores.append(head.score(values[self._head_metrics[name][0].name]))
        result = {"loss": total + self._penalty.result(), **values}
        scores = ops.stack([ops.cast(score, keras.config.floatx()) for score in scores])
        known = ops.logical_not(ops.isnan(scores))
        result["score"] = masking.quotient(*masking.masked_sums(scores, known), otherwise=float("nan"))
        return result


# By its bare name, as Keras itself writes it into `.h5` files: `keras.saving.save_model(model, "model.h5")`.
keras.saving.get_custom_objects()["MultiTaskModel"] = MultiTaskModel


def check_model(model: Any) -> None:
    """Refuse what has no heads, such as a plain model that Keras has loaded from an exported file.

    Raises:
        TypeError: If it is none.
    """
    plain = isinstance(model, keras.Model) and not isinstance(model, MultiTaskModel)
    if plain or not hasattr(model, "heads"):
        received = f"a plain Keras model, {model.name!r}" if isinstance(model, keras.Model) else value_text(model)
        raise TypeError(
            f"Expected a model with heads, as `mtl.build` and `mtl.load_model` make them, received: {received}."
        )
