"""TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras
import pandas as pd

from mtlzoo.training.tracking.tool import Tool


class TensorBoard(Tool):
    """Event files in a folder, by `keras.callbacks.TensorBoard`.

    An epoch's metrics are `epoch_loss`, `epoch_score` and so on, of the runs `train` and `validation`, as in any training
    by Keras. The folder itself has what belongs to the whole training.
    """

    title, package = "TensorBoard", "tensorboard"
    folder: Path

    def open(self, run: str | None, parameters: Mapping[str, Any]) -> str:
        """Choose the folder: one that has logs of another training gets a further folder inside."""
        if self.configured:
            self.folder = Path(self.callback.log_dir)  # type: ignore[union-attr]
        else:
            place = Path(self.track.folder or Path("logs") / time.strftime("%Y-%m-%d-%H-%M-%S"))
            self.folder = place / run if run is not None else _unused(place)
            # The graph of a training step is of no use here, and would cost a look at each step.
            self.callback = keras.callbacks.TensorBoard(str(self.folder), write_graph=False)
            run = self.folder.relative_to(place).as_posix()
        if parameters:
            from tensorboard.plugins.hparams import api

            with self._writer():
                api.hparams(dict(parameters))
            rows = pd.DataFrame({"value": [str(value) for value in parameters.values()]}, index=list(parameters))
            self.log_table("parameters", rows)
        return run or "."

    def log_numbers(self, numbers: Mapping[str, float]) -> None:
        """Log scalars."""
        import tensorflow as tf

        with self._writer():
            for name, value in numbers.items():
                tf.summary.scalar(name, value, step=0)

    def log_table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table as a text."""
        import tensorflow as tf

        cells = [["", *map(str, frame.columns)], ["---"] * (len(frame.columns) + 1)]
        cells += [[str(row), *(_short(value) for value in frame.loc[row])] for row in frame.index]
        lines = "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in cells)
        with self._writer():
            tf.summary.text(name, lines, step=0)

    def close(self, status: str) -> None:
        """Nothing is open: each stage and each table has a file of its own."""

    @contextmanager
    def _writer(self) -> Iterator[None]:
        """The writer of a block, which is closed after it: that flushes it."""
        import tensorflow as tf

        writer = tf.summary.create_file_writer(str(self.folder))
        with writer.as_default():
            yield
        writer.close()


def _unused(place: Path) -> Path:
    """The folder, or the first numbered one in it without logs: curves of two trainings would be one zigzag."""
    folders = [place, *(place / str(number) for number in range(2, 10_000))]
    return next(folder for folder in folders if not any(folder.glob("train/events.*")))


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
