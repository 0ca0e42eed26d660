"""From the bytes of image files to a network's input in TensorFlow's own operations, so that a SavedModel can do it.

What :mod:`mtlzoo.images` does, step by step: JPEG at a reduced scale where the image will shrink anyway, turned as EXIF
says; transparency on white; whole factors by the mean over areas; then bilinear.
"""

from __future__ import annotations

from typing import Any

from mtlzoo.images.pixels import ORIENTATION_TAG

FACTORS = (1, 2, 4, 8)  # by which JPEG can be reduced


def decode_images(contents: Any, image_size: tuple[int, int], resize: str, channels: int) -> tuple[Any, Any]:
    """Decode image files and bring them to a network's size.

    Args:
        contents: A tensor of texts `(rows,)`, the contents of files: JPEG, PNG, GIF or BMP, and WebP where TensorFlow
            reads it.
        image_size: Height and width of the network's input.
        resize: `"stretch"`, `"crop"` or `"pad"`.
        channels: 3 or 1.

    Returns:
        float32 images `(rows, height, width, channels)` of whole numbers from 0 to 255; and float32 `(rows, 2, 3)`, the map
        from relative coordinates (x, y, 1) of the input to pixels of the image, where the centre of the first is 0.
    """
    import tensorflow as tf

    def load(content: Any) -> tuple[Any, Any]:
        jpeg = tf.strings.substr(content, 0, 3) == b"\xff\xd8\xff"
        image, size = tf.cond(jpeg, lambda: _jpeg(content, image_size), lambda: _other(content, image_size))
        scale, offset = _placing(size, image_size, resize)
        fitted = _fit(image, size, image_size, (scale, offset), resize)
        if channels == 1:
            fitted = tf.round(tf.tensordot(fitted, tf.constant([0.299, 0.587, 0.114]), 1))[..., None]
        return fitted, _way_back(scale, offset, image_size)

    shapes = tf.TensorSpec((*image_size, channels), tf.float32), tf.TensorSpec((2, 3), tf.float32)
    return tf.map_fn(load, contents, fn_output_signature=shapes)


# === Decoding ===


def _jpeg(content: Any, image_size: tuple[int, int]) -> tuple[Any, Any]:
    """An image, perhaps at a part of its size, and its whole (height, width) as a viewer shows it."""
    import tensorflow as tf

    size = tf.io.extract_jpeg_shape(content)[:2]
    orientation = _jpeg_orientation(tf.io.decode_raw(content, tf.uint8))
    size = tf.where(orientation >= 5, size[::-1], size)

    def decode(factor: int) -> Any:
        return tf.io.decode_jpeg(content, channels=3, ratio=factor, dct_method="INTEGER_ACCURATE")

    branches = [lambda factor=factor: decode(factor) for factor in FACTORS]
    image = tf.switch_case(_reduction(size, image_size), branches)
    image = tf.cond(orientation >= 5, lambda: tf.transpose(image, (1, 0, 2)), lambda: image)
    across = tf.reduce_any(orientation == [2, 3, 6, 7])
    down = tf.reduce_any(orientation == [3, 4, 7, 8])
    image = tf.cond(across, lambda: image[:, ::-1], lambda: image)
    image = tf.cond(down, lambda: image[::-1], lambda: image)
    return tf.cast(image, tf.float32), size


def _other(content: Any, image_size: tuple[int, int]) -> tuple[Any, Any]:
    import tensorflow as tf

    def on_white(image: Any) -> Any:
        image = tf.cast(image, tf.int32)
        alpha, colour = image[..., 3:], image[..., :3]
        return (colour * alpha + (255 * (255 - alpha) + 127)) // 255

    def plain() -> Any:
        image = tf.io.decode_image(content, channels=3, expand_animations=False)
        image.set_shape((None, None, 3))
        return tf.cast(image, tf.int32)

    png = tf.strings.substr(content, 0, 4) == b"\x89PNG"
    cases = [(png, lambda: on_white(tf.io.decode_png(content, channels=4)))]
    if hasattr(tf.io, "decode_webp"):
        webp = (tf.strings.substr(content, 0, 4) == b"RIFF") & (tf.strings.substr(content, 8, 4) == b"WEBP")
        cases.append((webp, lambda: on_white(tf.io.decode_webp(content, channels=4)[0])))
    image = tf.cast(tf.case(cases, default=plain), tf.float32)
    size = tf.shape(image)[:2]
    factor = tf.constant(FACTORS)[_reduction(size, image_size)]
    return _average(image, (size + factor - 1) // factor), size


def _reduction(size: Any, image_size: tuple[int, int]) -> Any:
    """Which of the factors still leaves an image at least as large as it is to be."""
    import tensorflow as tf

    factors = tf.constant(FACTORS)
    reduced = (size[None] + factors[:, None] - 1) // factors[:, None]
    return tf.reduce_sum(tf.cast(tf.reduce_all(reduced >= tf.constant(image_size), axis=1)[1:], tf.int32))


def _average(image: Any, size: Any) -> Any:
    """An image shrunk by the mean over areas, in whole numbers."""
    import tensorflow as tf

    same = tf.reduce_all(tf.shape(image)[:2] == size)
    return tf.cond(same, lambda: image, lambda: tf.round(tf.image.resize(image, size, method="area")))


def _jpeg_orientation(data: Any) -> Any:
    """The EXIF orientation of a JPEG's bytes, 1 to 8; 1 where there is none."""
    import tensorflow as tf

    def number(position: Any, order: tuple[int, ...]) -> Any:
        places = tf.minimum(position + tf.constant(order), tf.size(data) - 1)
        found = tf.constant(0)
        for value in tf.unstack(tf.cast(tf.gather(data, places), tf.int32)):
            found = found * 256 + value
        return found

    def step(position: Any, orientation: Any) -> tuple[Any, Any]:
        begin, marker = number(position, (0,)), number(position, (1,))
        fills = (begin != 0xFF) | (marker == 0xFF)
        alone = (marker <= 0x01) | ((marker >= 0xD0) & (marker <= 0xD7))
        exif = (
            ~fills
            & (marker == 0xE1)
            & (number(position + 4, (0, 1, 2)) == 0x457869)
            & (number(position + 7, (0,)) == 0x66)
        )
        length = tf.where(fills, 1, tf.where(alone, 2, 2 + number(position + 2, (0, 1))))
        last = ~fills & (marker == 0xDA)
        found = tf.cond(exif, lambda: _exif_orientation(number, position + 10, tf.size(data)), lambda: orientation)
        return tf.where(last, tf.size(data), position + length), found

    start = tf.constant(2), tf.constant(1)
    return tf.while_loop(lambda position, _: position + 4 < tf.size(data), step, start)[1]


def _exif_orientation(number: Any, start: Any, end: Any) -> Any:
    """The orientation in an EXIF block, a TIFF file whose numbers have the order that its first bytes tell."""
    import tensorflow as tf

    def read(little: bool) -> Any:
        two, four = ((1, 0), (3, 2, 1, 0)) if little else ((0, 1), (0, 1, 2, 3))
        directory = start + number(start + 4, four)
        inside = (directory >= start) & (directory + 2 <= end)
        count = tf.where(inside, tf.minimum(number(directory, two), (end - directory - 2) // 12), 0)

        def entry(index: Any, found: Any) -> tuple[Any, Any]:
            place = directory + 2 + 12 * index
            kind = number(place + 2, two)
            ours = (number(place, two) == ORIENTATION_TAG) & ((kind == 3) | (kind == 4)) & (found == 0)
            value = tf.where(kind == 3, number(place + 8, two), number(place + 8, four))
            return index + 1, tf.where(ours, tf.where((value >= 1) & (value <= 8), value, 1), found)

        return tf.maximum(tf.while_loop(lambda index, _: index < count, entry, (tf.constant(0), tf.constant(0)))[1], 1)

    little, big = number(start, (0, 1, 2, 3)) == 0x49492A00, number(start, (0, 1, 2, 3)) == 0x4D4D002A
    return tf.case([(little, lambda: read(True)), (big, lambda: read(False))], default=lambda: tf.constant(1))


# === Geometry ===


def _placing(size: Any, image_size: tuple[int, int], resize: str) -> tuple[Any, Any]:
    """By what edges of the image, (y, x), are multiplied to lie in the input, and how far they move: float64 `(2,)` each."""
    import tensorflow as tf

    target, size = tf.constant(image_size, tf.float64), tf.cast(size, tf.float64)
    scale = target / size
    if resize == "crop":
        scale = tf.fill([2], tf.reduce_max(scale))
    elif resize == "pad":
        scale = tf.fill([2], tf.reduce_min(scale))
    return scale, (target - scale * size) / 2


def _fit(image: Any, size: Any, image_size: tuple[int, int], placing: tuple[Any, Any], resize: str) -> Any:
    """The image at the network's size."""
    import tensorflow as tf

    scale, offset = placing
    scale = scale * tf.cast(size, tf.float64) / tf.cast(tf.shape(image)[:2], tf.float64)  # it may have come reduced
    factor = tf.maximum(tf.cast(1 / scale, tf.int32), 1)
    before = tf.shape(image)[:2]
    image = _average(image, before // factor)
    after = tf.shape(image)[:2]
    scale = scale * tf.cast(before, tf.float64) / tf.cast(after, tf.float64)
    if resize == "pad":
        image = tf.pad(image, ((1, 1), (1, 1), (0, 0)))  # beyond the edge it is black
    for axis in (0, 1):
        place = (tf.range(image_size[axis], dtype=tf.float64) + 0.5 - offset[axis]) / scale[axis] - 0.5
        place += 1.0 if resize == "pad" else 0.0
        first, last = tf.floor(place), tf.shape(image)[axis] - 1
        part = tf.cast(place - first, tf.float32)
        low = tf.gather(image, tf.clip_by_value(tf.cast(first, tf.int32), 0, last), axis=axis)
        high = tf.gather(image, tf.clip_by_value(tf.cast(first, tf.int32) + 1, 0, last), axis=axis)
        part = tf.reshape(part, (-1, 1, 1) if axis == 0 else (1, -1, 1))
        image = low + (high - low) * part
    return tf.round(image)


def _way_back(scale: Any, offset: Any, image_size: tuple[int, int]) -> Any:
    import tensorflow as tf

    factor, shift = tf.constant(image_size, tf.float64) / scale, -offset / scale - 0.5
    nothing = tf.constant(0.0, tf.float64)
    rows = [[factor[1], nothing, shift[1]], [nothing, factor[0], shift[0]]]
    return tf.cast(tf.stack([tf.stack(row) for row in rows]), tf.float32)
