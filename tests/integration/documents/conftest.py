"""What pages and examples register is taken out again: other tests run in the same process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mtlzoo.backbones.registry import BACKBONES
from mtlzoo.system import registries
from mtlzoo.system.registry import Registry

REGISTRIES = [BACKBONES, *(value for value in vars(registries).values() if isinstance(value, Registry))]


@pytest.fixture(autouse=True)
def _registries_as_before() -> Iterator[None]:
    before = [registry.names() for registry in REGISTRIES]
    yield
    for registry, names in zip(REGISTRIES, before):
        for name in set(registry.names()) - set(names):
            del registry[name]
