"""Heads that are trained again and again on the features of a frozen backbone, which are computed once."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import tensorflow as tf

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions
from mtlzoo.models.splitting import split

PIXELS, BATCH, RATE = 96, 64, 3e-3


class FrozenHeads:
    """MobileNetV2 0.35 with ImageNet weights, whose heads alone are trained.

    Args:
        train: The rows to train on; of them only the images are looked at here.
        test: The rows to report on.
        steps: How many steps a training has, whatever the number of its rows.
        shared: Units of a layer that all heads share, which is trained as well; 0 for none.
        features: Those of the rows, if another one has computed them.

    Attributes:
        model: The whole network, with the heads as they were trained last.
        features: Of the rows to train on and of those to report on.
    """

    def __init__(
        self,
        train: mtl.data.LabelTable,
        test: mtl.data.LabelTable,
        steps: int,
        shared: int = 0,
        features: list[np.ndarray] | None = None,
    ):
        self.test, self.steps = test, steps
        self.model = mtl.build("mobilenet_v2", train.heads, input_shape=(PIXELS, PIXELS, 3), alpha=0.35)
        parts = split(self.model)
        self.features = features or [
            parts.trunk.predict(mtl.data.image_dataset(table, (PIXELS, PIXELS), BATCH, labels=False), verbose=0)
            for table in (train, test)
        ]
        self.learner = mtl.MultiTaskModel(parts.heads.input, parts.heads.output, heads=self.model.heads)
        if shared:
            shape = (1, 1, self.features[0].shape[-1])  # as a feature map of one place
            inputs = keras.Input(shape)
            layer = keras.layers.Dense(shared, "relu", name="shared_layer")
            self.learner = mtl.build(keras.Model(inputs, layer(inputs), name="shared_layers"), train.heads, shape)
        self.inputs = [each.reshape(len(each), *self.learner.input_shape[1:]) for each in self.features]
        rate = keras.optimizers.schedules.CosineDecay(RATE, steps)
        self.learner.compile(keras.optimizers.Adam(rate))
        self.learner.optimizer.build(self.learner.trainable_variables)
        self.start = [np.array(variable) for variable in self.learner.optimizer.variables]

    def train(self, table: mtl.data.LabelTable, seed: int, callbacks: Any = ()) -> dict[str, Any]:
        """Train from the start on the labels of a table; returns the metrics of each head and their means."""
        rng = np.random.default_rng(seed)
        for variable in self.learner.trainable_variables:
            shape = tuple(variable.shape)
            scale = (6 / sum(shape)) ** 0.5 if len(shape) > 1 else 0.0
            variable.assign(rng.uniform(-scale, scale, shape))
        for variable, value in zip(self.learner.optimizer.variables, self.start, strict=True):
            variable.assign(value)
        rows = np.flatnonzero(table.labelled().any(axis=1))
        labels = {name: targets[rows] for name, targets in table.labels().items()}
        batches = tf.data.Dataset.from_tensor_slices((self.inputs[0][rows], labels))
        batches = batches.shuffle(len(rows), seed=seed).repeat().batch(BATCH).prefetch(2)
        keras.utils.set_random_seed(seed)  # of dropout
        self.learner.fit(batches, epochs=1, steps_per_epoch=self.steps, verbose=0, callbacks=list(callbacks))
        outputs = self.learner.predict(self.inputs[1], verbose=0)
        report = Predictions(
            {name: outputs[name] for name in self.test.heads}, self.test.heads, table=self.test
        ).evaluate()
        return report.to_dict("index")
