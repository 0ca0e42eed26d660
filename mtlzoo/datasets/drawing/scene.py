"""Where the image is taken: size, background, light, and what the lens and the sensor add."""

from __future__ import annotations

import cv2
import numpy as np

from mtlzoo.datasets.drawing.canvas import Camera, Canvas
from mtlzoo.datasets.drawing.fabric import darker

__all__ = ["SUPERSAMPLING", "background", "develop", "image_size"]

SUPERSAMPLING = 2  # Images are drawn larger and shrunk, which removes the jaggies of the textures.
RATIOS = (0.667, 0.667, 0.75, 0.75, 0.75, 0.8, 1.0)  # Width to height.


def image_size(rng: np.random.Generator) -> tuple[int, int]:
    """A height and width such as shop photographs have: 256 to 400 pixels tall, mostly portrait."""
    height = int(rng.integers(256, 401))
    ratio = RATIOS[rng.integers(len(RATIOS))] * rng.uniform(0.97, 1.03)
    return height, round(height * ratio)


def background(camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """A plain wall, a gradient, a wall with a floor, or a simple room; uint8, shape `(height, width, 3)`."""
    height, width = camera.size
    kind = rng.random()
    base = np.array([rng.uniform(150, 250)] * 3) + rng.normal(0, 6, 3)
    if rng.random() < 0.2:
        base *= rng.uniform(0.45, 0.8)
    image: np.ndarray
    if kind < 0.25:
        image = np.empty((height, width, 3), np.uint8)
        image[:] = np.clip(base, 0, 255).astype(np.uint8)
    else:
        corners = np.clip(base + rng.normal(0, 16, (2, 2, 1)) + rng.normal(0, 3, (2, 2, 3)), 0, 255)
        image = cv2.resize(corners.astype(np.uint8), (width, height), interpolation=cv2.INTER_LINEAR)
    floor = int(camera(np.array([[0, rng.uniform(7.3, 7.85)]]))[0, 1])
    if kind > 0.72:
        _furnish(image, camera, min(floor, height), rng)
    if kind > 0.45 and floor < height:
        colour = tuple(np.clip(base * rng.uniform(0.6, 0.9) + rng.normal(0, 10, 3), 0, 255))
        cv2.rectangle(image, (0, floor), (width, height), colour, -1)
        if rng.random() < 0.5:
            cv2.line(image, (0, floor), (width, floor), darker(colour, 1.2), max(int(camera.unit * 0.08), 1))
    return image


def _furnish(image: np.ndarray, camera: Camera, floor: int, rng: np.random.Generator) -> None:
    """A window, a door, a painting or a plant beside the figure."""
    height, width = image.shape[:2]
    unit = camera.unit
    for _ in range(int(rng.integers(1, 3))):
        left = int(rng.uniform(-0.1, 0.85) * width)
        colour = tuple(float(channel) for channel in np.clip(rng.uniform(90, 235) + rng.normal(0, 22, 3), 0, 255))
        frame = darker(colour, 0.75)
        kind = rng.integers(4)
        if kind == 0:  # window
            top, size = int(rng.uniform(0.02, 0.3) * height), int(unit * rng.uniform(1.2, 2.4))
            cv2.rectangle(image, (left, top), (left + size, top + int(1.3 * size)), (225, 236, 245), -1)
            cv2.rectangle(image, (left, top), (left + size, top + int(1.3 * size)), frame, max(int(0.1 * unit), 2))
            middle = left + size // 2
            cv2.line(image, (middle, top), (middle, top + int(1.3 * size)), frame, max(int(0.06 * unit), 2))
        elif kind == 1:  # door
            cv2.rectangle(image, (left, floor - int(7.0 * unit)), (left + int(2.2 * unit), floor), colour, -1)
            cv2.rectangle(image, (left, floor - int(7.0 * unit)), (left + int(2.2 * unit), floor), frame, 3)
        elif kind == 2:  # painting
            top, size = int(rng.uniform(0.02, 0.4) * height), int(unit * rng.uniform(0.7, 1.5))
            cv2.rectangle(image, (left, top), (left + size, top + size), frame, -1)
            inset = size // 8
            cv2.rectangle(image, (left + inset, top + inset), (left + size - inset, top + size - inset), colour, -1)
        else:  # plant
            for _ in range(9):
                angle, length = rng.uniform(-2.6, -0.5), unit * rng.uniform(0.8, 1.8)
                tip = (int(left + length * np.cos(angle)), int(floor - 1.2 * unit + length * np.sin(angle)))
                green = (50.0, rng.uniform(90, 150), 60.0)
                cv2.line(image, (left, floor - int(1.2 * unit)), tip, green, max(int(0.14 * unit), 2), cv2.LINE_AA)
            pot = (left - int(0.4 * unit), floor - int(1.2 * unit)), (left + int(0.4 * unit), floor)
            cv2.rectangle(image, *pot, colour, -1)


def develop(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Shrinks the canvas, applies its light, a lighting gradient, blur and noise; uint8 RGB."""
    height, width = canvas.image.shape[0] // SUPERSAMPLING, canvas.image.shape[1] // SUPERSAMPLING
    image = cv2.resize(canvas.image, (width, height), interpolation=cv2.INTER_AREA)
    gradient = (1 + rng.uniform(-0.16, 0.12) + rng.uniform(-0.12, 0.12, (2, 2))).astype(np.float32)
    light = canvas.light * cv2.resize(gradient, canvas.light.shape[::-1], interpolation=cv2.INTER_LINEAR)
    warmth = rng.uniform(0.96, 1.04)
    tinted = cv2.merge([light * warmth, light, light * (2 - warmth)])
    tinted = cv2.resize(tinted, (width, height), interpolation=cv2.INTER_LINEAR)
    image = cv2.multiply(image, tinted, dtype=cv2.CV_8U)
    strength = int(rng.integers(1, 6))
    noise = rng.integers(-strength, strength + 1, (height, width), np.int8)
    image = cv2.add(image, cv2.merge([noise] * 3), dtype=cv2.CV_8U)
    sigma = rng.uniform(0.0, 0.9)
    if sigma > 0.35:
        image = cv2.GaussianBlur(image, (5, 5), sigma)
    return image
