"""How many losses become one step: loss weighting and gradient balancing. `BALANCING` is the registry.

Importing this room loads neither Keras nor scipy: a method loads what it needs when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtlzoo.balancing.aligned_mtl import AlignedMTL
from mtlzoo.balancing.base import Balancing, TaskGradients, Variable
from mtlzoo.balancing.cagrad import CAGrad
from mtlzoo.balancing.conflict_free import ConFIG
from mtlzoo.balancing.dualproj import DualProj
from mtlzoo.balancing.fairgrad import FairGrad
from mtlzoo.balancing.graddrop import GradDrop
from mtlzoo.balancing.gradients import EntrywiseBalancing, GradientBalancing, GramianBalancing
from mtlzoo.balancing.gradvac import GradVac
from mtlzoo.balancing.imtl_g import IMTLG
from mtlzoo.balancing.mgda import MGDA
from mtlzoo.balancing.nash_mtl import NashMTL
from mtlzoo.balancing.pcgrad import PCGrad
from mtlzoo.balancing.upgrad import UPGrad
from mtlzoo.balancing.weighting import (
    FAMO,
    IMTLL,
    DynamicWeightAverage,
    Equal,
    GeometricMean,
    GradNorm,
    LossWeighting,
    RandomLossWeighting,
    SmoothTchebycheff,
    Static,
    Uncertainty,
)
from mtlzoo.system.registries import BALANCING

__all__ = [
    "BALANCING",
    "FAMO",
    "IMTLG",
    "IMTLL",
    "MGDA",
    "AlignedMTL",
    "Balancing",
    "CAGrad",
    "ConFIG",
    "DualProj",
    "DynamicWeightAverage",
    "EntrywiseBalancing",
    "Equal",
    "FairGrad",
    "GeometricMean",
    "GradDrop",
    "GradNorm",
    "GradVac",
    "GradientBalancing",
    "GramianBalancing",
    "LossWeighting",
    "NashMTL",
    "PCGrad",
    "RandomLossWeighting",
    "SmoothTchebycheff",
    "Static",
    "TaskGradients",
    "UPGrad",
    "Uncertainty",
    "Variable",
    "deserialize",
    "get_balancing",
    "list_balancing",
    "serialize",
]


def list_balancing(pattern: str = "*") -> list[str]:
    """The names of the balancing methods that match a shell pattern.

    Args:
        pattern: With `*`, `?` and `[...]`; case, underscores and hyphens make no difference.

    Returns:
        The names in the order of the registry: loss weighting first, then gradient balancing.

    Example:

    ```python
    mtl.list_balancing("imtl*")  # ["imtl_l", "imtl_g"]
    ```
    """
    return BALANCING.matching(pattern)


def get_balancing(identifier: str | Balancing | Mapping[str, Any] | None) -> Balancing | None:
    """A balancing method, from whatever `compile` was given.

    Args:
        identifier: A method, or the name of one in the registry or of its class, with its defaults; case, underscores
            and hyphens make no difference. Or what :func:`serialize` gives. Or `None`, for none.

    Returns:
        The method, or `None`.

    Raises:
        ValueError: If there is no such method; the message lists the nearest names and all valid ones.
        TypeError: If it is none of these.

    Example:

    ```python
    get_balancing("Nash-MTL")  # NashMTL()
    ```
    """
    if identifier is None or isinstance(identifier, Balancing):
        return identifier
    if isinstance(identifier, Mapping):
        return deserialize(identifier)
    if isinstance(identifier, str):
        return BALANCING.find(identifier)()
    raise TypeError(
        "Expected a balancing method such as mtl.balancing.CAGrad(c=0.4), its name, or None, received: "
        f"{identifier!r}{', which is a class: call it' if isinstance(identifier, type) else ''}."
    )


def serialize(balancing: Balancing | None) -> dict[str, Any] | None:
    """A balancing method as plain JSON values.

    Args:
        balancing: The method; `None` stays `None`.

    Returns:
        A dictionary with `name` and `config`.

    Raises:
        ValueError: If its class is not in the registry.

    Example:

    ```python
    mtl.balancing.serialize(mtl.balancing.get_balancing("pcgrad"))  # {"name": "pcgrad", "config": {...}}
    ```
    """
    if balancing is None:
        return None
    name = BALANCING.name_of(type(balancing))
    if name is not None:
        return {"name": name, "config": balancing.get_config()}
    raise ValueError(
        f"Expected a method of the registry, received a {type(balancing).__name__}; add its class "
        "first: `mtl.balancing.BALANCING.register(name, cls)`."
    )


def deserialize(config: Mapping[str, Any] | None) -> Balancing | None:
    """The method that :func:`serialize` wrote.

    Args:
        config: The dictionary; `None` stays `None`.

    Returns:
        The method.

    Raises:
        ValueError: If there is no such method, or the dictionary is not of this form.

    Example:

    ```python
    mtl.balancing.deserialize({"name": "pcgrad", "config": {"gradients": "parameters"}})
    ```
    """
    if config is None:
        return None
    if "name" not in config or not set(config) <= {"name", "config"}:
        raise ValueError(f'Expected {{"name": ..., "config": {{...}}}}, received: {dict(config)!r}.')
    return BALANCING.find(str(config["name"])).from_config(dict(config.get("config", {})))
