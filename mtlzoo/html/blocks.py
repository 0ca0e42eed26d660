"""Text, sections and what folds away, as HTML."""

from __future__ import annotations

import html
import re


def escape(text: object) -> str:
    """Text that HTML shows as it is, quotes too, so that it may stand in an attribute.

    Args:
        text: Anything; its text is taken.

    Returns:
        HTML.

    Example:

    ```python
    from mtlzoo.html import escape

    escape("a < b")  # 'a &lt; b'
    ```
    """
    return html.escape(str(text))


def paragraph(text: object, kind: str = "") -> str:
    """A paragraph of plain text.

    Args:
        text: What it says; it is escaped.
        kind: A class of the page's style: `"note"` for small print, `"warning"` for what needs a look.

    Returns:
        HTML.

    Example:

    ```python
    from mtlzoo.html import paragraph

    paragraph("All is well.")  # '<p>All is well.</p>'
    ```
    """
    return f"<p{attribute('class', kind)}>{escape(text)}</p>"


def section(title: str, *blocks: str) -> str:
    """A part of a page with a heading, to which the list at its top leads.

    Args:
        title: The heading; it is escaped.
        *blocks: Its content, HTML; empty ones are left out.

    Returns:
        HTML.

    Example:

    ```python
    from mtlzoo.html import paragraph, section

    print(section("Summary", paragraph("All is well.")))
    ```
    """
    content = "\n".join(block for block in blocks if block)
    return f'<section id="{anchor(title)}">\n<h2>{escape(title)}</h2>\n{content}\n</section>'


def details(summary: str, *blocks: str, opened: bool = False) -> str:
    """What is folded away below a line.

    Args:
        summary: The line; it is escaped.
        *blocks: The content, HTML.
        opened: Whether it is unfolded at first.

    Returns:
        HTML.

    Example:

    ```python
    from mtlzoo.html import details, paragraph

    print(details("How it was measured", paragraph("On the test rows.")))
    ```
    """
    content = "\n".join(block for block in blocks if block)
    return f"<details{' open' if opened else ''}>\n<summary>{escape(summary)}</summary>\n{content}\n</details>"


def anchor(title: str) -> str:
    """The name of a section in addresses."""
    return re.sub(r"\W+", "-", title.casefold()).strip("-") or "section"


def attribute(name: str, value: object) -> str:
    """An attribute with a space before it; nothing for nothing."""
    return f' {name}="{escape(value)}"' if value not in ("", None) else ""
