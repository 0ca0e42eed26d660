"""The trials of a search: how it went on, and what each setting has to do with it."""

from __future__ import annotations

import math
import os

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mtlzoo.plotting import style

PLAIN = ("number", "state", "val_score", "epochs", "minutes", "note")
BESIDE, WIDTH, HEIGHT = 3, 3.0, 2.1  # panels in a row; inches of one
LEFT, BELOW, ABOVE, MARGIN, HEADER = 0.55, 0.45, 0.3, 0.15, 0.5
MOST = 17  # texts are shortened to so many letters


def plot_trials(trials: pd.DataFrame, path: str | os.PathLike[str] | None = None, *, overwrite: bool = False) -> Figure:
    """Draw the score of each trial: one after the other with the best so far, and against each setting.

    A filled point is a trial that has finished, a hollow one was pruned; the best one is orange.

    Args:
        trials: `trials` of what :func:`mtlzoo.tune` returns, or of `trials.csv`.
        path: Where to save the figure as PNG. Default: not saved.
        overwrite: Whether an existing file may be replaced.

    Returns:
        The `matplotlib.figure.Figure`, with a panel a setting.

    Raises:
        ValueError: No trial has finished.
        OutputError: `path` exists and is not to be replaced.

    Example:

    ```python
    import pandas as pd

    trials = pd.DataFrame({"number": [0, 1, 2], "state": ["finished", "finished", "pruned"], "val_score": [0.7, 0.8, 0.5]})
    figure = mtl.plotting.plot_trials(trials.assign(learning_rate=[1e-3, 3e-3, 1e-2], mix=[None, "mixup", "cutmix"]))
    ```
    """
    shown = trials[trials["state"].isin(["finished", "pruned"]) & trials["val_score"].notna()]
    done = shown["state"] == "finished"
    if not done.any():
        raise ValueError("Expected trials of which one has finished, received none.")
    settings = [name for name in trials.columns if name not in PLAIN]
    rows = math.ceil((len(settings) + 1) / BESIDE)
    width, height = MARGIN + BESIDE * (WIDTH + MARGIN), HEADER + rows * HEIGHT + MARGIN
    figure = style.new_figure(width, height)
    best = shown["val_score"].where(done).idxmax()
    for place, name in enumerate(["number", *settings]):
        x, y = MARGIN + (place % BESIDE) * (WIDTH + MARGIN), height - HEADER - (place // BESIDE + 1) * HEIGHT
        axes = style.add_axes(figure, x + LEFT, y + BELOW, WIDTH - LEFT - MARGIN, HEIGHT - BELOW - ABOVE)
        style.style_axes(axes)
        places = _places(axes, shown[name])
        scores = shown["val_score"].to_numpy(float)
        axes.scatter(places[~done], scores[~done], s=16, facecolors="none", edgecolors=style.HATCH, zorder=2)
        axes.scatter(places[done], scores[done], s=18, color=style.BLUE, zorder=3)
        axes.scatter(places[shown.index == best], scores[shown.index == best], s=34, color=style.ORANGE, zorder=4)
        if name == "number":
            so_far = shown["val_score"].where(done).cummax().ffill()
            axes.plot(places, so_far, color=style.BLUE, linewidth=1.2, drawstyle="steps-post", zorder=1)
        axes.set_title(
            "one after the other" if name == "number" else name, size=style.SMALL_SIZE, color=style.INK, pad=4
        )
        axes.yaxis.set_major_formatter(lambda value, _: style.compact(value))
    canvas = style.add_canvas(figure)
    style.write(canvas, MARGIN, height - 0.28, "Validation score of each trial", style.TITLE_SIZE, weight="bold")
    return style.finish(figure, path, overwrite)


def _places(axes: Axes, values: pd.Series) -> np.ndarray:
    """Where values lie on the horizontal axis: numbers at their place, logarithms if far apart, others side by side."""
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().all() and values.map(type).ne(bool).all():
        places = numbers.to_numpy(float)
        if places.min() > 0 and places.max() / places.min() > 20:
            axes.set_xscale("log")
        return places
    texts = values.map(lambda value: "none" if value is None or value != value else str(value))
    names = sorted(set(texts))
    short = [name if len(name) <= MOST else f"{name[: MOST - 1]}…" for name in names]
    axes.set_xticks(range(len(names)), short)
    axes.set_xlim(-0.6, len(names) - 0.4)
    return texts.map(names.index).to_numpy(float)
