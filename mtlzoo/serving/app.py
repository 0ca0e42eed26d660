"""The HTTP interface of a network."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from starlette.exceptions import HTTPException

from mtlzoo import __version__
from mtlzoo.serving import telemetry
from mtlzoo.serving.bodies import read_uploads
from mtlzoo.serving.inference_protocol import add_inference_protocol
from mtlzoo.serving.problems import RefuseWhenFull, fail, refuse, refuse_parameters
from mtlzoo.serving.schemas import PROBLEMS, Answers, Health, image_body
from mtlzoo.serving.service import Service
from mtlzoo.serving.settings import ServerSettings


def create_app(network: Any, settings: ServerSettings | None = None, name: str = "model") -> FastAPI:
    """The ASGI application that answers requests with a network's predictions; `mtlzoo serve` runs it.

    | path | |
    | --- | --- |
    | `POST /predict` | predictions for images, of a form with files or of one image |
    | `GET /health`, `/health/live`, `/health/ready` | 200, or 503 while it does not take requests |
    | `GET /metadata` | heads, classes, sizes, versions, limits |
    | `GET /metrics` | counters in the text format of Prometheus |
    | `GET /openapi.json` | this, for programs |
    | `/v2/...` | the open inference protocol, see :mod:`mtlzoo.serving.inference_protocol` |

    Args:
        network: A model, or what :func:`mtlzoo.load_predictor` returns.
        settings: How much it takes at a time.
        name: What the model is called.

    Returns:
        The application.

    Raises:
        ImportError: If FastAPI is not installed: `pip install 'mtlzoo[serve]'`.

    Example:

    ```python
    from mtlzoo.serving import create_app

    app = create_app(model)  # uvicorn.run(app)
    ```
    """
    service = Service(network, settings or ServerSettings(), name)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.open()
        try:
            yield
        finally:
            service.close()

    # The pages at /docs would be fetched from other hosts.
    app = FastAPI(
        title=f"mtlzoo: {name}",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(_predicting(service))
    app.include_router(_telling(service))
    app.include_router(add_inference_protocol(service))
    app.add_middleware(RefuseWhenFull, room=service.room)
    app.add_middleware(telemetry.CountRequests, telemetry=service.telemetry)
    app.add_exception_handler(HTTPException, refuse)
    app.add_exception_handler(RequestValidationError, refuse_parameters)
    app.add_exception_handler(Exception, fail)
    app.state.service = service
    return app


def _predicting(service: Service) -> APIRouter:
    router = APIRouter()

    @router.post(
        "/predict",
        summary="Predictions for images",
        response_model=Answers,
        responses=PROBLEMS,
        openapi_extra=image_body(service.settings.max_images),
    )
    async def predict(
        request: Request, probabilities: bool = Query(False, description="Whether to tell all probabilities.")
    ) -> JSONResponse:
        with service.room.places() as places:
            uploads = await read_uploads(request, service.settings)
            answers = await service.answer(uploads, places, probabilities)
        return JSONResponse({"predictions": answers})

    return router


def _telling(service: Service) -> APIRouter:
    router = APIRouter()

    def health() -> JSONResponse:
        return JSONResponse({"live": True, "ready": service.ready}, 200 if service.ready else 503)

    not_ready: dict[int | str, dict[str, Any]] = {503: {"model": Health, "description": "It does not take requests."}}
    for path in ("/health", "/health/ready"):
        router.add_api_route(path, health, summary="Readiness", response_model=Health, responses=not_ready)

    @router.get("/health/live", summary="Liveness", response_model=Health)
    def live() -> JSONResponse:
        return JSONResponse({"live": True, "ready": service.ready})

    @router.get("/metadata", summary="Heads, classes, sizes, versions, limits")
    def metadata() -> dict[str, Any]:
        return service.describe()

    @router.get("/metrics", summary="Counters, for Prometheus", response_class=PlainTextResponse)
    async def metrics() -> PlainTextResponse:
        return PlainTextResponse(service.telemetry.text(), media_type=telemetry.CONTENT_TYPE)

    return router
