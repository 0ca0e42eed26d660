"""The page of an audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from mtlzoo import html
from mtlzoo.auditing.thumbnails import Thumbnails
from mtlzoo.data.correction_files import row_numbers
from mtlzoo.heads.texts import label_text

if TYPE_CHECKING:
    from mtlzoo.auditing.result import Audit

SUSPECTS, ROWS = 200, 120  # lines of a table with images
LINES = 300  # of one without
NAMED = 16  # heads, beyond which cells of the heat map have no numbers


def audit_page(audit: Audit) -> str:
    """The text of the page."""
    see = Thumbnails(audit.table, row_numbers(audit.table).tolist())
    return html.page(
        f"Audit of {audit.table.source}",
        _suspects(audit, see),
        _with_images("The same image", audit.duplicates, see, "No two rows show the same image.", _SAME),
        _with_images("Leaks", audit.leaks, see, _no_leaks(audit), _LEAK),
        _with_images("Odd images", audit.odd_images, see, "All images can be read, and none is odd.", ""),
        _coverage(audit),
        _balance(audit),
        _with_images("Combinations that occur once", audit.rare_combinations, see, "There are none.", _ONCE),
        lead=f"{audit.summary()}.",
    )


_SAME = (
    "Rows that show the same bytes, or nearly the same pixels, groups whose labels contradict each other first. Distance is "
    "the difference from the nearest other file in parts of the contrast: 0 is the same pixels."
)
_LEAK = (
    "The same image, or rows of one group, on both sides of a split: a test on them is a test on what was trained on."
)
_ONCE = "Labels of two heads that stand together in one row only, although chance alone would bring so many rows (expected)."


def _suspects(audit: Audit, see: Thumbnails) -> str:
    notes = [html.paragraph(note, "warning") for note in audit.notes]
    if not len(audit.suspects):
        return html.section("Likely wrong labels", *notes, html.paragraph("No labels were looked at."))
    shown = audit.suspects.head(SUSPECTS)
    frame = shown[["head", "label", "suggestion", "suspicion", "row", "image"]].copy()
    frame["label"] = frame["label"].map(label_text)
    frame.insert(0, "", [see(row) for row in shown["row"]])
    told = (
        "What each label should be was predicted from other rows. Suspicion above 0.5: the suggestion is likelier than the "
        "label. Likely wrong: what confident learning counts. Both are guesses; look at the image."
    )
    caption = f"The {len(shown):,} most suspicious of {len(audit.suspects):,} labels"
    return html.section(
        "Likely wrong labels",
        html.paragraph(told),
        *notes,
        html.table(audit.heads, {"fraction": ".1%"}),
        html.table(frame, {"row": str}, html=[""], caption=caption),
    )


def _with_images(title: str, frame: pd.DataFrame, see: Thumbnails, nothing: str, told: str) -> str:
    if not len(frame):
        return html.section(title, html.paragraph(nothing))
    shown = frame.head(ROWS).dropna(axis=1, how="all")
    shown.insert(0, "", [see(row) for row in shown["row"]])
    more = f"The first {len(shown):,} of {len(frame):,} lines." if len(shown) < len(frame) else ""
    formats = {name: str for name in ("row", "group", "height", "width") if name in shown}
    return html.section(
        title, html.paragraph(told) if told else "", html.table(shown, formats, html=[""], caption=more)
    )


def _no_leaks(audit: Audit) -> str:
    return "No column says the parts." if audit.table.split is None else "Nothing stands in several parts."


def _coverage(audit: Audit) -> str:
    if not len(audit.coverage):
        return ""
    frame = audit.coverage.copy()
    frame.columns = [str(name) for name in frame.columns]
    told = "How many rows have a label for both heads; on the diagonal for the one head."
    plot = html.figure(_heat_map(audit.coverage, len(audit.table)), told)
    return html.section("Coverage", html.paragraph(told), plot, html.details("The numbers", html.table(frame)))


def _heat_map(coverage: pd.DataFrame, rows: int) -> Figure:
    names, values = [str(name) for name in coverage.columns], coverage.to_numpy()
    side = min(max(3.0, 0.55 * len(names) + 2), 14.0)
    plot = Figure(figsize=(side + 1, side))
    axes = plot.add_subplot()
    drawn = axes.imshow(values / max(rows, 1), vmin=0, vmax=1, cmap="Blues")
    short = [name if len(name) <= 24 else f"{name[:23]}…" for name in names]
    axes.set_xticks(np.arange(len(names)), short, rotation=60, ha="right", fontsize=8, parse_math=False)
    axes.set_yticks(np.arange(len(names)), short, fontsize=8, parse_math=False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    if len(names) <= NAMED:
        for (row, column), value in np.ndenumerate(values):
            color = "white" if value > 0.6 * rows else "black"
            axes.text(column, row, f"{value:,}", ha="center", va="center", fontsize=6, color=color)
    plot.colorbar(drawn, ax=axes, shrink=0.7, label="fraction of all rows")
    return plot


def _balance(audit: Audit) -> str:
    if not len(audit.balance):
        return ""
    shown = audit.balance.head(LINES)
    more = f"The first {len(shown):,} of {len(audit.balance):,} lines." if len(shown) < len(audit.balance) else ""
    return html.section("Balance", html.table(shown, {"fraction": ".1%"}, caption=more))
