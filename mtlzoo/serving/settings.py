"""How much a server takes at a time."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class ServerSettings:
    """How much a server takes at a time.

    Attributes:
        batch_size: The most images of one run of the network.
        wait_ms: How many milliseconds an image waits for others to share a run with.
        queue: How many images are in work at a time: being received, decoded, waiting or in the network. A request beyond is
            refused at once (429).
        max_bytes: The most bytes of a request (413). Images that are received lie in memory, or on disk beyond a MiB.
        max_images: The most images of a request (422).
        read_seconds: How long the body of a request may take to arrive (408).

    Raises:
        ValueError: If a number is not positive (`wait_ms` may be 0), or a request may have more images than the queue.

    Example:

    ```python
    from mtlzoo.serving.settings import ServerSettings

    ServerSettings(batch_size=8, queue=32)
    ```
    """

    batch_size: int = 16
    wait_ms: float = 5.0
    queue: int = 64
    max_bytes: int = 32 * MIB
    max_images: int = 16
    read_seconds: float = 30.0

    def __post_init__(self) -> None:
        for name in ("batch_size", "queue", "max_bytes", "max_images", "read_seconds"):
            if not getattr(self, name) > 0:
                raise ValueError(f"Expected `{name}` above 0, received: {getattr(self, name)!r}.")
        if not self.wait_ms >= 0:
            raise ValueError(f"Expected `wait_ms` of at least 0, received: {self.wait_ms!r}.")
        if self.max_images > self.queue:
            raise ValueError(
                f"Expected a `queue` that holds the images of a request, {self.max_images}, received: {self.queue}."
            )
