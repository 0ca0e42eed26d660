"""A whole page in one file."""

from __future__ import annotations

import re
from importlib.resources import files

from mtlzoo.html.blocks import escape

_SECTION = re.compile(r'<section id="([^"]+)">\n<h2>(.*?)</h2>')


def page(title: str, *sections: str, lead: str = "") -> str:
    """A page that needs no other file and asks no other address for anything.

    Args:
        title: Its title and first heading; it is escaped.
        *sections: Its content, HTML, as :func:`~mtlzoo.html.section` makes it; empty ones are left out.
        lead: What stands below the title; it is escaped.

    Returns:
        The text of the file, to be written as UTF-8.

    Example:

    ```python
    from mtlzoo.html import page, paragraph, section

    text = page("Cells", section("Summary", paragraph("All is well.")))
    ```
    """
    content = "\n".join(part for part in sections if part)
    links = "".join(f'<a href="#{name}">{heading}</a>' for name, heading in _SECTION.findall(content))
    # What a page may load is nothing, whatever a label says.
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape(title)}</title>
<style>
{_file("style.css")}</style>
</head>
<body>
<header>
<h1>{escape(title)}</h1>
{f'<p class="lead">{escape(lead)}</p>' if lead else ""}
{f"<nav>{links}</nav>" if links else ""}
</header>
<main>
{content}
</main>
<script>
{_file("sort.js")}</script>
</body>
</html>
"""


def _file(name: str) -> str:
    return (files("mtlzoo.html") / "page_files" / name).read_text(encoding="utf-8")
