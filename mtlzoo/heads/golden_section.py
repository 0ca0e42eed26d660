"""The least value of a function of one number."""

from __future__ import annotations

from collections.abc import Callable

NARROWER = (5**0.5 - 1) / 2


def minimize(cost: Callable[[float], float], low: float, high: float, accuracy: float = 1e-3) -> float:
    """Where a function with one minimum has it, by the golden section (Kiefer 1953).

    Args:
        cost: The function.
        low: The least number that is looked at.
        high: The largest one.
        accuracy: How far from the minimum the result may be.
    """
    inner = [high - NARROWER * (high - low), low + NARROWER * (high - low)]
    costs = [cost(place) for place in inner]
    while high - low > accuracy:
        if costs[0] <= costs[1]:
            high, inner, costs = inner[1], [0.0, inner[0]], [0.0, costs[0]]
            inner[0] = high - NARROWER * (high - low)
            costs[0] = cost(inner[0])
        else:
            low, inner, costs = inner[0], [inner[1], 0.0], [costs[1], 0.0]
            inner[1] = low + NARROWER * (high - low)
            costs[1] = cost(inner[1])
    return (low + high) / 2
