"""Letters of all scripts in plots: fonts for them where they are installed, and one line where they are not."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.font_manager import fontManager

# Matplotlib's own font has Latin, Greek, Cyrillic and Arabic letters. Those of Linux, macOS and Windows with more:
FAMILIES = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei"),
    *("PingFang SC", "Hiragino Sans GB", "Arial Unicode MS", "Microsoft YaHei", "SimHei", "Malgun Gothic"),
    *("Noto Sans Devanagari", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI"),
)
MISSING = re.compile(r"Glyph (\d+) .*missing from (?:current )?font", re.DOTALL)


@contextmanager
def fonts_of_all_scripts(quiet: bool = False) -> Iterator[None]:
    """Plots take letters that their first font lacks from other installed fonts.

    Matplotlib warns of each letter that no font has, each time it is drawn; one line at the end names a few of them.

    Args:
        quiet: Whether to leave out that line.
    """
    installed = {font.name for font in fontManager.ttflist}
    families = [*matplotlib.rcParams["font.sans-serif"], *FAMILIES]
    known = [family for family in dict.fromkeys(families) if family in installed] or families[:1]
    letters: dict[str, None] = {}  # in the order in which they came

    with warnings.catch_warnings(), matplotlib.rc_context({"font.sans-serif": known}):
        warnings.filterwarnings("always", MISSING.pattern, UserWarning)
        show = warnings.showwarning

        def note(message: Warning | str, *arguments: Any, **options: Any) -> None:
            if found := MISSING.match(str(message)):
                letters[chr(int(found[1]))] = None
            else:
                show(message, *arguments, **options)

        warnings.showwarning = note
        yield
    if letters and not quiet:
        few = "".join(list(letters)[:10])
        print(
            f"Note: no installed font has {few}: plots show boxes in their place, tables and the model are not affected. "
            "Install a font that has them, such as Noto Sans CJK.",
            file=sys.stderr,
        )
