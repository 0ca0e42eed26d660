"""How good a model is, as sections of a page."""

from __future__ import annotations

import numpy as np
import pandas as pd

from mtlzoo.evaluation.subgroups import ALL
from mtlzoo.evaluation.unusual import count_unusual
from mtlzoo.html import details, figure, paragraph, section, table
from mtlzoo.models.known_images import UNUSUAL
from mtlzoo.plotting import plot_confusion, plot_groups, plot_reliability
from mtlzoo.reports.facts import Facts
from mtlzoo.reports.mistake_cards import Mistakes
from mtlzoo.reports.pieces import range_picture

MOST_CONFUSIONS = 15
MOST_UNUSUAL = 15
BESIDE = 12  # classes, up to which two matrices stand beside each other
HOW_INTERVALS = (
    "Intervals hold the true value in 95 of 100 cases: Wilson's for fractions, the bootstrap over rows for all else. The "
    "grey mark is the trivial baseline, which does not look at the image: the most frequent class, or the mean. Orange: it "
    "lies within the interval, or is better."
)


def results_section(facts: Facts) -> str:
    """Each head beside its trivial baseline."""
    known = facts.heads
    frame = known[["labelled", "metric", "value", "low", "high", "baseline"]].copy()
    frame.insert(6, "beside the baseline", [_beside(facts, name) for name in known.index])
    columns = {"labelled": "test rows", "low": "95 % from", "high": "to"}
    full = facts.report.drop(columns=["kind", "metric", "value", "baseline"], errors="ignore")
    return section(
        "Results",
        table(frame.rename(columns=columns), html=["beside the baseline"]),
        paragraph(HOW_INTERVALS, "note"),
        details("All metrics", table(full)),
    )


def groups_section(facts: Facts) -> str:
    """Each head in each group of rows; nothing without groups."""
    frame = facts.groups.reset_index()
    if (frame["by"] == ALL).all():
        return ""
    worse = facts.worse_groups()
    found = paragraph("No group is worse than all rows by more than chance explains.")
    if len(worse):
        columns = ["by", "group", "head", "labelled", "metric", "value", "low", "high", "all"]
        named = worse[columns].rename(columns={"labelled": "rows", "all": "all rows", "low": "95 % from", "high": "to"})
        found = paragraph(
            "Worse than all rows, with the whole of their interval; of many groups a few are so by chance:"
        ) + table(named.reset_index(drop=True))
    every = frame[frame["by"] != ALL].drop(columns="score").rename(columns={"labelled": "rows"})
    drawn = figure(plot_groups(facts.groups), "the metric of each head in each group")
    return section("By group", found, f'<div class="wide">{drawn}</div>', details("All groups", table(every)))


def calibration_section(facts: Facts) -> str:
    """Whether probabilities are worth what they say; nothing without heads that have some."""
    known = facts.calibration[facts.calibration["rows"] > 0]
    if known.empty:
        return ""
    model = facts.sources.model
    temperatures = {} if model is None else dict(model.calibration.temperatures)
    frame = known.rename(columns={"rows": "test rows", "ece": "expected calibration error", "brier": "Brier score"})
    if temperatures:
        frame["temperature"] = [temperatures.get(name, np.nan) for name in frame.index]
    how = (
        "The expected calibration error is how far probabilities are from how often they are right, over 15 bins; with few "
        "rows it is above 0 by chance alone. The Brier score is the mean squared distance of probabilities from labels."
    )
    drawn = figure(plot_reliability(facts.sources.predictions), "how often predictions are right, by their probability")
    return section("Calibration", table(frame), paragraph(how, "note"), f'<div class="wide">{drawn}</div>')


def confusion_section(facts: Facts) -> str:
    """Which classes are taken for which; nothing without heads that have classes."""
    small: list[str] = []
    large: list[str] = []
    rows = []
    for name, pair in facts.pairs.items():
        counted = pair.head.confusion(pair.targets, pair.outputs)
        if counted is None or not counted[0].sum():
            continue
        matrix, names = counted
        drawn = figure(plot_confusion(matrix, names, title=name), f"confusion matrix of {name}")
        (small if len(names) <= BESIDE else large).append(drawn)
        for true, said in zip(*np.nonzero(matrix - np.diag(matrix.diagonal())), strict=True):
            rows.append((name, names[true], names[said], int(matrix[true, said]), int(matrix[true].sum())))
    if not small + large:
        return ""
    frame = pd.DataFrame(rows, columns=["head", "is", "taken for", "rows", "of"])
    frame = frame.sort_values("rows", ascending=False, kind="stable").head(MOST_CONFUSIONS).reset_index(drop=True)
    most = table(frame, caption="What is taken for what most often") if len(frame) else ""
    return section("Confusion", most, f'<div class="figures">{"".join(small)}</div>', *large)


def unusual_section(facts: Facts) -> str:
    """Test rows unlike the images of the training; nothing where the model knows none."""
    predictions = facts.sources.predictions
    if predictions.unusual is None:
        return ""
    order = np.argsort(-predictions.unusual, kind="stable")[:MOST_UNUSUAL]
    rows = [row for row in order if predictions.unusual[row] >= UNUSUAL]
    names = predictions.names or [f"row {row + 1}" for row in range(len(predictions))]
    frame = pd.DataFrame({"image": [names[row] for row in rows], "unusual": predictions.unusual[rows]})
    how = (
        "Unusual is the fraction of the validation images that were less unusual. What is said of such an image is not to "
        "be relied on; of those that are not called unusual nothing follows."
    )
    return section(
        "Unusual images",
        paragraph(count_unusual(predictions.unusual)),
        table(frame, caption="The most unusual ones") if rows else "",
        paragraph(how, "note"),
    )


def mistakes_section(mistakes: Mistakes) -> str:
    """The worst mistakes; nothing if there are none."""
    if not mistakes.html:
        return ""
    how = (
        "Labelled test rows with the highest loss, each as the network sees it, and dark where the head did not look: by "
        "its attention, else by Grad-CAM. A mistake may be the label's."
    )
    problem = paragraph(mistakes.problem, "warning") if mistakes.problem else ""
    return section("Worst mistakes", paragraph(how, "note"), problem, mistakes.html)


def _beside(facts: Facts, name: str) -> str:
    """The value, its interval and the baseline of a head as a picture."""
    own = facts.heads.loc[name]
    top = 1.0 if own["plain"] else 1.1 * float(np.nanmax([own["value"], own["high"], own["baseline"]]))
    off = not own["beats"]
    return range_picture(own["value"], own["low"], own["high"], own["baseline"], (0.0, top), off)
