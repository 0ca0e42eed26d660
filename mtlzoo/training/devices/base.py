"""The interface between training and devices; and one device, for which nothing has to be done."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import keras

from mtlzoo.data.sharding import BatchShard
from mtlzoo.keras_compat import flatten_layers, own_trainable, set_own_trainable
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.seeds import seeds

if TYPE_CHECKING:
    import tensorflow as tf


class Devices:
    """One device: a model is trained as it is.

    Attributes:
        replicas: How many copies of the model are trained, each on its part of every batch.
        chief: Whether this process writes files and shows progress; of several workers one does.
        shard: The part of every batch that is read here, or `None` for the whole batch as it is.
    """

    replicas = 1
    chief = True
    shard: BatchShard | None = None

    def replicate(self, model: MultiTaskModel) -> MultiTaskModel:
        """The model to train for this one: it stays where it is, and gets the weights by :func:`copy_weights`."""
        return model

    def scope(self) -> AbstractContextManager[Any]:
        """Where the variables of that model are made."""
        return nullcontext()

    def training(self) -> AbstractContextManager[Any]:
        """Where it is trained."""
        return nullcontext()

    def local_scope(self) -> AbstractContextManager[Any]:
        """Where, in the midst of training, the model that stayed where it is can be used."""
        return nullcontext()

    def distribute(self, dataset: tf.data.Dataset, sharded: bool) -> tf.data.Dataset:
        """A dataset as the model takes it.

        Args:
            dataset: Batches of all rows, or of this process' part of them.
            sharded: Which of the two: whether they are a part.
        """
        return dataset

    def broadcast_weights(self, model: MultiTaskModel) -> None:
        """Give the model on all workers the weights of the chief's."""


class Replicas(Devices):
    """Several devices: a copy of the model is trained.

    Args:
        shard: The part of every batch that is read here.
        synchronize_batch_norm: Whether batch normalisation takes its mean over the rows of all replicas.
    """

    shard: BatchShard

    def __init__(self, shard: BatchShard, synchronize_batch_norm: bool):
        self.shard = shard
        self.replicas = shard.replicas
        self.synchronize_batch_norm = synchronize_batch_norm

    def replicate(self, model: MultiTaskModel) -> MultiTaskModel:
        """A copy of the model."""
        with self.scope():
            return copy_model(model, self.synchronize_batch_norm)

    def distribute(self, dataset: tf.data.Dataset, sharded: bool) -> tf.data.Dataset:
        """Batches that divide evenly."""
        return dataset if sharded else self.shard.of(dataset)


def copy_model(model: MultiTaskModel, synchronize_batch_norm: bool = False) -> MultiTaskModel:
    """A model like this one, with variables and layers of its own, the same frozen layers, and the same heads' settings."""

    def copy_layer(layer: keras.Layer) -> keras.Layer:
        copied = type(layer).from_config(layer.get_config())
        if synchronize_batch_norm and isinstance(copied, keras.layers.BatchNormalization):
            copied.synchronized = True
        return copied

    graph = keras.models.clone_model(
        keras.Model(model.input, model.output, name=model.name), clone_function=copy_layer, recursive=True
    )
    copied = MultiTaskModel(graph.input, graph.output, name=model.name, heads=model.heads, resize=model.resize)
    for layer, original in zip(flatten_layers(copied, True), flatten_layers(model, True)):
        set_own_trainable(layer, own_trainable(original))
    return copied


def copy_weights(source: MultiTaskModel, target: MultiTaskModel) -> None:
    """Give a model the weights of its copy, or the other way round, and the seeds of whatever is random in it."""
    if source is target:
        return
    target.set_weights(source.get_weights())
    for seed, value in zip(seeds(target), seeds(source), strict=True):
        seed.assign(keras.ops.convert_to_numpy(value.value))
