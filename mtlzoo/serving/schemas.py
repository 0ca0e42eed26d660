"""What requests and answers look like, for the OpenAPI description."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from mtlzoo.serving.bodies import FORM, RAW


class HeadAnswer(BaseModel):
    """What one head says of an image; the other columns that the data frame has of it stand beside."""

    model_config = ConfigDict(extra="allow")
    prediction: Any = Field(
        description="A name, a number, or places in the coordinates of the image; `not applicable` or null where the head "
        "is not asked."
    )
    probability: Any = Field(default=None, description="Of the prediction; of each object, where there are several.")
    applicable: bool | None = Field(default=None, description="Whether the head is asked; of heads with conditions.")
    probabilities: dict[str, float | None] | None = Field(default=None, description="Of each name, if asked for.")


class ImageAnswer(BaseModel):
    """What all heads say of an image."""

    image: str = Field(description="The name of the file, or `image 0`, `image 1`, ...")
    heads: dict[str, HeadAnswer]
    unusual: float | None = Field(
        None, description="Of a network that knows images: the fraction of its validation images that are less unusual."
    )


class Answers(BaseModel):
    """Predictions, in the order of the images."""

    predictions: list[ImageAnswer]


class Problem(BaseModel):
    """What is wrong."""

    error: str = Field(description="One line: what was expected, what was received.")


class Health(BaseModel):
    """Whether the server is there, and takes requests."""

    live: bool
    ready: bool


PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"model": Problem, "description": "There is no image in the request, or it is not what it says."},
    408: {"model": Problem, "description": "The body took too long to arrive."},
    413: {"model": Problem, "description": "Too many bytes or pixels."},
    415: {"model": Problem, "description": "Neither a form with files nor an image."},
    422: {
        "model": Problem,
        "description": "Images that cannot be read, or too many; or a wrong parameter.",
    },
    429: {
        "model": Problem,
        "description": "There is no room for more images now.",
        "headers": {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}},
    },
}
BINARY = {"type": "string", "format": "binary"}


def image_body(most: int) -> dict[str, Any]:
    """The description of a body with images.

    Args:
        most: How many there may be.
    """
    files = {"type": "array", "items": BINARY, "minItems": 1, "maxItems": most}
    form = {"type": "object", "properties": {"files": files}, "required": ["files"]}
    kinds = ("image/jpeg", "image/png", "image/webp", RAW)
    content = {FORM: {"schema": form}, **{kind: {"schema": BINARY} for kind in kinds}}
    return {"requestBody": {"required": True, "content": content}}


def whole_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model, with the schemas of its parts in their places instead of references."""
    schema = model.model_json_schema()
    parts = schema.pop("$defs", {})

    def inlined(value: Any) -> Any:
        if isinstance(value, dict):
            reference = value.get("$ref")
            return (
                inlined(parts[reference.rsplit("/", 1)[1]]) if reference else {k: inlined(v) for k, v in value.items()}
            )
        return [inlined(one) for one in value] if isinstance(value, list) else value

    return inlined(schema)
