"""MLflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pandas as pd

from mtlzoo.training.tracking.tool import Tool, numbers_of

INVALID = re.compile(r"[^/\w.\- :]")  # in names of metrics and parameters
STATUS = {"finished": "FINISHED", "interrupted": "KILLED", "failed": "FAILED"}
AT_ONCE = 100  # parameters that a server takes in one request


class MLflow(Tool):
    """A run of MLflow, by `mlflow.keras.MlflowCallback`; the names of metrics are those of the history.

    Where a run is active it is used and left open; otherwise one is opened, in the store that `MLFLOW_TRACKING_URI` names.
    """

    title, package = "MLflow", "mlflow"
    skipped_events = frozenset({"on_test_end"})  # validation, which the epoch's metrics hold too
    own = False

    def open(self, run: str | None, parameters: Mapping[str, Any]) -> str:
        """Use the active run, or open one."""
        import mlflow
        import mlflow.keras

        if mlflow.active_run() is None:
            self.own = True
            mlflow.start_run(run, experiment_id=None if run else self._experiment(), run_name=self.track.name)
        active = mlflow.active_run()
        assert active is not None
        pairs = [(_name(name), value) for name, value in parameters.items()]
        for start in range(0, len(pairs), AT_ONCE):
            mlflow.log_params(dict(pairs[start : start + AT_ONCE]))
        if self.callback is None:
            self.callback = mlflow.keras.MlflowCallback()
        return str(active.info.run_id)

    def _experiment(self) -> str | None:
        import mlflow

        if self.track.project is None:
            return None
        known = mlflow.get_experiment_by_name(self.track.project)
        return known.experiment_id if known is not None else mlflow.create_experiment(self.track.project)

    def begin_stage(self, first: bool) -> None:
        """The callback logs the optimizer as parameters, which have one value in a run."""
        if first:
            super().begin_stage(first)

    def end_epoch(self, epoch: int, metrics: dict[str, float]) -> None:
        """Log an epoch, and wait for it: a training that is killed has logged all that it resumes after."""
        import mlflow

        super().end_epoch(epoch, {_name(name): value for name, value in metrics.items()})
        mlflow.flush_async_logging()

    def log_numbers(self, numbers: Mapping[str, float]) -> None:
        """Log metrics without a step."""
        import mlflow

        mlflow.log_metrics({_name(name): value for name, value in numbers.items()})

    def log_table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table's numbers as metrics, and the table as a file."""
        import mlflow

        self.log_numbers(numbers_of(name, frame))
        mlflow.log_text(frame.to_csv(), f"{name}.csv")

    def close(self, status: str) -> None:
        """End the run."""
        import mlflow

        if self.own:
            mlflow.end_run(STATUS[status])


def _name(name: str) -> str:
    return INVALID.sub("_", name)
