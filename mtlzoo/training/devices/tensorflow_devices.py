"""Several devices for TensorFlow, by the strategies of `tf.distribute`."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import tensorflow as tf

from mtlzoo.data.sharding import BatchShard
from mtlzoo.keras_compat import set_steps
from mtlzoo.models import MultiTaskModel
from mtlzoo.models.seeds import seeds
from mtlzoo.system import workers
from mtlzoo.training.devices.base import Devices, Replicas


def find_devices(devices: str | int | Sequence[str], synchronize_batch_norm: bool) -> Devices:
    """One worker of several if `TF_CONFIG` says so; else GPUs, or CPUs where there is none."""
    from mtlzoo.training.devices import choose

    strategy = workers.join()
    if strategy is not None:
        if devices != "all":
            raise ValueError(
                f'Expected devices="all" where the environment variable TF_CONFIG names several workers, received: '
                f"{devices!r}."
            )
        return MirroredReplicas(strategy, synchronize_batch_norm)
    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    names = choose(devices, [device.name.removeprefix("/device:") for device in found])
    if devices == "all" and len(names) == 1:
        return Devices()
    return MirroredReplicas(_mirrored(tuple(names)), synchronize_batch_norm)


@cache
def _mirrored(names: tuple[str, ...]) -> tf.distribute.MirroredStrategy:
    """One strategy for all trainings on the same devices.

    TensorFlow sums over replicas by operations that every strategy numbers from the first on, for the whole process: what
    a second one sums would be taken for what the first did. On CPUs the sums can do without them.
    """
    on_cpus = all("CPU" in name for name in names)
    return tf.distribute.MirroredStrategy(names, tf.distribute.ReductionToOneDevice() if on_cpus else None)


class MirroredReplicas(Replicas):
    """A model mirrored by a strategy.

    Args:
        strategy: `MirroredStrategy` or `MultiWorkerMirroredStrategy`.
        synchronize_batch_norm: Whether batch normalisation takes its mean over the rows of all replicas.
    """

    def __init__(self, strategy: tf.distribute.Strategy, synchronize_batch_norm: bool):
        here = len(strategy.extended.worker_devices)
        self.strategy = strategy
        self.chief = workers.is_chief()
        first = workers.index() * here
        super().__init__(BatchShard(strategy.num_replicas_in_sync, first, here), synchronize_batch_norm)

    def scope(self) -> AbstractContextManager[Any]:
        """The strategy's."""
        return self.strategy.scope()

    def distribute(self, dataset: tf.data.Dataset, sharded: bool) -> tf.data.Dataset:
        """One dataset for each replica."""
        steps = len(dataset)
        dataset = self.shard.by_replica(super().distribute(dataset, sharded))
        distributed = self.strategy.distribute_datasets_from_function(lambda context: dataset)
        # Keras asks how many steps there are, TensorFlow would say how many parts of steps, which it does not know.
        set_steps(distributed, steps)
        return distributed

    def broadcast_weights(self, model: MultiTaskModel) -> None:
        """Add up the chief's weights and nothing of all others."""

        @tf.function
        def sums(values: list[tf.Tensor]) -> list[tf.Tensor]:
            def first() -> list[tf.Tensor]:
                context = tf.distribute.get_replica_context()
                own = tf.equal(context.replica_id_in_sync_group, 0)
                parts = [tf.where(own, value, tf.zeros_like(value)) for value in values]
                return [context.all_reduce(tf.distribute.ReduceOp.SUM, part) for part in parts]

            return self.strategy.run(first)

        if not workers.names():
            return
        variables = [*model.weights, *seeds(model)]
        summed = sums([tf.convert_to_tensor(variable.numpy()) for variable in variables])
        for variable, value in zip(variables, summed):
            variable.assign(self.strategy.experimental_local_results(value)[0])
