"""The worst mistakes of each head as cards: the image, where the head looked, what it said and what is true."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mtlzoo.data import LabelTable
from mtlzoo.errors import InputError, MtlzooError
from mtlzoo.evaluation.explaining import looks
from mtlzoo.evaluation.labelled import LabelledOutputs
from mtlzoo.evaluation.mistakes import is_named, truth_text, worst_rows
from mtlzoo.evaluation.running import load_inputs
from mtlzoo.html import escape, image
from mtlzoo.images.loading import load_batch
from mtlzoo.images.source import ImageSource
from mtlzoo.plotting.looks import as_text, brighten
from mtlzoo.reports.facts import Facts

PIXELS = 192  # the larger side of an image, at least


@dataclass(frozen=True)
class Mistakes:
    """The cards, and why some of what belongs to them is not there.

    Attributes:
        html: A heading and its cards for each head with mistakes.
        problem: In one line what is missing and what to do about it; empty if nothing is.
    """

    html: str
    problem: str = ""


def mistake_cards(facts: Facts, count: int) -> Mistakes:
    """Cards of the worst mistakes.

    Args:
        facts: The numbers of the report.
        count: How many of each head.
    """
    table = facts.sources.predictions.table
    assert table is not None
    chosen = {name: worst_rows(pair, count) for name, pair in facts.pairs.items()}
    chosen = {name: rows for name, rows in chosen.items() if len(rows)}
    if not count or not chosen:
        return Mistakes("")
    every = np.unique(np.concatenate(list(chosen.values())))
    shown, problem = _Shown(facts, table, every, list(chosen)), ""
    if absent := shown.absent():
        problem = (
            f"Images of the test rows are not there, such as {absent}: the worst mistakes are listed without them. Say "
            "where they are: images=FOLDER (on the command line --images FOLDER)."
        )
    else:
        problem = shown.load()
    return Mistakes("\n".join(_head_cards(facts, name, rows, shown) for name, rows in chosen.items()), problem)


class _Shown:
    """The images of some rows, and where heads looked in them."""

    def __init__(self, facts: Facts, table: LabelTable, rows: np.ndarray, heads: list[str]):
        self.model, self.table, self.rows, self.heads = facts.sources.model, table.take(rows), rows, heads
        self.images: np.ndarray | None = None
        self.looks: dict[str, np.ndarray] = {}

    def absent(self) -> str | None:
        """The first image that is not there."""
        return next((path for path in self.table.paths() if ImageSource(path).byte_size() is None), None)

    def load(self) -> str:
        """Load the images, and compute where the heads look; what of that cannot be done, in a line."""
        size = (PIXELS, PIXELS) if self.model is None else _enlarged(self.model.input_shape[1:3])
        resize = "pad" if self.model is None else self.model.resize
        try:
            self.images, _ = load_batch(self.table.paths(), size, resize=resize, regions=self.table.regions())
        except MtlzooError as error:
            return f"The worst mistakes are listed without their images: {error}"
        if self.model is None:
            return "The model's file is not there, and so nothing tells where heads looked."
        try:
            self.looks = looks(self.model, load_inputs(self.model, self.table), self.heads)
        except (InputError, NotImplementedError) as error:
            return f"Where heads looked is not shown: {error}"
        return ""

    def of(self, head: str, row: int) -> str:
        """The image of a row and where a head looked, as HTML."""
        if self.images is None:
            return ""
        place = int(np.searchsorted(self.rows, row))
        parts = [image(self.images[place], "the image")]
        if head in self.looks:
            bright = brighten(self.images[place], self.looks[head][place])
            parts.append(image(np.round(bright).astype("uint8"), f"where {head} looked"))
        return "".join(parts)


def _head_cards(facts: Facts, name: str, rows: np.ndarray, shown: _Shown) -> str:
    pair, answers = facts.pairs[name], facts.sources.predictions.to_frame()
    names = facts.sources.predictions.names or [""] * len(answers)
    cards = []
    for row in rows:
        sure = f"{name}_probability"
        told = answers[sure].iloc[row] if sure in answers and np.ndim(answers[sure].iloc[row]) == 0 else None
        said = f"{as_text(answers[name].iloc[row])}" + (f", {told:.0%} sure" if told is not None else "")
        text = f"<strong>{escape(said)}</strong><br>{escape(_truth(pair, row))}<br>"
        text += f'<span class="note">{escape(Path(str(names[row])).name)}</span>'
        cards.append(f'<div class="card">{shown.of(name, row)}{text}</div>')
    return f'<h3>{escape(name)}</h3>\n<div class="mistakes">{"".join(cards)}</div>'


def _truth(pair: LabelledOutputs, row: int) -> str:
    if pair.head.spatial:
        return ""
    return f"{'is' if is_named(pair.head) else 'true:'} {truth_text(pair.head, pair.targets[[row]])}"


def _enlarged(size: tuple[int, int]) -> tuple[int, int]:
    """The model's size, times a whole number where it is small."""
    times = -(-PIXELS // max(size)) if max(size) < PIXELS else 1
    return size[0] * times, size[1] * times
