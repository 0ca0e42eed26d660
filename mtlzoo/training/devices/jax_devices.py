"""Several devices for JAX, by `keras.distribution.DataParallel`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import keras

from mtlzoo.data.sharding import BatchShard
from mtlzoo.training.devices.base import Devices, Replicas


def find_devices(devices: str | int | Sequence[str], synchronize_batch_norm: bool) -> Devices:
    """JAX's own devices, of the kind that it takes by default."""
    from mtlzoo.training.devices import choose

    names = choose(devices, keras.distribution.list_devices())
    if devices == "all" and len(names) == 1:
        return Devices()
    return ParallelReplicas(names, synchronize_batch_norm)


class ParallelReplicas(Replicas):
    """A model replicated on several devices; of batch normalisation JAX takes the mean over all of them anyway.

    Args:
        names: The devices.
        synchronize_batch_norm: Nothing that JAX would not do.
    """

    def __init__(self, names: Sequence[str], synchronize_batch_norm: bool):
        del synchronize_batch_norm
        self.distribution = keras.distribution.DataParallel(devices=names)
        super().__init__(BatchShard(len(names)), False)

    def scope(self) -> AbstractContextManager[Any]:
        """Keras' distribution is one for the whole process: it is there while it is needed."""
        return self.distribution.scope()

    def training(self) -> AbstractContextManager[Any]:
        """The same."""
        return self.distribution.scope()

    @contextmanager
    def local_scope(self) -> Iterator[None]:
        """Without it."""
        distribution = keras.distribution.distribution()
        keras.distribution.set_distribution(None)
        try:
            yield
        finally:
            keras.distribution.set_distribution(distribution)
