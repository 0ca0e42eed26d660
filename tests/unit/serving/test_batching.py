"""Items that come at the same time run together, in their order, and none is lost."""

from __future__ import annotations

import threading

import pytest

from mtlzoo.serving.batching import Batcher


class Doubling:
    """Doubles numbers once it may, and remembers what ran together."""

    def __init__(self):
        self.may_run, self.batches = threading.Event(), []

    def __call__(self, numbers):
        self.may_run.wait(10)
        self.batches.append(numbers)
        if 13 in numbers:
            raise ArithmeticError("13")
        return [2 * number for number in numbers]


def test_what_waits_runs_together_in_its_order():
    run = Doubling()
    batcher = Batcher(run, size=4, wait=0)
    futures = [batcher.submit(0)]
    while not batcher._items.empty():  # the first one runs
        pass
    futures += [batcher.submit(number) for number in range(1, 8)]
    run.may_run.set()
    assert [future.result(10) for future in futures] == list(range(0, 16, 2))
    assert run.batches == [[0], [1, 2, 3, 4], [5, 6, 7]]
    batcher.close()


def test_the_first_one_waits_for_others():
    run = Doubling()
    run.may_run.set()
    batcher = Batcher(run, size=2, wait=30)
    futures = [batcher.submit(1), batcher.submit(2)]  # full: nobody waits for half a minute
    assert [future.result(10) for future in futures] == [2, 4]
    assert run.batches == [[1, 2]]
    batcher.submit(3)
    batcher.close()  # nor does the last one
    assert run.batches == [[1, 2], [3]]


def test_an_error_belongs_to_its_batch():
    run = Doubling()
    run.may_run.set()
    batcher = Batcher(run, size=1, wait=0)
    bad, good = batcher.submit(13), batcher.submit(1)
    with pytest.raises(ArithmeticError):
        bad.result(10)
    assert good.result(10) == 2
    batcher.close()


def test_closing_finishes_what_waits_and_takes_no_more():
    run = Doubling()
    batcher = Batcher(run, size=2, wait=0)
    futures = [batcher.submit(number) for number in range(5)]
    cancelled = batcher.submit(5)
    assert cancelled.cancel()
    run.may_run.set()
    batcher.close()
    assert [future.result(0) for future in futures] == [0, 2, 4, 6, 8]
    assert all(5 not in batch for batch in run.batches)
    with pytest.raises(RuntimeError, match="closed"):
        batcher.submit(6)
