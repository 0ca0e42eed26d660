"""Training that costs next to nothing, for tests of what is around the steps."""

from __future__ import annotations

from typing import Any

import keras


class StopBeforeSteps(keras.callbacks.Callback):
    """Ctrl-C when all is prepared: for tests of the preparation, not of the steps."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        raise KeyboardInterrupt
