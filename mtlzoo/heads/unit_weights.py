"""What a head's weights mean, for another head that takes them over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, ClassVar, Self

from mtlzoo.heads.immutable import Immutable

if TYPE_CHECKING:
    from mtlzoo.heads.base import Head


class TakesOverUnits(Immutable):
    """A head whose weights may be those of another one.

    Attributes:
        learned_units: The attributes, learned by :meth:`mtlzoo.Head.adapted`, that define the unit of the output layer's
            weights.
        units_layer: How the name of the layer with the units of :meth:`unit_names` ends; `None` for the last layer.
    """

    learned_units: ClassVar[tuple[str, ...]] = ()
    units_layer: ClassVar[str | None] = None

    def unit_names(self) -> Sequence[Hashable] | None:
        """What each unit of the layer :attr:`units_layer` stands for, such as its class; `None` if they have no names.

        A head with more classes takes over the weights of another head class by class, by these names.
        """
        return None

    def has_numbered_units(self) -> bool:
        """Whether units are only counted, so that their names are no more than their positions."""
        return False

    def fits_weights_of(self, other: Head) -> bool:
        """Whether weights of another head mean the same in this one, as far as the layers have the same shapes."""
        return type(self) is type(other)

    def with_units_of(self, other: Head) -> Self:
        """A head with the :attr:`learned_units` of a head whose weights it takes over, where it does not know its own."""
        missing = [name for name in self.learned_units if getattr(self, name) is None]
        return self._with(**{name: getattr(other, name) for name in missing}) if missing else self
