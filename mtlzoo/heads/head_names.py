"""What heads may be called: whatever columns are called that has no line breaks and cannot be mistaken in the logs."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mtlzoo.errors import HeadError

if TYPE_CHECKING:
    from mtlzoo.heads.base import Head

# Control characters, halves of characters, line and paragraph separators.
NO_TEXT = ("Cc", "Cs", "Zl", "Zp")


def check_name(name: Any) -> None:
    """Refuse what is no name.

    Raises:
        HeadError: If it is no text, holds nothing but blanks, or a character that is none to be read.
    """
    if not isinstance(name, str) or not name.strip():
        raise HeadError(f"Expected the name of a head to be a text with at least one letter, received: {name!r}.")
    wrong = next((letter for letter in name if unicodedata.category(letter) in NO_TEXT), None)
    if wrong is not None:
        raise HeadError(
            f"Expected the name of a head without line breaks and control characters, which logs and files cannot hold, "
            f"received {wrong!r} in {name[:60]!r}; rename it."
        )


def check_logs(heads: Mapping[str, Head]) -> None:
    """Refuse heads whose metrics would stand under one name in the logs.

    Raises:
        HeadError: If there are such; it names both.
    """
    if "val" in heads:
        raise HeadError("Expected no head 'val', since 'val_' marks validation metrics in the logs; rename it.")
    for name in heads:
        for written, mark in ((name, ""), (name.removeprefix("val_"), "val_")):
            if mark and written == name:
                continue
            if mark and written in heads:
                raise HeadError(
                    f"Expected no head {name!r} beside {written!r}, since 'val_' marks validation metrics in the logs; "
                    "rename one."
                )
            # A head "a" may have a metric "b_loss", which a head "a_b" has too.
            cuts = [place for place, letter in enumerate(written) if letter == "_" and written[:place] in heads]
            for other in (written[:place] for place in cuts):
                both = {f"{other}_{key}" for key in _keys(heads[other])} & {
                    f"{written}_{key}" for key in _keys(heads[name])
                }
                if both:
                    raise HeadError(
                        f"Expected heads that differ in the logs, received {other!r} and {name!r}, which would both log "
                        f"{mark}{min(both)}; rename one."
                    )


def _keys(head: Head) -> list[str]:
    metrics = head.metrics()
    return ["loss", *(metric.name for metric in (metrics if isinstance(metrics, list | tuple) else [metrics]))]
