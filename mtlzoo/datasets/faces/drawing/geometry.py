"""A head in three dimensions: its surface, how it turns, and where its five points fall.

Head units: an adult's head is 1 tall, from the crown to the chin. `x` goes to the viewer's right, `y` down, `z` towards
the viewer; the eyes lie at `y = 0`, the axis around which the head turns at `x = z = 0`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mtlzoo.datasets.drawing.canvas import Camera, smooth

__all__ = ["LIFT", "Head", "aim"]

# One horizontal section a row, from crown to chin: height, half width, front, back and centre of the section. Rows 5 to
# 8 lie at the eyes, the cheeks, the base of the nose and the mouth.
_ADULT = np.array([
    (-0.53, 0.0, 0.0, 0.0, 0.0), (-0.505, 0.13, 0.13, -0.19, 0.0), (-0.43, 0.25, 0.24, -0.33, 0.0),
    (-0.28, 0.325, 0.322, -0.43, 0.0), (-0.1, 0.345, 0.355, -0.45, 0.0), (0.0, 0.345, 0.328, -0.43, 0.0),
    (0.1, 0.335, 0.342, -0.38, 0.0), (0.2, 0.312, 0.345, -0.27, 0.0), (0.29, 0.276, 0.362, -0.12, 0.04),
    (0.36, 0.238, 0.342, -0.03, 0.08), (0.43, 0.18, 0.348, 0.05, 0.13), (0.48, 0.1, 0.325, 0.12, 0.18),
    (0.5, 0.0, 0.25, 0.18, 0.2),
])  # fmt: skip
_INFANT = np.array([
    (-0.61, 0.0, 0.0, 0.0, 0.0), (-0.58, 0.16, 0.16, -0.2, 0.0), (-0.49, 0.3, 0.29, -0.35, 0.0),
    (-0.3, 0.39, 0.37, -0.45, 0.0), (-0.09, 0.39, 0.365, -0.46, 0.0), (0.0, 0.38, 0.325, -0.43, 0.0),
    (0.08, 0.378, 0.335, -0.37, 0.0), (0.15, 0.365, 0.335, -0.26, 0.0), (0.225, 0.325, 0.34, -0.12, 0.04),
    (0.28, 0.275, 0.322, -0.03, 0.08), (0.33, 0.2, 0.32, 0.04, 0.12), (0.37, 0.11, 0.3, 0.1, 0.16),
    (0.385, 0.0, 0.22, 0.14, 0.17),
])  # fmt: skip
_NOSE_ROW, _MOUTH_ROW = 7, 8
LIFT = 0.004  # Eyes and lips lie so far above the skin.
_LEVELS = 2048  # Between which heights are rounded: far below a pixel.


class Head:
    """A head and the way it is turned.

    Args:
        child: 1 for the proportions of a newborn, 0 for those of an adult.
        jaw: how much wider the jaw is than usual, in head units.
        width: width of the whole head relative to the usual one.
        yaw: radians; positive when the face looks to the viewer's right.
        pitch: radians; positive when the face looks down.
        nose: how far the nose sticks out relative to the usual, and how long it is, likewise.
        smile: how much the mouth is drawn up and apart, 0 to 1.
        mouth: width of the mouth relative to the usual one.
    """

    def __init__(
        self,
        child: float = 0.0,
        jaw: float = 0.0,
        width: float = 1.0,
        yaw: float = 0.0,
        pitch: float = 0.0,
        nose: tuple[float, float] = (1.0, 1.0),
        smile: float = 0.0,
        mouth: float = 1.0,
    ):
        rows = (1 - child) * _ADULT + child * _INFANT
        rows[7:12, 1] += jaw * np.array([0.5, 1.0, 1.0, 0.8, 0.4])
        rows[:, 1] *= width
        knots = [smooth(rows[:, [0, column]])[:, 1] for column in range(5)]
        heights = np.linspace(rows[0, 0], rows[-1, 0], _LEVELS)
        self._table = np.stack([np.interp(heights, knots[0], column) for column in knots[1:]])
        self.yaw, self.pitch = yaw, pitch
        self.crown, self.chin = rows[0, 0], rows[-1, 0]
        cosines = np.cos((yaw, pitch))
        sines = np.sin((yaw, pitch))
        self._projection = np.array([
            (cosines[0], -sines[0] * sines[1]), (0.0, cosines[1]), (sines[0], cosines[0] * sines[1])
        ])  # fmt: skip

        # === Features ===
        self.eye_x = (0.143 + 0.012 * child) * width
        self.nose_y = rows[_NOSE_ROW, 0]
        self.mouth_y = rows[_MOUTH_ROW, 0] - 0.008 * smile
        self.mouth_x = (0.1 - 0.022 * child) * mouth * (1 + 0.24 * smile) * width
        tip_y = nose[1] * (self.nose_y - 0.03)
        self.nose_base = nose[1] * self.nose_y
        self.nose_reach = (0.102 - 0.052 * child) * nose[0]
        self.nose_tip = np.array([0.0, tip_y, self.front(tip_y) + self.nose_reach])
        corner_y = self.mouth_y - 0.03 * smile
        flat = np.array([(-self.eye_x, 0.0), (self.eye_x, 0.0), (-self.mouth_x, corner_y), (self.mouth_x, corner_y)])
        raised = self.on_surface(flat, LIFT)
        self.landmarks = np.stack([raised[0], raised[1], self.nose_tip, raised[2], raised[3]])

    def project(self, points: np.ndarray) -> np.ndarray:
        """Where points in space, shape `(..., 3)`, are seen: shape `(..., 2)`, still in head units."""
        return np.asarray(points) @ self._projection

    def sections(self, heights: np.ndarray | float) -> tuple[np.ndarray, ...]:
        """Half width, front, back and centre of the horizontal sections at `heights`."""
        share = (np.asarray(heights) - self.crown) / (self.chin - self.crown)
        return tuple(self._table[:, np.clip(np.rint(share * (_LEVELS - 1)).astype(int), 0, _LEVELS - 1)])

    def front(self, height: float) -> float:
        """`z` of the middle of the face, without the nose."""
        return float(self.sections(height)[1])

    def on_surface(self, points: np.ndarray, lift: float = 0.0) -> np.ndarray:
        """Lays points `(x, y)`, shape `(n, 2)`, on the front of the head, `lift` above the skin; shape `(n, 3)`."""
        x, y = np.asarray(points, float).T
        width, front, _, centre = self.sections(y)
        bulge = np.sqrt(np.maximum(1 - (x / np.maximum(width, 1e-6)) ** 2, 0))
        return np.stack([x, y, centre + (front - centre) * bulge + lift], axis=1)

    def facing(self, points: np.ndarray) -> np.ndarray:
        """Cosine of the angle between the skin at points `(x, y)` and the viewer; negative where it is turned away."""
        x, y = np.asarray(points, float).T
        width, front, _, centre = self.sections(y)
        width = np.maximum(width, 1e-6)
        across = x / width**2
        outwards = np.sqrt(np.maximum(1 - (x / width) ** 2, 0)) / np.maximum(front - centre, 1e-6)
        toward = outwards * np.cos(self.yaw) - across * np.sin(self.yaw)
        return toward / np.maximum(np.hypot(across, outwards), 1e-6)

    def draw_on(self, points: np.ndarray, lift: float = 0.0) -> np.ndarray:
        """Where a line `(x, y)` drawn on the face is seen, as far as it is on this side of the head; shape `(m, 2)`."""
        points = np.asarray(points, float)
        return self.project(self.on_surface(points, lift)[self.facing(points) > 0.04])

    def plane(self, x: float, y: float, lift: float = 0.0) -> tuple[Callable[[np.ndarray], np.ndarray], float]:
        """A flat piece that touches the face at `(x, y)`, as an eye or a lens does.

        Returns:
            A function that takes points of shape `(n, 2)`, relative to `(x, y)`, to where they are seen, and how much of
            the piece's width is seen: 1 from the front, 0 from the side, negative from behind.
        """
        step = 0.02
        left, middle, right = self.on_surface(np.array([(x - step, y), (x, y), (x + step, y)]), lift)
        along = (right - left) / np.linalg.norm(right - left)
        axes = self.project(np.stack([along, (0.0, 1.0, 0.0)]))
        origin = self.project(middle)
        return (lambda points: np.asarray(points, float) @ axes + origin), float(axes[0, 0])

    def band(
        self,
        heights: np.ndarray,
        start: np.ndarray | float,
        end: np.ndarray | float,
        grow: tuple[float, float] = (0, 0),
    ) -> np.ndarray:
        """Outline of the part of the head between two azimuths at each height, as seen; shape `(2 n, 2)`.

        Args:
            heights: shape `(n,)`, rising.
            start, end: radians, 0 the middle of the face, positive to the viewer's right when seen from the front.
            grow: how far outside the skin: to the sides, and to the front and the back.
        """
        width, front, back, centre = self.sections(heights)
        return self.ring(heights, width + grow[0], front + grow[1], back - grow[1], centre, start, end)

    def ring(
        self,
        heights: np.ndarray,
        width: np.ndarray,
        front: np.ndarray,
        back: np.ndarray,
        centre: np.ndarray | float,
        start: np.ndarray | float,
        end: np.ndarray | float,
    ) -> np.ndarray:
        """As `band`, for any body of elliptic sections around the head's axis."""
        share = np.linspace(0, 1, 33)
        azimuth = np.atleast_1d(start)[:, None] * (1 - share) + np.atleast_1d(end)[:, None] * share
        depth = np.cos(azimuth)
        reach = np.where(depth > 0, (front - centre)[:, None], (centre - back)[:, None])
        x = width[:, None] * np.sin(azimuth)
        z = np.atleast_1d(centre)[:, None] + reach * depth
        seen = self.project(np.stack([x, np.broadcast_to(heights[:, None], x.shape), z], axis=-1))
        rows = np.arange(len(heights))
        left, right = seen[rows, seen[..., 0].argmin(axis=1)], seen[rows, seen[..., 0].argmax(axis=1)]
        return np.concatenate([left, right[::-1]])


def aim(
    size: tuple[int, int], centre: np.ndarray, target: tuple[float, float], unit: float, roll: float, scale: int
) -> Camera:
    """The camera that sees `centre`, in head units, at the pixel `target` of an image.

    Args:
        size: `(height, width)` of the image.
        target: `(x, y)` in pixels; `(0, 0)` is the centre of the upper left pixel.
        unit: pixels to a head unit.
        roll: radians, clockwise.
        scale: how much larger the canvas is than the image.
    """
    height, width = size[0] * scale, size[1] * scale
    # The first of `scale` small pixels has its centre before that of the large one.
    x, y = (scale * (coordinate + 0.5) - 0.5 for coordinate in target)
    cosine, sine = np.cos(roll), np.sin(roll)
    unit = unit * scale
    middle = centre[1] + (sine * centre[0] - (y - height / 2) / unit) / cosine
    shift = (x - width / 2) / unit - cosine * centre[0] + sine * (centre[1] - middle)
    half = height / unit / 2
    return Camera((height, width), middle - half, middle + half, shift=shift, lean=roll)
