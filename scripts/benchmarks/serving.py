"""What `mtlzoo serve` does under load: as much as it can take, and ten times that."""

from __future__ import annotations

import asyncio
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from benchmarks.features import CLASSES
from benchmarks.input_pipeline import SOURCES, write_photographs

import mtlzoo as mtl

PIXELS, FILES, CLIENTS, QUEUE = 224, 16, 16, 64
OVER = 10  # times what it can take
HEAD = "POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Type: image/jpeg\r\nContent-Length: {length}\r\n\r\n"
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Answered(NamedTuple):
    """How one request ended: its HTTP status, 0 if it got no answer, and after how many seconds."""

    status: int
    seconds: float


def benchmark_serving(
    seconds: float = 10, pixels: int = PIXELS, layer: str | None = None
) -> list[dict[str, str | float]]:
    """Measures a server of MobileNet at 224 pixels with eight heads (LiteRT) that gets JPEG files of about 400 x 300.

    Server and clients share the machine. First sixteen clients send one image after the other, which tells how much the
    server can take; then requests come at ten times that rate, whether or not the others are answered.

    Args:
        seconds: How long each of both lasts.
        pixels: The side of the network's input.
        layer: The layer at which the network ends, for a quick trial; `None` for its last one.

    Returns:
        One row for each: `way`, `sent_per_second`, `answered_per_second`, `refused_percent` (429), `lost` (no answer, or
        another), and the times of those that were answered, `p50_ms` and `p99_ms`, and of those refused, `refused_p99_ms`.
    """
    model = mtl.build("mobilenet", CLASSES, (pixels, pixels, 3), weights=None, feature_layer=layer)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        contents = [Path(path).read_bytes() for path in write_photographs(folder, SOURCES["about 400x300"], FILES, 0)]
        with running(mtl.export(model, folder / "model.tflite")) as url:
            sender = Sender(url, contents)
            asyncio.run(sender.one_after_the_other(min(seconds, 2)))  # to warm up
            steady, took = asyncio.run(sender.one_after_the_other(seconds))
            rate = OVER * len(steady) / took
            flood, flooded = asyncio.run(sender.at_a_rate(rate, seconds))
    return [
        {"way": f"{CLIENTS} clients, one request after the other", **_figures(steady, took)},
        {"way": f"{OVER} times as many requests, in work at most {QUEUE}", **_figures(flood, flooded)},
    ]


@contextmanager
def running(path: Path) -> Iterator[str]:
    """A server for a file; its URL."""
    command = [sys.executable, "-m", "mtlzoo", "serve", str(path), "--port", "0", "--queue", str(QUEUE)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().split()[-1]
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(60)


class Sender:
    """Sends images, and keeps connections open.

    Args:
        url: The server.
        contents: The contents of image files, which are sent in turns.
    """

    def __init__(self, url: str, contents: list[bytes]):
        host = urlsplit(url).netloc
        self.host, _, self.port = host.partition(":")
        self.requests = [HEAD.format(host=host, length=len(each)).encode() + each for each in contents]

    async def one_after_the_other(self, seconds: float) -> tuple[list[Answered], float]:
        """Some clients, each of which waits for its answer; and how long it took."""
        answered: list[Answered] = []
        idle: list[Connection] = []
        start = time.perf_counter()

        async def client() -> None:
            while time.perf_counter() < start + seconds:
                answered.append(await self._send(len(answered), idle))

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        return answered, self._close(idle, start)

    async def at_a_rate(self, rate: float, seconds: float) -> tuple[list[Answered], float]:
        """Requests at a rate that does not wait for answers; and how long it took to send them."""
        sent: list[asyncio.Task[Answered]] = []
        idle: list[Connection] = []
        start = time.perf_counter()
        while (now := time.perf_counter() - start) < seconds:
            while len(sent) < rate * now:
                sent.append(asyncio.create_task(self._send(len(sent), idle)))
            await asyncio.sleep(0.002)
        took = time.perf_counter() - start
        answered = await asyncio.gather(*sent)
        self._close(idle, start)
        return list(answered), took

    async def _send(self, number: int, idle: list[Connection]) -> Answered:
        start = time.perf_counter()
        try:
            reader, writer = idle.pop() if idle else await asyncio.open_connection(self.host, int(self.port))
            writer.write(self.requests[number % len(self.requests)])
            await writer.drain()
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            await reader.readexactly(int(head.split("content-length: ")[1].split("\r\n")[0]))
        except (OSError, asyncio.IncompleteReadError):
            return Answered(0, time.perf_counter() - start)
        idle.append((reader, writer))
        return Answered(int(head.split()[1]), time.perf_counter() - start)

    def _close(self, idle: list[Connection], start: float) -> float:
        took = time.perf_counter() - start
        for _, writer in idle:
            writer.close()
        return took


def _figures(answered: list[Answered], took: float) -> dict[str, float]:
    good = [each.seconds for each in answered if each.status == 200]
    refused = [each.seconds for each in answered if each.status == 429]
    figures = {
        "sent_per_second": round(len(answered) / took),
        "answered_per_second": round(len(good) / took),
        "refused_percent": round(100 * len(refused) / len(answered), 1),
        "lost": len(answered) - len(good) - len(refused),
        "p50_ms": round(1000 * statistics.median(good)),
        "p99_ms": round(1000 * _percentile(good)),
    }
    return {**figures, **({"refused_p99_ms": round(1000 * _percentile(refused))} if refused else {})}


def _percentile(values: list[float]) -> float:
    return sorted(values)[int(0.99 * (len(values) - 1))]
