"""What all endpoints share: a network, its batches, and how much is in work."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from starlette.exceptions import HTTPException

from mtlzoo import __version__
from mtlzoo.errors import ImageError, PixelLimitError
from mtlzoo.serving.answers import Answerer, Question
from mtlzoo.serving.batching import Batcher
from mtlzoo.serving.bodies import Upload
from mtlzoo.serving.room import Places, Room
from mtlzoo.serving.settings import ServerSettings
from mtlzoo.serving.telemetry import Telemetry
from mtlzoo.system.cores import available_cores


class Service:
    """A network that answers requests, from :meth:`open` to :meth:`close`.

    Args:
        network: A model, or a :class:`mtlzoo.serving.Predictor`.
        settings: How much it takes at a time.
        name: What it is called.

    Attributes:
        room: How many images are in work.
        telemetry: What is counted.
        ready: Whether it takes requests.
    """

    def __init__(self, network: Any, settings: ServerSettings, name: str):
        self.network, self.settings, self.name = network, settings, name
        self.answerer = Answerer(network)
        self.room = Room(settings.queue)
        self.telemetry = Telemetry(lambda: self.room.taken, settings.queue)
        self.ready = False

    def open(self) -> None:
        """Start the threads."""
        self._batches: Batcher[Question, dict[str, Any]] = Batcher(
            self.answerer.answer, self.settings.batch_size, self.settings.wait_ms / 1000
        )
        self._decoding = ThreadPoolExecutor(available_cores(), thread_name_prefix="decoding")
        self.ready = True

    def close(self) -> None:
        """Finish what is in work."""
        self.ready = False
        self._decoding.shutdown()
        self._batches.close()

    async def answer(self, uploads: list[Upload], places: Places, probabilities: bool = False) -> list[dict[str, Any]]:
        """Predictions for the images of a request, in their order.

        Args:
            uploads: The images.
            places: One place, to which those of all but the first image are added.
            probabilities: Whether all probabilities are told.

        Raises:
            HTTPException: 413 if an image has too many pixels, 422 if it cannot be read, 429 if there is no room.
        """
        places.take(len(uploads) - 1)
        loop = asyncio.get_running_loop()
        decoded = await asyncio.gather(
            *(loop.run_in_executor(self._decoding, self._decode, upload, probabilities) for upload in uploads)
        )
        waiting = [asyncio.wrap_future(self._batches.submit(question)) for question in decoded]
        answers = await asyncio.gather(*waiting)
        self.telemetry.count_images(len(answers))
        return list(answers)

    def _decode(self, upload: Upload, probabilities: bool) -> Question:
        try:
            return self.answerer.load(upload.content, upload.name, probabilities)
        except PixelLimitError as error:
            raise HTTPException(413, f"{upload.name}: {error.reason}.") from None
        except ImageError as error:
            raise HTTPException(422, f"{upload.name}: expected an image, received: {error.reason}.") from None

    def describe(self) -> dict[str, Any]:
        """What can be told of the network: its heads, sizes and versions."""
        height, width, channels = self.network.input_shape[1:]
        return {
            "name": self.name,
            "mtlzoo": __version__,
            "engine": getattr(self.network, "engine", "Keras"),
            "input": {"height": height, "width": width, "channels": channels, "resize": self.network.resize},
            "heads": {name: _describe_head(head) for name, head in self.network.heads.items()},
            "limits": {
                "images_in_work": self.settings.queue,
                "images_per_request": self.settings.max_images,
                "bytes_per_request": self.settings.max_bytes,
            },
        }


def _describe_head(head: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"kind": type(head).__name__, "output": head.describe()}
    if names := head.display().get("names"):
        told["names"] = [str(name) for name in names]
    if head.only_if:
        told["only_if"] = head.only_if
    return told
