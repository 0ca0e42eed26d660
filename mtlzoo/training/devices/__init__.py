"""On which devices a model is trained. What only a backend can do is one module each."""

from __future__ import annotations

import importlib
from collections.abc import Sequence

import keras

from mtlzoo.models.seeds import seeds
from mtlzoo.training.devices.base import Devices, copy_weights

__all__ = ["ENGINES", "Devices", "check_devices", "copy_weights", "find_devices", "seeds"]

ENGINES = {
    "tensorflow": "mtlzoo.training.devices.tensorflow_devices",
    "jax": "mtlzoo.training.devices.jax_devices",
}


def find_devices(devices: str | int | Sequence[str] | None = None, *, synchronize_batch_norm: bool = False) -> Devices:
    """The devices that an argument means.

    Args:
        devices: `None` for the one that Keras takes by itself, `"all"`, the number of devices, or their names as the
            backend has them (`["GPU:0", "GPU:1"]`).
        synchronize_batch_norm: Whether batch normalisation takes its mean over the rows of all replicas.

    Raises:
        ValueError: If the argument is none of these, or there are not as many.
        NotImplementedError: If the backend trains on one device only.
    """
    check_devices(devices)
    if devices is None or devices == 1:
        return Devices()
    backend = keras.backend.backend()
    if backend not in ENGINES:
        raise NotImplementedError(
            f"Several devices need the {' or '.join(ENGINES)} backend, Keras runs {backend}: set the environment variable "
            "KERAS_BACKEND before Python starts, or leave `devices` out."
        )
    return importlib.import_module(ENGINES[backend]).find_devices(devices, synchronize_batch_norm)


def check_devices(devices: str | int | Sequence[str] | None) -> None:
    """Refuse what cannot stand for devices, whichever there are.

    Raises:
        ValueError: If it cannot.
    """
    names = isinstance(devices, list | tuple) and devices and all(isinstance(name, str) for name in devices)
    number = isinstance(devices, int) and not isinstance(devices, bool) and devices > 0
    if devices is not None and devices != "all" and not names and not number:
        raise ValueError(
            f'Expected `devices` to be None, "all", a positive number or names of devices, received: {devices!r}.'
        )


def choose(devices: str | int | Sequence[str], known: Sequence[str]) -> list[str]:
    """The names that are meant of those that are known.

    Raises:
        ValueError: If one is unknown, or there are not as many.
    """
    if devices == "all":
        return list(known)
    if isinstance(devices, int):
        if devices > len(known):
            raise ValueError(f"Expected at most {len(known)} devices ({', '.join(known)}), received: {devices}.")
        return list(known[:devices])
    by_name = {name.lower(): name for name in known}
    unknown = [name for name in devices if name.lower() not in by_name]
    if unknown:
        raise ValueError(f"Expected the names of devices ({', '.join(known)}), received also: {', '.join(unknown)}.")
    return [by_name[name.lower()] for name in devices]
