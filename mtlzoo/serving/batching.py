"""Requests that come at the same time share a run of the network."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Items are collected, and a function runs on several at once, in one thread, in the order in which they came.

    A batch begins with the first item that waits. It runs when it is full, or when so much time has passed; what waits by
    then goes along in any case, so that a server under load has full batches and one at rest has no delay but that time.

    Args:
        run: A function of a list of items, which returns a list of as many results.
        size: The most items of a batch.
        wait: How many seconds the first item waits for others.

    Example:

    ```python
    from mtlzoo.serving.batching import Batcher

    batcher = Batcher(lambda numbers: [2 * number for number in numbers], size=8, wait=0.01)
    futures = [batcher.submit(number) for number in range(3)]
    assert [future.result() for future in futures] == [0, 2, 4]
    batcher.close()
    ```
    """

    def __init__(self, run: Callable[[list[Item]], list[Result]], size: int, wait: float):
        self._run, self._size, self._wait = run, size, wait
        self._items: queue.SimpleQueue[tuple[Item, Future[Result]] | None] = queue.SimpleQueue()
        self._lock, self._closed = threading.Lock(), False
        self._thread = threading.Thread(target=self._work, name="batches", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Result]:
        """Have an item run with the next batch.

        Returns:
            Its result to be; if it is cancelled before its batch runs, it is left out. It raises what the function raises.

        Raises:
            RuntimeError: If the batcher is closed.
        """
        future: Future[Result] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("Expected an open batcher, received a closed one.")
            self._items.put((item, future))
        return future

    def close(self) -> None:
        """Take no more, run what waits, and return when that is done."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._items.put(None)
        self._thread.join()

    def _work(self) -> None:
        entry = self._items.get()
        while entry is not None:
            batch, end = [entry], time.monotonic() + self._wait
            while len(batch) < self._size:
                left = end - time.monotonic()
                try:
                    entry = self._items.get(timeout=left) if left > 0 else self._items.get_nowait()
                except queue.Empty:
                    break
                if entry is None:
                    break
                batch.append(entry)
            self._run_batch([each for each in batch if each[1].set_running_or_notify_cancel()])
            entry = self._items.get() if entry is not None else None

    def _run_batch(self, batch: list[tuple[Item, Future[Result]]]) -> None:
        if not batch:
            return
        try:
            results = self._run([item for item, _ in batch])
        except BaseException as error:  # the thread goes on, whatever one batch did
            for _, future in batch:
                future.set_exception(error)
            return
        for (_, future), result in zip(batch, results, strict=True):
            future.set_result(result)
