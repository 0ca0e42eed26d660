"""Small pieces of a page: ranges as pictures, and lists of properties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from mtlzoo.html import escape

WIDTH, HEIGHT = 150, 16
EDGE = 4  # room for a point at either end


def range_picture(
    value: float, low: float, high: float, mark: float, limits: tuple[float, float], off: bool = False
) -> str:
    """A point with its interval, beside a mark to compare it with.

    Args:
        value: Where the point lies.
        low: The lower end of its interval, `NaN` for none.
        high: The upper end.
        mark: Where the mark lies, `NaN` for none.
        limits: What lies at the left and at the right end.
        off: Whether it is drawn in the colour of warnings.

    Returns:
        An SVG in the page, in its colours.
    """
    start, end = limits
    if not np.isfinite([value, start, end]).all() or end <= start:
        return ""

    def at(number: float) -> str:
        share = min(max((number - start) / (end - start), 0.0), 1.0)
        return f"{EDGE + share * (WIDTH - 2 * EDGE):.1f}"

    middle = HEIGHT / 2
    parts = [f'<line x1="{EDGE}" x2="{WIDTH - EDGE}" y1="{middle}" y2="{middle}" style="stroke: var(--line)"/>']
    if np.isfinite(mark):
        place = at(mark)
        parts.append(
            f'<line x1="{place}" x2="{place}" y1="2" y2="{HEIGHT - 2}" style="stroke: var(--quiet)" stroke-width="1.5"/>'
        )
    if np.isfinite([low, high]).all():
        parts.append(
            f'<line x1="{at(low)}" x2="{at(high)}" y1="{middle}" y2="{middle}" stroke="currentColor" stroke-width="3"/>'
        )
    parts.append(f'<circle cx="{at(value)}" cy="{middle}" r="3.5" fill="currentColor"/>')
    size = f'width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}"'
    return f'<svg class="range{" off" if off else ""}" {size} aria-hidden="true">{"".join(parts)}</svg>'


def properties(values: Mapping[str, object]) -> str:
    """Names and values, a line each; empty values are left out."""
    lines = [
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'
        for name, value in values.items()
        if value not in (None, "")
    ]
    return f'<div class="wide"><table><tbody>{"".join(lines)}</tbody></table></div>' if lines else ""


def sentences(texts: Iterable[str]) -> str:
    """Several paragraphs of plain text."""
    return "\n".join(f"<p>{escape(text)}</p>" for text in texts)


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names in a sentence: `a, b and c`, and how many more."""
    names = list(names)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
