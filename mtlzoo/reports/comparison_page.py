"""The page of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mtlzoo.evaluation.paired import WORSE
from mtlzoo.html import page, paragraph, section, table
from mtlzoo.reports.pieces import range_picture, sentences

if TYPE_CHECKING:
    from mtlzoo.reports.comparison import Comparison

COLUMNS = ("head", "metric", "rows", "difference", "95 % from", "to", "beside 0", "p", "verdict")  # beside the runs
HOW = (
    "Test rows are drawn again and again with replacement, the same for all runs; intervals are those of 95 % of the "
    "differences, and p is corrected for the number of questions (Holm). A real difference is one of images like "
    "these; another training with another seed may come out otherwise."
)


def comparison_page(comparison: Comparison) -> str:
    """The page as text of an HTML file."""
    first, names = comparison.names[0], comparison.names[1:]
    drawn = "" if comparison.units == comparison.rows else f", which are {comparison.units:,} groups"
    notes = "\n".join(paragraph(note, "note") for note in comparison.notes)
    settings = comparison.settings
    return page(
        f"{', '.join(names)} against {first}",
        section("Answer", sentences(comparison.sentences()), notes),
        *(
            section(f"{name} against {first}" if len(names) > 1 else "Head by head", _table(comparison, name))
            for name in names
        ),
        section("How it was compared", paragraph(HOW)),
        section("What the runs were told differently", table(settings)) if len(settings) else "",
        lead=f"Compared on {comparison.rows:,} test rows{drawn}.",
    )


def _table(comparison: Comparison, name: str) -> str:
    frame, first = comparison.frame, comparison.names[0]
    own = frame[frame["run"] == name].reset_index(drop=True)
    base = frame[frame["run"] == first].reset_index(drop=True)
    called = {each: f"run {each}" if each in COLUMNS else each for each in (first, name)}
    shown = pd.DataFrame(
        {
            "head": own["head"],
            "metric": own["metric"],
            "rows": own["labelled"],
            called[first]: base["value"],
            called[name]: own["value"],
            "difference": own["difference"],
            "95 % from": own["difference_low"],
            "to": own["difference_high"],
            "beside 0": [_picture(own, row) for row in own.itertuples()],
            "p": own["p_corrected"],
            "verdict": own["verdict"],
        }
    )
    signed = dict.fromkeys(["difference", "95 % from", "to"], "+.3f")
    return table(shown, {**signed, "p": _p}, html=["beside 0"])


def _p(value: object) -> str:
    """A p-value, which resamples do not tell more exactly where it is small."""
    return "< 0.01" if float(value) < 0.01 else f"{value:.2f}"  # type: ignore[arg-type]


def _picture(own: pd.DataFrame, row: object) -> str:
    """The difference and its interval; differences of one metric are drawn to one scale."""
    same = own[own["metric"] == row.metric]  # type: ignore[attr-defined]
    ends = same[["difference", "difference_low", "difference_high"]].to_numpy("float64")
    most = float(np.nanmax(np.abs(ends))) if np.isfinite(ends).any() else 0.0
    value, low, high = row.difference, row.difference_low, row.difference_high  # type: ignore[attr-defined]
    return range_picture(value, low, high, 0.0, (-most, most), off=row.verdict == WORSE)  # type: ignore[attr-defined]
