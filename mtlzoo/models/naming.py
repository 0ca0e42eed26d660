"""The layers of heads and their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import keras

from mtlzoo.heads import Head


def connect_heads(
    heads: Mapping[str, Head],
    features: keras.KerasTensor,
    feature_map: keras.KerasTensor,
    taken: Iterable[str],
) -> dict[str, keras.KerasTensor]:
    """Connect each head.

    Args:
        heads: The heads by name.
        features: What heads see.
        feature_map: What spatial heads see.
        taken: The names of the layers that there are.

    Returns:
        The output of each head.
    """
    clash = sorted(set(taken) & set(heads))
    if clash:
        raise ValueError(
            f"A head cannot be called {clash[0]!r}, which is the name of a layer; taken are: {sorted(taken)}."
        )
    return {name: head.connect(feature_map if head.spatial else features, name) for name, head in heads.items()}
