"""What the command line's values are read as: each is checked before anything is loaded."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NoReturn

LONGEST = 1500  # letters of a message


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line, and whose arguments may be added when it is first used.

    Attributes:
        fill: Adds them, or `None`.
        configure: Looks at what the command line says before it is read, and returns it; or `None`.
        origin: What stands before an error, such as the file that it is in.
    """

    fill: Callable[[argparse.ArgumentParser], None] | None = None
    configure: Callable[[OneLineParser, Sequence[str]], list[str]] | None = None
    origin = ""

    def parse_known_args(self, args: Iterable[str] | None = None, namespace: Any = None) -> Any:
        """As in the base class, which takes `--option=--` for an option with an empty list until Python 3.13."""
        self.fill_arguments()
        words = sys.argv[1:] if args is None else list(args)
        for text in words[: words.index("--") if "--" in words else len(words)]:
            if text.startswith("--") and text.endswith("=--"):
                self.error(f"argument {text.removesuffix('=--')}: expected a value, received: '--'")
        if self.configure is not None and not self.origin:
            words = self.configure(self, words)
        return super().parse_known_args(words, namespace)

    def fill_arguments(self) -> None:
        """Add the arguments now, if that is still to be done."""
        if self.fill is not None:
            fill, self.fill = self.fill, None
            fill(self)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and end with exit code 2."""
        self.exit(2, f"{one_line(f'mtlzoo: error: {self.origin}{message}')} (see {self.prog} --help)\n")


def one_line(message: str) -> str:
    """A message on one line, without the middle of what would be too long."""
    text = " ".join(message.split()).encode("utf-8", "backslashreplace").decode()  # names of files may be no text
    return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def whole(lowest: int, highest: int) -> Callable[[str], int]:
    """Whole numbers from `lowest` to `highest`."""

    def read(text: str) -> int:
        if re.fullmatch("[+-]?[0-9]{1,18}", text) and lowest <= int(text) <= highest:
            return int(text)
        raise _unexpected(f"a whole number from {lowest} to {highest:,}", text)

    return read


def fraction(text: str) -> float:
    """A number from 0 to less than 1."""
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if 0 <= number < 1:
        return number
    raise _unexpected("a number from 0 to less than 1", text)


def positive(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        raise _unexpected("a number above 0", text) from None
    if not 0 < value < float("inf"):
        raise _unexpected("a number above 0", text)
    return value


def decision(text: str) -> dict[str, Any]:
    """How thresholds are chosen, as arguments of `mtl.decide`: `f1`, `recall=0.95`, `precision=0.9` or `cost=10:1`."""
    way, _, value = text.partition("=")
    numbers = re.fullmatch(r"(\d+\.?\d*|\.\d+)(?::(\d+\.?\d*|\.\d+))?", value)
    if text == "f1":
        return {"by": "f1"}
    if numbers and way in ("recall", "precision") and numbers[2] is None and 0 < float(value) < 1:
        return {way: float(value)}
    if numbers and way == "cost" and numbers[2] is not None and float(numbers[1]) > 0 < float(numbers[2]):
        return {"costs": {"miss": float(numbers[1]), "false alarm": float(numbers[2])}}
    raise _unexpected("f1, recall=0.95, precision=0.9 or cost=10:1", text)


def path(text: str) -> Path:
    """The path of something that need not exist."""
    if text.strip() and "\0" not in text:
        return Path(text)
    raise _unexpected("a path", text)


def file(text: str) -> Path:
    """The path of a file to write, which a name that ends like a folder's is not."""
    if text.endswith(("/", os.sep)):
        raise _unexpected("a file to write", text)
    return path(text)


def shard(text: str) -> tuple[int, int]:
    """Such as `2/8`: the second of eight."""
    found = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text)
    if found and 1 <= int(found[1]) <= int(found[2]):
        return int(found[1]), int(found[2])
    raise _unexpected("a shard such as 2/8, the second of eight", text)


def written(text: str) -> str:
    """The path of a file or a folder to write, with the slash at its end."""
    path(text)
    return text


def cache(text: str) -> str | Path:
    """`memory`, or the path of a folder."""
    return text if text == "memory" else path(text)


def _unexpected(expected: str, text: str) -> argparse.ArgumentTypeError:
    shown = text if len(text) <= 100 else f"{text[:100]}…"
    return argparse.ArgumentTypeError(f"expected {expected}, received: {shown!r}")


# What is larger is a slip of the keyboard, for which no machine has the memory.
count = whole(1, 1_000_000)
drawn = whole(1, 10_000_000)
pixels = whole(1, 8192)
seed = whole(0, 2**32 - 1)  # what numpy and Keras take
