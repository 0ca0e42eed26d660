"""What a server says when it does not answer: one line."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from mtlzoo.serving.room import Room

LONGEST = 800  # letters


def problem(status: int, message: str, headers: Any = None) -> JSONResponse:
    """An answer that says in one line what is wrong."""
    text = " ".join(message.split())
    return JSONResponse({"error": text if len(text) <= LONGEST else f"{text[:LONGEST]}..."}, status, headers)


class RefuseWhenFull:
    """Middleware that refuses images where there is no room, before anything is made of the request: under a flood of
    requests, what the server does for each of them is what it does not do for those that it took.

    Args:
        app: What answers.
        room: Where the room is.
    """

    def __init__(self, app: ASGIApp, room: Room):
        self.app, self.room = app, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        app = self.app
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"].endswith(("/predict", "/infer")):
            try:
                self.room.check()
            except HTTPException as error:
                app = problem(error.status_code, error.detail, error.headers)
        await app(scope, receive, send)


async def refuse(request: Request, error: Exception) -> JSONResponse:
    """What was refused on purpose, and what there is not."""
    assert isinstance(error, HTTPException)
    message = str(error.detail)
    if error.status_code == 404 and message == "Not Found":
        message = (
            f"Expected one of the paths of /openapi.json, such as /predict or /health, received: {request.url.path}."
        )
    elif error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "another method")
        message = f"Expected {allowed} for {request.url.path}, received: {request.method}."
    return problem(error.status_code, message, error.headers)


async def refuse_parameters(request: Request, error: Exception) -> JSONResponse:
    """A parameter that is not what it should be."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, f"{where}: {first['msg']}, received: {str(first.get('input'))[:80]!r}.")


async def fail(request: Request, error: Exception) -> JSONResponse:
    """What nobody expected."""
    return problem(500, f"The network could not answer: {type(error).__name__}: {error}")
