"""Predictions for many images on the machines of a Ray cluster, a part of the files on each."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Unpack

from mtlzoo.serving.many.predicting import ROWS_PER_FILE, Reading, Written, predict_files
from mtlzoo.serving.opening import open_network


def predict_on_ray(
    model: str | os.PathLike[str],
    images: str | Sequence[str],
    out: str | os.PathLike[str],
    format: str = "jsonl",
    *,
    tasks: int,
    rows_per_file: int = ROWS_PER_FILE,
    trusted: bool = False,
    **reading: Unpack[Reading],
) -> Written:
    """Call :func:`predict_files` as so many tasks of Ray, each with its part of the files.

    Ray spreads the tasks over its machines, and begins one anew whose machine goes away; nothing is then predicted twice.
    Where no cluster is found (`ray.init`, `RAY_ADDRESS`), this machine alone is one.

    Args:
        model: The file of a model, of Keras or exported, which all machines see.
        images: Files, folders, patterns, tables or packed sets, likewise.
        out: The folder, likewise.
        format: `"jsonl"`, `"csv"` or `"parquet"`.
        tasks: How many tasks; one a machine, since each uses all cores of it.
        rows_per_file: How many images each file stands for, 10,000 by default.
        trusted: As for :func:`mtlzoo.load_model`.
        **reading: As for :func:`predict_files`.

    Returns:
        What all tasks have done, and how long the longest took.

    Raises:
        ImportError: If Ray is not installed: `pip install ray`.
        ValueError: If there is not at least one task.
        OutputError: If the folder holds something else, or was begun with something else.
        InputError: If images are nothing that is known.

    Example:

    ```python
    from mtlzoo.serving import predict_on_ray

    predict_on_ray("model.tflite", "images/", "predictions", "parquet", tasks=8)
    ```
    """
    try:
        import ray
    except ImportError:
        raise ImportError("Predicting on several machines needs Ray: pip install ray") from None
    if tasks < 1:
        raise ValueError(f"Expected at least 1 task, received: {tasks}.")
    here = os.getcwd()

    def predict(number: int) -> Written:
        os.chdir(here)  # to which paths are relative
        os.environ.pop("OMP_NUM_THREADS", None)  # which Ray sets to 1
        network = open_network(os.fspath(model), trusted=trusted)
        part = (number, tasks)
        return predict_files(network, images, out, format, rows_per_file=rows_per_file, shard=part, **reading)

    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    task = ray.remote(predict).options(scheduling_strategy="SPREAD")
    try:
        done: list[Written] = ray.get([task.remote(number) for number in range(1, tasks + 1)])
    except ray.exceptions.RayTaskError as error:
        raise error.cause from None  # what the task raised, as if it had been here
    return Written(
        done[0].folder,
        done[0].images,
        sum(each.earlier for each in done),
        sum(each.predicted for each in done),
        sum(each.unreadable for each in done),
        min(each.missing_files for each in done),  # the last one to end has seen all
        max(each.seconds for each in done),
    )
