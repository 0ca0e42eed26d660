"""The open inference protocol (KServe's version 2) over HTTP, as far as images and predictions need it.

Images are the elements of one input of the type BYTES, in JSON as base64. Of each head there is an output by its name with
the predictions, BYTES for names, FP64 for numbers, and BYTES with JSON for places. Heads with names have
`<head>_probability`, FP64, and `<head>_probabilities`, FP64 `[images, names]`, as well. What is not applicable is the text
`not applicable`, or null.

The protocol: https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException

from mtlzoo import __version__
from mtlzoo.serving.answers import has_probabilities
from mtlzoo.serving.bodies import Upload, read_body
from mtlzoo.serving.schemas import PROBLEMS, Problem, whole_schema
from mtlzoo.serving.service import Service


class InputTensor(BaseModel):
    """The images of a request."""

    name: str = Field(description="`images`, or any other name.")
    shape: list[int] = Field(min_length=1, max_length=2, description="`[images]` or `[images, 1]`.")
    datatype: Literal["BYTES"]
    parameters: dict[str, Any] | None = None
    data: list[Any] = Field(min_length=1, description="The contents of image files as base64.")


class OutputRequest(BaseModel):
    """An output that is asked for."""

    name: str


class InferRequest(BaseModel):
    """Images to predict for."""

    id: str | None = None
    parameters: dict[str, Any] | None = None
    inputs: list[InputTensor] = Field(min_length=1, max_length=1)
    outputs: list[OutputRequest] | None = Field(default=None, description="Some of the outputs; by default all.")


class OutputTensor(BaseModel):
    """What is said of the images under one name."""

    name: str
    shape: list[int]
    datatype: Literal["BYTES", "FP64"]
    parameters: dict[str, Any] | None = Field(
        default=None, description="`names`, those of the probabilities of an image."
    )
    data: list[Any]


class InferAnswer(BaseModel):
    """Predictions by the name of the output."""

    model_name: str
    model_version: str
    id: str | None = None
    outputs: list[OutputTensor]


def add_inference_protocol(service: Service) -> APIRouter:
    """The paths of the protocol."""
    router = APIRouter(prefix="/v2", tags=["open inference protocol"])
    unknown: dict[int | str, dict[str, Any]] = {404: {"model": Problem, "description": "There is no such model."}}

    def check_name(name: str) -> None:
        if name != service.name:
            raise HTTPException(404, f"Expected the model {service.name!r}, received: {name[:80]!r}.")

    @router.get("", summary="The server")
    def server() -> dict[str, Any]:
        return {"name": "mtlzoo", "version": __version__, "extensions": []}

    @router.get("/health/live", summary="Liveness")
    def live() -> dict[str, bool]:
        return {"live": True}

    @router.get("/health/ready", summary="Readiness")
    def ready() -> JSONResponse:
        return JSONResponse({"ready": service.ready}, 200 if service.ready else 503)

    @router.get("/models/{name}", summary="The model", responses=unknown)
    def model(name: str) -> dict[str, Any]:
        check_name(name)
        outputs = [tensor for key, head in service.network.heads.items() for tensor in _declared(key, head)]
        return {
            "name": name,
            "versions": ["1"],
            "platform": f"mtlzoo_{getattr(service.network, 'engine', 'Keras')}".replace(" ", "_").lower(),
            "inputs": [{"name": "images", "datatype": "BYTES", "shape": [-1]}],
            "outputs": outputs,
        }

    @router.get("/models/{name}/ready", summary="Readiness of the model", responses=unknown)
    def model_ready(name: str) -> JSONResponse:
        check_name(name)
        return JSONResponse({"name": name, "ready": service.ready}, 200 if service.ready else 503)

    body = {"required": True, "content": {"application/json": {"schema": whole_schema(InferRequest)}}}

    @router.post(
        "/models/{name}/infer",
        summary="Predictions for images",
        response_model=InferAnswer,
        responses={**PROBLEMS, **unknown},
        openapi_extra={"requestBody": body},
    )
    async def infer(name: str, request: Request) -> JSONResponse:
        check_name(name)
        with service.room.places() as places:
            asked = _read(await read_body(request, service.settings))
            uploads = _images(asked.inputs[0], service.settings.max_images)
            answers = await service.answer(uploads, places, probabilities=True)
        outputs = [tensor for key, head in service.network.heads.items() for tensor in _tensors(key, head, answers)]
        if asked.outputs is not None:
            outputs = _chosen(outputs, [output.name for output in asked.outputs])
        told = {"id": asked.id} if asked.id is not None else {}
        return JSONResponse({"model_name": name, "model_version": "1", **told, "outputs": outputs})

    return router


def _read(content: bytes) -> InferRequest:
    try:
        return InferRequest.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise HTTPException(422, f"{where}: {first['msg']}.") from None


def _images(tensor: InputTensor, most: int) -> list[Upload]:
    if len(tensor.data) > most:
        raise HTTPException(422, f"Expected at most {most} images in a request, received {len(tensor.data)}.")
    if tensor.shape[0] != len(tensor.data) or tensor.shape[1:] not in ([], [1]):
        raise HTTPException(422, f"Expected {len(tensor.data)} images by their shape, received: {tensor.shape}.")
    uploads = []
    for number, text in enumerate(tensor.data):
        try:
            uploads.append(Upload(f"image {number}", base64.b64decode(text, validate=True)))
        except (binascii.Error, ValueError, TypeError):
            raise HTTPException(422, f"image {number}: expected a text in base64, received something else.") from None
    return uploads


def _chosen(outputs: list[dict[str, Any]], names: list[str]) -> list[dict[str, Any]]:
    by_name = {output["name"]: output for output in outputs}
    for name in names:
        if name not in by_name:
            raise HTTPException(422, f"Expected outputs among {', '.join(by_name)}, received: {name[:80]!r}.")
    return [by_name[name] for name in names]


# === Outputs ===


def _declared(name: str, head: Any) -> list[dict[str, Any]]:
    """The outputs of a head, as the description of the model lists them."""
    listed = [{"name": name, "datatype": _datatype(head), "shape": [-1]}]
    if has_probabilities(head):
        listed.append({"name": f"{name}_probability", "datatype": "FP64", "shape": [-1]})
        listed.append({"name": f"{name}_probabilities", "datatype": "FP64", "shape": [-1, -1]})
    return listed


def _datatype(head: Any) -> str:
    return "FP64" if not head.spatial and getattr(head, "units", 0) == 1 else "BYTES"


def _tensors(name: str, head: Any, answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    told = [answer["heads"][name] for answer in answers]
    kind = _datatype(head)
    data = [each["prediction"] for each in told]
    if kind == "BYTES":
        data = [value if isinstance(value, str) else json.dumps(value) for value in data]
    tensors: list[dict[str, Any]] = [{"name": name, "datatype": kind, "shape": [len(data)], "data": data}]
    if has_probabilities(head):
        one = [each["probability"] for each in told]
        every = [list(each["probabilities"].values()) for each in told]
        names = {"names": list(told[0]["probabilities"])}
        flat = [value for values in every for value in values]
        tensors.append({"name": f"{name}_probability", "datatype": "FP64", "shape": [len(one)], "data": one})
        tensors.append(
            {
                "name": f"{name}_probabilities",
                "datatype": "FP64",
                "shape": [len(every), len(every[0])],
                "parameters": names,
                "data": flat,
            }
        )
    return tensors
