"""Towers: hidden layers that some heads share, between the features of all heads and the outputs of these.

Heads that ask about one thing get layers for it: what Misra et al. 2016 call a split architecture
(https://arxiv.org/abs/1604.03539), in which the user says where heads part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtlzoo.errors import HeadError

if TYPE_CHECKING:
    import keras

    from mtlzoo.heads.base import Head

AGREED = ("hidden", "activation", "dropout")
"""The settings of a head that are its tower's."""


def check_tower(head: Head, tower: str | None) -> str | None:
    """The name of a head's tower; `None` for a head with hidden layers of its own.

    Raises:
        HeadError: If it is no name, there are no hidden layers to share, or the head looks at the feature map for itself.
    """
    if tower is None:
        return None
    if not isinstance(tower, str) or not tower:
        raise HeadError(f"Expected `tower` as a name that some heads share, received: {tower!r}.")
    if head.spatial or head.pooling is not None:
        what = f"pooling={head.pooling!r}" if head.pooling else f"a {type(head).__name__}"
        raise HeadError(
            f"Expected heads on the features that all share for tower={tower!r}, received: {what}, with features of its own."
        )
    if not head.hidden:
        raise HeadError(f"Expected hidden layers to share for tower={tower!r}, such as hidden=[64], received none.")
    return tower


def check_towers(heads: Mapping[str, Head]) -> None:
    """Refuse heads of one tower that differ in what the tower is made of.

    Raises:
        HeadError: If some do.
    """
    first: dict[str, str] = {}
    for name, head in heads.items():
        if head.tower is None:
            continue
        other = first.setdefault(head.tower, name)
        settings = [{key: getattr(heads[one], key) for key in AGREED} for one in (other, name)]
        if settings[0] != settings[1]:
            one, two = (", ".join(f"{key}={value!r}" for key, value in each.items()) for each in settings)
            raise HeadError(
                f"Expected heads of tower {head.tower!r} to agree in {', '.join(AGREED)}, received: {other!r} with {one}; "
                f"{name!r} with {two}."
            )


def hidden_layers(head: Head, features: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Build the hidden layers of a head, or of the tower that it belongs to.

    Args:
        head: The head.
        features: `(batch, channels)`.
        name: What the names of the layers begin with.

    Returns:
        `(batch, units of the last layer)`.
    """
    from keras import layers

    for index, units in enumerate(head.hidden, start=1):
        features = layers.Dense(units, activation=head.activation, name=f"{name}_hidden_{index}")(features)
    return layers.Dropout(head.dropout, name=f"{name}_dropout")(features) if head.dropout else features
