"""Monitor the tasks' weights and how far their gradients agree while a model trains."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pandas as pd

from mtlzoo.models import MultiTaskModel


class BalancingMonitor(keras.callbacks.Callback):
    """Logs, for every epoch, the tasks' weights and how far their gradients agree, so that conflicts can be seen.

    It works with every balancing method, and without any. Compared are the gradients that the method compares: with
    respect to the representation that all heads share, or to the shared parameters with `gradients="parameters"`. The
    former costs one more pass through the heads a step, unless the method needs it anyway. In stages that train the heads
    alone nothing is shared, and all values are `NaN`.

    The logs get `<head>_weight`, the mean factor of the head's gradient in what the shared layers follow (1 without
    balancing; 1 for GradDrop, which knows no such factor), and `conflicts`, the fraction of pairs of heads with labels in
    the same batch whose gradients point more than 90 degrees apart. It follows all stages of `mtl.fit`.

    Attributes:
        history: Dictionary of `epoch`, a list; `heads`, their names; and arrays: `weights` `(epochs, heads)`, `cosines`
            and `conflicts` `(epochs, heads, heads)`, the mean cosine and the fraction of steps in conflict for each pair.
            `NaN` where a head, or a pair, never had labels in a batch.

    Raises:
        ValueError: In `fit`, if the model is no `MultiTaskModel`.

    Example:

    ```python
    monitor = mtl.BalancingMonitor()
    mtl.fit(model, train, valid, mtl.Stage(3, 1e-3), balancing="pcgrad", callbacks=[monitor])
    mtl.plotting.plot_balancing(monitor.history, "balancing.png")
    monitor.to_frame()  # one row an epoch
    ```
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, Any] = {"epoch": [], "heads": []}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Switch the model's task monitor on."""
        if not isinstance(self.model, MultiTaskModel):
            raise ValueError(f"Expected a MultiTaskModel to monitor, received: {type(self.model).__name__}.")
        self.history["heads"] = list(self.model.heads)
        self.model.monitor_tasks()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Clear the monitor."""
        self.model.task_monitor.clear()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Append the epoch's values."""
        summary = self.model.task_monitor.summary()
        self.history["epoch"].append(epoch)
        for name in ("weights", "cosines", "conflicts"):
            values = [*self.history.get(name, []), summary[name]]
            self.history[name] = np.stack(values)
        if logs is not None:
            weights = zip(self.history["heads"], summary["weights"])
            logs.update({f"{name}_weight": float(weight) for name, weight in weights})
            logs["conflicts"] = conflict_fraction(summary["conflicts"])

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Switch the monitor off."""
        self.model.monitor_tasks(False)

    def get_state(self) -> dict[str, Any]:
        """The history, as JSON can hold it, for `resume` of `mtl.fit`."""
        return {name: np.asarray(values).tolist() for name, values in self.history.items()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over the history of an interrupted training."""
        lists = ("epoch", "heads")
        self.history = {name: values if name in lists else np.asarray(values) for name, values in state.items()}

    def to_frame(self) -> pd.DataFrame:
        """One row an epoch: `epoch` (from 1), `<head>_weight`, `conflicts`, and `cosine:<head>:<head>` for each pair."""
        heads = self.history["heads"]
        columns: dict[str, Any] = {"epoch": np.array(self.history["epoch"], int) + 1}
        if not len(columns["epoch"]):
            return pd.DataFrame(columns)
        columns |= {f"{name}_weight": self.history["weights"][:, index] for index, name in enumerate(heads)}
        columns["conflicts"] = [conflict_fraction(values) for values in self.history["conflicts"]]
        for first, second in zip(*np.triu_indices(len(heads), 1)):
            columns[f"cosine:{heads[first]}:{heads[second]}"] = self.history["cosines"][:, first, second]
        return pd.DataFrame(columns)


def conflict_fraction(conflicts: np.ndarray) -> float:
    """The mean over the pairs that met of the fraction of steps in conflict, `NaN` if none did.

    Args:
        conflicts: `(heads, heads)`.
    """
    pairs = conflicts[np.triu_indices(len(conflicts), 1)]
    known = pairs[np.isfinite(pairs)]
    return float(known.mean()) if len(known) else float("nan")
