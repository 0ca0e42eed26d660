"""Frames as tables, sorted by a click on a heading."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Collection, Mapping

import pandas as pd

from mtlzoo.html.blocks import attribute, escape


def table(
    frame: pd.DataFrame,
    formats: Mapping[str, str | Callable[[object], str]] | None = None,
    html: Collection[str] = (),
    index: bool = True,
    caption: str = "",
) -> str:
    """A frame as a table that a click on a heading sorts.

    Numbers stand on the right and are sorted as numbers, by their full value and not the digits that are shown; missing
    ones are a dash and come last.

    Args:
        frame: The rows.
        formats: How a column's values are written: a format such as `".3f"`, or a function of the value. By default whole
            numbers have commas, others three digits after the point.
        html: Columns whose cells are HTML already, such as thumbnails; all others are escaped.
        index: Whether the index is the first column, a heading of its row; only if it has a name or is no plain count.
        caption: What stands above the table; it is escaped.

    Returns:
        HTML.

    Raises:
        ValueError: If a named column is not there.

    Example:

    ```python
    import pandas as pd
    from mtlzoo.html import table

    print(table(pd.DataFrame({"head": ["stage"], "accuracy": [0.91234]}), {"accuracy": ".2f"}))
    ```
    """
    formats = formats or {}
    names = [str(column) for column in frame.columns]
    unknown = [name for name in (*formats, *html) if name not in names]
    if unknown:
        raise ValueError(
            f"Expected columns of the frame, received: {', '.join(unknown)}; there are {', '.join(names)}."
        )
    headed = index and not (isinstance(frame.index, pd.RangeIndex) and frame.index.name is None)
    numeric = [pd.api.types.is_numeric_dtype(frame.iloc[:, place]) for place in range(len(names))]
    head = [_heading(str(frame.index.name or ""), False)] if headed else []
    head += [_heading(name, number) for name, number in zip(names, numeric, strict=True)]
    rows = []
    for label, values in zip(frame.index, frame.itertuples(index=False, name=None), strict=True):
        cells = [f'<th scope="row">{escape(_name(label))}</th>'] if headed else []
        for name, number, value in zip(names, numeric, values, strict=True):
            cells.append(f"<td>{value}</td>" if name in html else _cell(value, formats.get(name), number))
        rows.append(f"<tr>{''.join(cells)}</tr>")
    above = f"<caption>{escape(caption)}</caption>" if caption else ""
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table class="sortable">{above}<thead><tr>{"".join(head)}</tr></thead>'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _heading(name: str, number: bool) -> str:
    kind = attribute("class", "number" if number else "")
    if not name:
        return f'<th scope="col"{kind}></th>'
    return f'<th scope="col"{kind}><button type="button">{escape(name)}</button></th>'


def _cell(value: object, how: str | Callable[[object], str] | None, number: bool) -> str:
    kind = attribute("class", "number" if number else "")
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return f'<td{kind} data-value="">&ndash;</td>'
    text = how(value) if callable(how) else _written(value, how)
    sort = attribute("data-value", repr(float(value))) if _is_number(value) else ""  # type: ignore[arg-type]
    return f"<td{kind}{sort}>{escape(text)}</td>"


def _written(value: object, how: str | None) -> str:
    if how is not None:
        return format(value, how)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return f"{value:,}"
    return f"{value:.3f}" if isinstance(value, numbers.Real) and not isinstance(value, bool) else str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _name(label: object) -> str:
    return " · ".join(map(str, label)) if isinstance(label, tuple) else str(label)
