"""Task-wise early stopping: an auxiliary task's loss gets a lower weight once the task no longer helps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import keras

from mtlzoo.models import MultiTaskModel


def stopping_measure(
    training: Sequence[float],
    validation: float,
    patience: int = 5,
    importance: float = 1.0,
    level: Callable[[Sequence[float]], float] = min,
) -> float:
    r"""How much speaks for stopping a task: how little it still learns, times how badly that generalises.

    With the training errors $E_{tr}(1), \dots, E_{tr}(t)$, the validation error $E_{val}(t)$, the patience $k$, the level
    $m$ (the lowest) of the last $k + 1$ training errors and the importance $\lambda$, it is

    $$\frac{m}{\sum_{j=t-k}^{t} E_{tr}(j) - k m} \cdot
      \frac{E_{val}(t) - \min_{j \le t} E_{tr}(j)}{\lambda \min_{j \le t} E_{tr}(j)}$$

    The first factor is the tendency of the training error: 1 if it stays level, towards 0 the faster it falls. (It is
    small for an error that goes up and down, too: such a task is given time.) The second is the relative gap between
    validation and training; it is negative, and the task goes on, while validation is no worse than training.

    Where it differs from the paper:

    - The paper's $m$ is the median of the strip, to be had by `level=statistics.median`. Then an error that falls along
      a straight line has the tendency of one that stays level, and one that halves in the last two of five epochs
      (1, 1, 1, 1, 0.6, 0.5) has ten times as much, although the paper says that the first factor of an error that drops
      rapidly is small; a steeper fall makes the denominator zero or negative. With the lowest error, as in the training
      progress of Prechelt (Early Stopping - But When? 1998), it is positive for all positive errors. Where another
      level makes it zero or negative, the tendency is taken as 0: such an error falls.
    - The paper's first factor is $k$ times as much; without, a threshold means the same for every patience.
    - The paper's $t$ counts iterations, here epochs.

    Args:
        training: The training errors so far, all above 0, the latest last.
        validation: The latest validation error.
        patience: How many epochs back the tendency looks, $k$.
        importance: The weight of the task's loss, that of the main task being 1, $\lambda$; an important task may go on
            for longer.
        level: What the tendency is measured from, of the last `patience + 1` training errors.

    Returns:
        The measure; `NaN` while there are not yet `patience + 1` training errors.

    References:
        Zhang, Luo, Loy, Tang: Facial Landmark Detection by Deep Multi-task Learning. ECCV 2014, section 3.2.

    Example:

    ```python
    from mtlzoo.training.task_stopping import stopping_measure

    stopping_measure([0.5, 0.4, 0.4, 0.4], validation=0.8, patience=2)  # 1.0: level, and twice the error
    stopping_measure([0.5, 0.4, 0.2, 0.1], validation=0.2, patience=2)  # 0.2: it still learns
    ```
    """
    strip = training[-(patience + 1) :]
    if len(strip) <= patience:
        return math.nan
    reference, best = level(strip), min(training)
    spread = sum(strip) - patience * reference
    tendency = reference / spread if spread > 0 else 0.0
    return tendency * (validation - best) / (importance * best)


class TaskwiseEarlyStopping(keras.callbacks.Callback):
    """Lowers the weight of an auxiliary task's loss once the task no longer helps, see :func:`stopping_measure`.

    Auxiliary tasks teach the shared layers what the main task needs too, and each is through with it at a time of its
    own. A task that goes on memorising its training rows then pulls the shared layers away from the main task.

    A task that was stopped stays so, over all stages of `mtl.fit` too; the main task never stops. From the next epoch on
    the logged `loss` has the lower weight in it, `<head>_loss` and `score` are as before. Heads and exported files keep
    their loss weights.

    Epochs in which a head had no labelled rows do not count: its logged loss is 0 then. A head without validation labels
    goes on for ever, and so does one whose own loss weight is 0, which pulls nothing.

    One instance serves one training: it remembers what it stopped. Take a new one for the next.

    Args:
        main: The name of the main task, or a list of names.
        patience: How many epochs back the tendency of the training error looks, the paper's k; 1 or more. No task stops
            before epoch `patience + 1`.
        threshold: What the measure has to exceed. With 1, a task as important as the main one stops when its training
            error stays level and its validation error is more than twice the lowest training error; with the importance
            (its loss weight over the main task's) 0.5, when it is more than 1.5 times as much.
        weight: The factor of a stopped task's loss, in `[0, 1)`; 0 is the paper's. With 0 the head's own layers stand
            still while the features they read move on, so that its predictions decay. With a small weight the shared layers
            feel next to nothing of the task, and its own layers go on following under an optimizer whose steps do not
            depend on the size of gradients, such as Adam (which forgets the old size over some thousand steps; each stage
            of `mtl.fit` begins anew).
        level: What the tendency is measured from; `statistics.median` for the paper's.
        verbose: Whether to print a line when a task stops.

    Attributes:
        stopped: The epoch (counted from 0, over all stages) after which each stopped task was stopped, by the head's name.

    Raises:
        ValueError: If an argument is invalid; in `fit`, if the main task is no head of the model or there are no
            metrics of validation.

    Example:

    ```python
    stopping = mtl.TaskwiseEarlyStopping(main="points", patience=5)
    mtl.fit(model, train, valid, callbacks=[stopping])
    stopping.stopped  # {"glasses": 11, "gender": 14}
    ```
    """

    def __init__(
        self,
        main: str | Sequence[str],
        patience: int = 5,
        threshold: float = 1.0,
        weight: float = 0.01,
        *,
        level: Callable[[Sequence[float]], float] = min,
        verbose: bool = True,
    ):
        super().__init__()
        names = [main] if isinstance(main, str) else list(main)
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError(f"Expected `main` to be the name of a head or a list of names, received: {main!r}.")
        if not isinstance(patience, Integral) or isinstance(patience, bool) or patience < 1:
            raise ValueError(f"Expected `patience` to be a positive whole number of epochs, received: {patience!r}.")
        if not isinstance(threshold, Real) or not threshold >= 0:
            raise ValueError(f"Expected `threshold` to be a number of at least 0, received: {threshold!r}.")
        if not isinstance(weight, Real) or not 0 <= weight < 1:
            raise ValueError(f"Expected `weight` to be a number in [0, 1), received: {weight!r}.")
        self.main: list[str] = names
        self.patience: int = patience
        self.threshold: float = threshold
        self.weight: float = weight
        self.level: Callable[[Sequence[float]], float] = level
        self.verbose: bool = verbose
        self.stopped: dict[str, int] = {}
        self._training: dict[str, list[float]] = {}
        self._news: list[str] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the names, and lower the weights of what was stopped in an earlier stage."""
        heads = self.model.heads if isinstance(self.model, MultiTaskModel) else {}
        unknown = [name for name in self.main if name not in heads]
        if unknown:
            raise ValueError(
                f"Expected `main` to name heads of the model ({', '.join(heads) or 'it has none'}), received: "
                f"{', '.join(unknown)}."
            )
        for name in heads:
            self.model.set_loss_factor(name, self.weight if name in self.stopped else 1.0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Print what was stopped, now that the progress of the epoch before is through with its line."""
        self._print_news()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop the tasks whose measure exceeds the threshold."""
        logs = logs or {}
        for name, importance in self._importances().items():
            if f"val_{name}_loss" not in logs:
                raise ValueError(
                    "Expected validation metrics in every epoch, which task-wise early stopping compares with those of "
                    "training, received none: give validation rows to mtl.fit, or validation_data to model.fit."
                )
            training, validation = float(logs[f"{name}_loss"]), float(logs[f"val_{name}_loss"])
            if name in self.stopped or not training > 0:
                continue
            errors = self._training.setdefault(name, [])
            errors.append(training)
            if stopping_measure(errors, validation, self.patience, importance, self.level) > self.threshold:
                self.stopped[name] = epoch
                self.model.set_loss_factor(name, self.weight)
                self._news.append(
                    f"{name} stops pulling after epoch {epoch + 1}: its loss is {validation:.3f} in validation, "
                    f"{min(errors):.3f} at best in training"
                )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Print what was stopped in the last epoch."""
        self._print_news()

    def get_state(self) -> dict[str, Any]:
        """What has been stopped and the errors so far, for `resume` of `mtl.fit`."""
        return {"stopped": self.stopped, "training": self._training}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take over the state of an interrupted training."""
        self.stopped, self._training = dict(state["stopped"]), dict(state["training"])

    def _importances(self) -> dict[str, float]:
        """The weights of the auxiliary tasks' losses, those of the main tasks being 1 on average."""
        heads = self.model.heads
        main = sum(heads[name].loss_weight for name in self.main) / len(self.main)
        auxiliary = {name: head.loss_weight for name, head in heads.items() if name not in self.main}
        return {name: weight / main if main else math.inf for name, weight in auxiliary.items() if weight > 0}

    def _print_news(self) -> None:
        if self.verbose and self._news:
            print("\n".join(self._news), flush=True)
        self._news = []
