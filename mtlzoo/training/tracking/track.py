"""What a training is logged with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mtlzoo.system.registries import TRACKERS


@dataclass(frozen=True)
class Track:
    """A tool that a training is logged with, and where its run stands there.

    Attributes:
        tool: `"tensorboard"`, `"mlflow"` or `"wandb"`.
        project: The experiment of MLflow, or the project of Weights & Biases; `None` for the tool's own default, such as
            the one that its environment variables name.
        name: The name of the run; `None` for one that the tool makes up.
        folder: TensorBoard: where the logs are written, by default `tensorboard` in the folder of `resume=`, else
            `logs/` and the time. Weights & Biases: where its local files lie. MLflow has a place of its own
            (`MLFLOW_TRACKING_URI`).

    Raises:
        ValueError: If there is no such tool, or it knows no such setting.

    Example:

    ```python
    track = mtl.Track("mlflow", project="cells", name="larger images")
    ```
    """

    tool: str
    project: str | None = None
    name: str | None = None
    folder: str | Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tool", TRACKERS.full_name(self.tool))
        if self.tool == "mlflow" and self.folder is not None:
            raise ValueError(
                "Expected no `folder` with MLflow, which has its own place: set MLFLOW_TRACKING_URI or call "
                f"mlflow.set_tracking_uri, received: {str(self.folder)!r}."
            )
        if self.tool == "tensorboard" and (self.project is not None or self.name is not None):
            raise ValueError(
                "Expected no `project` and no `name` with TensorBoard, whose runs are folders: give `folder`."
            )
