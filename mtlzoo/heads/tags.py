"""Tags as cells list them: with a separator between, or as JSON and Python write lists."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

from mtlzoo.heads.class_names import number_of
from mtlzoo.heads.texts import is_missing

SEPARATORS = ";,|"
USUAL = ";"
# Two texts in a row without a comma: Python would make one text of them.
GLUED = re.compile(r"""['"]\s+['"]|['"]{2,}""")


def read_tags(value: Any, separator: str | None = None) -> list[Any] | None:
    """The tags that a cell lists, `None` if it is missing.

    Args:
        value: A tag, a list of tags, a text of tags with a separator between, or the text of a list as JSON or Python write
            it: `["hat", "scarf"]`, `['hat', 'scarf']`, `[hat, scarf]`.
        separator: What stands between tags; by default `;`, `,` or `|`.

    Raises:
        ValueError: If a list is none of tags.
    """
    if isinstance(value, str):
        if is_missing(value):
            return None
        value = _listed(value.strip(), separator)
    if not isinstance(value, list | tuple | set | frozenset) and not hasattr(value, "tolist"):
        return None if is_missing(value) else [value]
    tags = value.tolist() if hasattr(value, "tolist") else list(value)
    if not isinstance(tags, list):  # a numpy scalar
        return None if is_missing(tags) else [tags]
    if tags and all(tag is None or tag != tag for tag in tags):
        return None
    if any(isinstance(tag, list | tuple | set | dict) or tag is None for tag in tags):
        raise ValueError("no list of tags")
    tags = [tag.strip() if isinstance(tag, str) else tag for tag in tags]
    return [tag for tag in tags if tag != ""]


def _listed(text: str, separator: str | None) -> Any:
    """A text as a list of its parts."""
    if text[:1] + text[-1:] not in ("[]", "()", "{}"):
        return _split(text, separator)
    for parse in (json.loads, _literal):
        try:
            found = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, list | tuple | set) or found == {}:
            return list(found)
    if text[0] == "(":  # a tag may well stand in brackets
        return _split(text, separator)
    if text[0] == "[" and not re.search(r"""['"\[\]{}]""", text[1:-1]):
        return _split(text[1:-1], separator)
    raise ValueError("no list of tags")


def _literal(text: str) -> Any:
    found = ast.literal_eval(text)
    if isinstance(found, list | tuple | set):
        quoted = any("'" in str(tag) or '"' in str(tag) or tag == "" for tag in found)
        if GLUED.search(text) and not quoted:
            raise ValueError("texts without a comma between")
    return found


def _split(text: str, separator: str | None) -> list[str]:
    return text.split(separator) if separator else re.split(f"[{SEPARATORS}]", text)


def says_none(tags: list[Any]) -> bool:
    """Whether the only tag says that there is none."""
    return len(tags) == 1 and isinstance(tags[0], str) and tags[0].casefold() == "none"


def read_flags(tags: list[Any], count: int) -> list[float] | None:
    """One number from 0 to 1 for each of so many tags, -1 where it is not known; `None` if that is not what a list holds.

    Ids of tags are whole and occur once, so that a list is one of such numbers only if some number is no id or comes twice.
    """
    found = [number_of(tag) if tag == tag else -1.0 for tag in tags]
    numbers = [number for number in found if number is not None]
    if len(numbers) < len(found) or len(numbers) != count or count < 2:
        return None
    if not all(0 <= number <= 1 or number == -1 for number in numbers):
        return None
    return numbers if len(set(numbers)) < count or any(number not in (0, 1) for number in numbers) else None


def lists_texts(text: str) -> bool:
    """Whether a text is a list of texts, as JSON or Python write it; an empty one is not told from one of numbers."""
    text = text.strip()
    if text[:1] != "[" or text[-1:] != "]":
        return False
    try:
        tags = read_tags(text)
    except ValueError:
        return False
    return tags is not None and bool(tags) and all(isinstance(tag, str) and not _is_number(tag) for tag in tags)


def _is_number(tag: str) -> bool:
    try:
        float(tag)
    except ValueError:
        return False
    return True


def separators_in(cells: Iterable[Any]) -> str:
    """The usual separators that occur in cells which are texts and no lists."""
    seen = "".join(cell for cell in cells if isinstance(cell, str) and not cell.strip().startswith(("[", "{")))
    return "".join(mark for mark in SEPARATORS if mark in seen)


def write_tags(tags: list[str], names: list[str], separator: str | None) -> str:
    """Tags as a cell that :func:`read_tags` reads back; as JSON where one of all the names has the separator in it."""
    separator = separator or USUAL
    if any(separator in name or name[:1] in "[({" or name == "none" for name in names):
        return json.dumps(tags, ensure_ascii=False)
    return separator.join(tags) or "none"
