"""The images in the body of a request: a form with files, or one image by itself; with a limit on bytes, images and time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, NamedTuple, TypeVar

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

from mtlzoo.serving.settings import ServerSettings

FORM = "multipart/form-data"
RAW = "application/octet-stream"
Value = TypeVar("Value")
ACCEPTED = f"{FORM} with files, or the bytes of one image as image/jpeg (or any image/...) or {RAW}"


class Upload(NamedTuple):
    """An image file that was sent.

    Attributes:
        name: Its name, or `image 0`, `image 1`, ... where it has none.
        content: Its bytes.
    """

    name: str
    content: bytes


async def read_uploads(request: Request, settings: ServerSettings) -> list[Upload]:
    """The images in a request's body, in their order.

    Args:
        request: The request.
        settings: The limits.

    Raises:
        HTTPException: 400, 408, 413 or 415, with a line that says what was expected and what came.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        return await _within_time(_read_form(request, settings), settings)
    if kind == RAW or kind.startswith("image/"):
        return [Upload("image 0", await read_body(request, settings))]
    raise HTTPException(415, f"Expected {ACCEPTED}, received: {kind[:80] or 'no Content-Type'}.")


async def read_body(request: Request, settings: ServerSettings) -> bytes:
    """The whole body of a request.

    Raises:
        HTTPException: 400 if there is none, 408 if it takes too long, 413 if it is too large.
    """
    content = await _within_time(_limited(request, settings).body(), settings)
    if not content:
        raise HTTPException(400, "Expected the bytes of an image, received an empty body.")
    return content


async def _read_form(request: Request, settings: ServerSettings) -> list[Upload]:
    most = settings.max_images
    try:
        async with _limited(request, settings).form(max_files=most, max_fields=most) as form:
            files = [value for _, value in form.multi_items() if isinstance(value, UploadFile)]
            if not files:
                raise HTTPException(400, "Expected at least one file in the form, received none.")
            return [Upload(file.filename or f"image {number}", await file.read()) for number, file in enumerate(files)]
    except HTTPException as error:
        if str(error.detail).startswith("Too many files"):  # Starlette's own words
            raise HTTPException(422, f"Expected at most {most} images in a request, received more.") from None
        raise


def _limited(request: Request, settings: ServerSettings) -> Request:
    """The same request, which refuses to be read beyond the limit, whatever its header says."""
    most = settings.max_bytes
    too_large = HTTPException(413, f"Expected a body of at most {most:,} bytes, received more.")
    length = request.headers.get("content-length", "0")
    if length.isascii() and length.isdecimal() and int(length[:20]) > most:
        raise too_large
    received = 0

    async def receive() -> Message:
        nonlocal received
        message = await request.receive()
        received += len(message.get("body", b""))
        if received > most:
            raise too_large
        return message

    return Request(request.scope, receive)


async def _within_time(reading: Coroutine[Any, Any, Value], settings: ServerSettings) -> Value:
    try:
        return await asyncio.wait_for(reading, settings.read_seconds)
    except TimeoutError:
        raise HTTPException(
            408, f"Expected the body within {settings.read_seconds:g} seconds, received a part of it."
        ) from None
    except ClientDisconnect:  # nobody reads the answer; it is no failure of the server
        raise HTTPException(400, "Expected the whole body, received a part of it.") from None
