"""The errors that mtlzoo raises on purpose: one line that says what was expected, what came, and what to do."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ExportError",
    "HeadError",
    "ImageError",
    "InputError",
    "LabelError",
    "ModelFileError",
    "MtlzooError",
    "NotAFileError",
    "OutputError",
    "PixelLimitError",
    "PluginError",
    "RuntimeUnavailableError",
    "StateError",
    "TableError",
]

LONGEST = 800


class MtlzooError(Exception):
    """The base of every error class of mtlzoo: `except mtl.errors.MtlzooError` catches them all.

    Example:

    ```python
    try:
        table = mtl.data.read_csv("labels.csv")
    except mtl.errors.MtlzooError as error:
        print(error)  # one line: the file, the row, what was expected
    ```
    """


class LabelError(MtlzooError, ValueError):
    """A label that a head cannot read.

    Args:
        row: The position of the first offending value.
        reason: What was expected and what came.

    Attributes:
        row: As given.
        reason: As given, shortened in the middle where it is longer than a screen.

    Example:

    ```python
    try:
        mtl.ClassificationHead(["short", "long"]).encode(["short", "lnog"])
    except mtl.heads.LabelError as error:
        print(error.row, error.reason)
    ```
    """

    def __init__(self, row: int, reason: str):
        if len(reason) > LONGEST:  # A cell may be a megabyte; what was expected stands at the end.
            reason = f"{reason[: LONGEST // 2]} ... {reason[-LONGEST // 2 :]}"
        super().__init__(f"row {row}: {reason}")
        self.row = row
        self.reason = reason

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.row, self.reason)


class HeadError(MtlzooError, ValueError):
    """A head, or its name, with which no model can be built."""


class ExportError(MtlzooError, ValueError):
    """An exported file that does not put out what its model does; the message names format, head and deviation."""


class InputError(MtlzooError, ValueError):
    """Arrays, labels or images given in Python that cannot be used as they are; the message names head, row and value."""


class TableError(MtlzooError, ValueError):
    """A label file that cannot be used as it is; the message names the file, the row and what to do.

    Example:

    ```python
    Path("labels.csv").write_text("image,gender\\na.png,male,5\\n")
    try:
        mtl.data.read_csv("labels.csv")
    except mtl.data.TableError as error:
        print(error)
    ```
    """


class ImageError(MtlzooError, ValueError):
    """An image cannot be read.

    Args:
        reason: One line that says why, without the path.
        path: The file, or `None` for an image given as bytes.

    Attributes:
        reason: As given.
        path: As given.

    Example:

    ```python
    from mtlzoo.images.decoding import decode_image

    Path("empty.jpg").touch()
    try:
        decode_image("empty.jpg")
    except mtl.data.ImageError as error:
        print(error.path, error.reason)
    ```
    """

    def __init__(self, reason: str, path: str | None = None):
        super().__init__(reason if path is None else f"{path}: {reason}")
        self.reason = reason
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.path)


class PixelLimitError(ImageError):
    """An image that has more pixels than :func:`mtlzoo.data.set_max_pixels` allows."""


class ModelFileError(MtlzooError, ValueError):
    """A file that is no model, is damaged, or tells something of its heads that cannot be true."""


class StateError(MtlzooError, ValueError):
    """The state of a training, or a cache, that is damaged or belongs to another training."""


class NotAFileError(MtlzooError, OSError):
    """What lies at a path is a pipe, a device, a socket or a folder; `strerror` says which."""


class OutputError(MtlzooError, FileExistsError):
    """Something that would be replaced or mixed up with what is there; it is left as it is."""


class PluginError(MtlzooError, ImportError):
    """What another package adds to mtlzoo cannot be loaded; the message names the package."""


class RuntimeUnavailableError(MtlzooError, OSError):
    """The runtime of a web page can neither be found in the cache nor be fetched."""
