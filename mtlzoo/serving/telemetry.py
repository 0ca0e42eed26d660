"""What a server counts, in the text format that Prometheus reads.

The format is https://prometheus.io/docs/instrumenting/exposition_formats/ version 0.0.4. All of it is counted in the thread
of the event loop, so that nothing has to be locked.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from itertools import accumulate

from starlette.types import ASGIApp, Message, Receive, Scope, Send

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds; those of Prometheus' own clients


class Telemetry:
    """The counters of a server.

    Args:
        in_work: Tells how many images are in work.
        capacity: How many may be.
    """

    def __init__(self, in_work: Callable[[], int], capacity: int):
        self._in_work, self._capacity = in_work, capacity
        self._requests: Counter[tuple[str, int]] = Counter()
        self._buckets, self._seconds = [0] * (len(BOUNDS) + 1), 0.0
        self._images = self._batches = self._refused = 0

    def count_request(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self._requests[path, status] += 1
        if status == 429:
            self._refused += 1
        elif status == 200 and path in TIMED:
            self._buckets[bisect_left(BOUNDS, seconds)] += 1
            self._seconds += seconds

    def count_images(self, images: int) -> None:
        """Images were answered."""
        self._images += images

    def text(self) -> str:
        """All of it."""
        lines = _described("requests_total", "counter", "Requests by path and status.")
        for (path, status), count in sorted(self._requests.items()):
            lines.append(f'mtlzoo_requests_total{{path="{path}",status="{status}"}} {count}')
        lines += _simple("images_total", "counter", "Images that were answered.", self._images)
        lines += _simple("refused_total", "counter", "Requests that found no room (429).", self._refused)
        lines += _simple(
            "images_in_work", "gauge", "Images that are received, decoded, waiting or run.", self._in_work()
        )
        lines += _simple("images_in_work_limit", "gauge", "How many may be in work.", self._capacity)
        lines += _described("request_seconds", "histogram", "Seconds from a request to its predictions.")
        totals = list(accumulate(self._buckets))
        for bound, total in zip((*BOUNDS, "+Inf"), totals, strict=True):
            lines.append(f'mtlzoo_request_seconds_bucket{{le="{bound}"}} {total}')
        lines += [f"mtlzoo_request_seconds_sum {self._seconds:.6f}", f"mtlzoo_request_seconds_count {totals[-1]}"]
        return "\n".join(lines) + "\n"


TIMED = ("/predict", "/v2/models/{name}/infer")


def _described(name: str, kind: str, help: str) -> list[str]:
    return [f"# HELP mtlzoo_{name} {help}", f"# TYPE mtlzoo_{name} {kind}"]


def _simple(name: str, kind: str, help: str, value: int) -> list[str]:
    return [*_described(name, kind, help), f"mtlzoo_{name} {value}"]


class CountRequests:
    """Middleware that counts each request under the path of its route.

    Args:
        app: What answers.
        telemetry: The counters.
    """

    def __init__(self, app: ASGIApp, telemetry: Telemetry):
        self.app, self.telemetry = app, telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and count."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            # Paths that strangers make up would fill the memory.
            path = str(getattr(scope.get("route"), "path", scope["path"] if scope["path"] in TIMED else "other"))
            self.telemetry.count_request(path, status, time.perf_counter() - start)
