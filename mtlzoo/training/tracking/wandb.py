"""Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mtlzoo.training.tracking.tool import Tool, numbers_of


class WeightsAndBiases(Tool):
    """A run of Weights & Biases, by `wandb.integration.keras.WandbMetricsLogger`.

    An epoch's metrics are `epoch/loss`, `epoch/val_score` and so on, by `epoch/epoch`. Where `wandb.init` was called, its
    run is used and left open. Without a network: `WANDB_MODE=offline`.
    """

    title, package = "Weights & Biases", "wandb"
    own = False

    def open(self, run: str | None, parameters: Mapping[str, Any]) -> str:
        """Use the run that is open, or open one."""
        import wandb
        from wandb.integration.keras import WandbMetricsLogger

        if wandb.run is None:
            self.own = True
            # None of an id is resumed, so that whoever has removed the run begins it anew.
            going_on = {} if run is None else {"id": run, "resume": "allow"}
            folder = None if self.track.folder is None else str(self.track.folder)
            wandb.init(project=self.track.project, name=self.track.name, dir=folder, **going_on)
        assert wandb.run is not None
        wandb.config.update(dict(parameters), allow_val_change=True)

        class Metrics(WandbMetricsLogger):
            """Leaves the learning rate alone, which is among the metrics: it reads that of TensorFlow's variables only."""

            def _get_lr(self) -> None:
                return None

        if self.callback is None:
            self.callback = Metrics()
        return str(wandb.run.id)

    def log_numbers(self, numbers: Mapping[str, float]) -> None:
        """Log into the run's summary."""
        import wandb

        wandb.run.summary.update(dict(numbers))

    def log_table(self, name: str, frame: pd.DataFrame) -> None:
        """Log a table's numbers into the run's summary."""
        self.log_numbers(numbers_of(name, frame))

    def close(self, status: str) -> None:
        """Finish the run."""
        import wandb

        if self.own:
            wandb.finish(exit_code=0 if status == "finished" else 1)
