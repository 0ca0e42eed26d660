"""Several machines, or several processes on one: which of them this one is.

TensorFlow reads them from the environment variable `TF_CONFIG`, and wants to be told of them before it does anything else:
what it has made until then it could not reach any more. So whatever of mtlzoo loads TensorFlow first calls :func:`join`.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf

_joined: list[tf.distribute.MultiWorkerMirroredStrategy] = []


def names() -> list[str]:
    """The workers as `job:number`, the chief first; none where there is only this process.

    Raises:
        ValueError: If `TF_CONFIG` cannot be read.
    """
    cluster = _config().get("cluster") or {}
    found = [f"{job}:{number}" for job in ("chief", "worker") for number in range(len(cluster.get(job, ())))]
    return found if len(found) > 1 and _task() in found else []


def index() -> int:
    """The number of this worker, from 0."""
    known = names()
    return known.index(_task()) if known else 0


def is_chief() -> bool:
    """Whether this worker is the one that writes files; so is a process that trains by itself."""
    return index() == 0


def join() -> tf.distribute.MultiWorkerMirroredStrategy | None:
    """Wait for the other workers, at the first call, and train with them from now on.

    Returns:
        The strategy, or `None` where there is only this process.

    Raises:
        ValueError: If `TF_CONFIG` cannot be read.
        RuntimeError: If TensorFlow has been used before.
    """
    if not names():
        return None
    import keras

    if keras.backend.backend() != "tensorflow":
        return None
    if not _joined:
        import tensorflow as tf

        try:
            _joined.append(tf.distribute.MultiWorkerMirroredStrategy())
        except RuntimeError as error:
            if "program startup" not in str(error):
                raise
            raise RuntimeError(
                f"Expected TensorFlow to learn of the {len(names())} workers in TF_CONFIG before it makes anything: "
                "use mtlzoo first (mtl.build, or a head), or call mtlzoo.system.workers.join() at the start of the program."
            ) from error
    return _joined[0]


def _task() -> str:
    task = _config().get("task") or {}
    return f"{task.get('type')}:{task.get('index')}"


def _config() -> dict[str, Any]:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return {}
    try:
        return dict(json.loads(text))
    except ValueError as error:
        raise ValueError(
            f"Expected JSON in the environment variable TF_CONFIG, received: {text!r} ({error})."
        ) from None
