"""Glasses and sunglasses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mtlzoo.datasets.drawing.canvas import smooth
from mtlzoo.datasets.drawing.fabric import garment_colour
from mtlzoo.datasets.faces.drawing.canvas import FaceCanvas
from mtlzoo.datasets.faces.drawing.geometry import Head

__all__ = ["Glasses"]

_METAL = ((190, 188, 184), (176, 146, 84), (60, 60, 64))
_HORN = ((24, 22, 24), (24, 22, 24), (74, 44, 28), (120, 70, 36), (150, 36, 40), (40, 60, 110))


@dataclass(frozen=True)
class Glasses:
    """A pair of glasses.

    Attributes:
        size: half width and half height of a lens, in head units.
        roundness: exponent of the lens' superellipse; 2 is an ellipse, more is squarer.
        lift: how far the outer corners are raised, as on cat-eye frames.
        thickness: of the rim, in head units.
        tint: how opaque the lenses are.
    """

    colour: tuple[float, ...]
    size: tuple[float, float]
    roundness: float
    lift: float
    thickness: float
    tint: float
    glass: tuple[float, ...]
    glare: float

    @classmethod
    def random(cls, rng: np.random.Generator) -> Glasses:
        """Wire or horn, round or square, clear or, in a fifth of the cases, dark."""
        metal = rng.random() < 0.35
        colours = _METAL if metal else _HORN
        colour = colours[rng.integers(len(colours))] if rng.random() < 0.93 else garment_colour(rng)
        dark = rng.random() < 0.2
        width = rng.uniform(0.102, 0.122)
        return cls(
            colour=colour,
            size=(width, width * rng.uniform(0.62, 0.95)),
            roundness=rng.choice([2.0, 2.6, 3.5, 5.0]),
            lift=rng.choice([0.0, 0.0, 0.018]),
            thickness=rng.uniform(0.013, 0.018) if metal else rng.uniform(0.018, 0.03),
            tint=rng.uniform(0.8, 0.97) if dark else rng.uniform(0.02, 0.12),
            glass=(26, 24, 28) if dark else (190, 205, 215),
            glare=rng.uniform(0.0, 0.5),
        )

    def draw_lens(self, canvas: FaceCanvas, head: Head, side: int) -> None:
        """One lens with its rim; `side` is -1 for the viewer's left one, 1 for the other."""
        plane, share = head.plane(side * head.eye_x * 1.02, 0.012, lift=0.05)
        if share < 0.06:
            return
        seen = plane(self._lens(side))
        canvas.glaze(seen, self.glass, self.tint)
        if self.glare > 0.15:
            streak = np.array([(-0.5, -0.7), (-0.15, -0.7), (-0.45, 0.6), (-0.75, 0.5)]) * self.size
            canvas.glaze(plane(streak), (255, 255, 255), 0.35 * self.glare, blur=0.006)
        canvas.glaze(np.concatenate([seen, seen[:2]]), self.colour, 0.95, width=self.thickness)

    def draw_bridge(self, canvas: FaceCanvas, head: Head) -> None:
        """What joins the lenses, and the temple that reaches back to the ear on the side that is seen."""
        inner = head.eye_x * 1.02 - self.size[0]
        raised = head.front(-0.01) + 0.03
        bridge = np.array(
            [(-inner, -0.012, raised - 0.01), (0.0, -0.026, raised + 0.01), (inner, -0.012, raised - 0.01)]
        )
        canvas.glaze(smooth(head.project(bridge)), self.colour, 0.95, width=max(self.thickness, 0.016))
        for side in (-1, 1):
            if side * head.yaw > 0.12:
                continue
            plane, _ = head.plane(side * head.eye_x * 1.02, 0.012, lift=0.05)
            corner = plane(np.array([0.94 * side * self.size[0], -0.03]))
            wide = head.sections(-0.02)[0]
            ear = head.project(np.array([side * (wide + 0.012), -0.035, 0.0]))
            canvas.glaze(np.stack([corner, ear]), self.colour, 0.95, width=max(0.5 * self.thickness, 0.01))

    def _lens(self, side: int) -> np.ndarray:
        angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
        cosine, sine = np.cos(angle), np.sin(angle)
        power = 2 / self.roundness
        x = self.size[0] * np.sign(cosine) * np.abs(cosine) ** power
        y = self.size[1] * np.sign(sine) * np.abs(sine) ** power
        return np.stack([x, y - self.lift * np.maximum(side * x / self.size[0], 0)], axis=1)
