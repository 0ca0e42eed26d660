"""Each kind of file comes out as Pillow, the reference viewer, shows it; what cannot be read says why."""

from __future__ import annotations

import io
import pickle
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps, features

from mtlzoo.images.decoding import ImageError, decode_image, decode_with_size

HEIGHT, WIDTH = 48, 72


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    """Smooth RGBA content, with every alpha from 0 to 255."""
    coarse = np.random.default_rng(0).integers(0, 256, (6, 9, 4), np.uint8)
    return cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def kinds(pixels) -> dict[str, bytes]:
    return every_kind(pixels)


@pytest.fixture(scope="module")
def jpegs(pixels) -> dict[str, bytes]:
    return jpeg_kinds(pixels)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def viewer(content: bytes) -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith("I;16"):
        return np.dstack([(np.asarray(image) >> 8).astype(np.uint8)] * 3)
    if "A" in image.mode or "transparency" in image.info:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return np.asarray(image.convert("RGB"))


def difference(first: np.ndarray, second: np.ndarray) -> int:
    assert first.shape == second.shape
    return int(np.abs(first.astype(int) - second).max())


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def insert_png_chunk(content: bytes, kind: bytes, body: bytes) -> bytes:
    """Right after the header, whose chunk ends at byte 33."""
    return content[:33] + png_chunk(kind, body) + content[33:]


def every_kind(pixels: np.ndarray) -> dict[str, bytes]:
    rgb = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    rgba = Image.fromarray(pixels)
    gray = rgb.convert("L")
    gray_alpha = Image.merge("LA", [gray, rgba.getchannel("A")])
    palette, bits = rgb.quantize(32), rgb.convert("1")
    wide = pixels.astype(np.uint16) * 257
    bgra = wide[..., [2, 1, 0, 3]]
    color = tuple(int(value) for value in pixels[5, 5, :3])
    return {
        "png": encode(rgb, "PNG"),
        "png gray": encode(gray, "PNG"),
        "png 1 bit": encode(bits, "PNG"),
        "png alpha": encode(rgba, "PNG"),
        "png gray alpha": encode(gray_alpha, "PNG"),
        "png palette": encode(palette, "PNG"),
        "png palette 4 bits": encode(rgb.quantize(16), "PNG", bits=4),
        "png palette transparent": encode(palette, "PNG", transparency=3),
        "png palette alpha": encode(palette, "PNG", transparency=bytes(range(0, 256, 8))),
        "png colour transparent": encode(rgb, "PNG", transparency=color),
        "png gray transparent": encode(gray, "PNG", transparency=gray.getpixel((5, 5))),
        "png 16 bits gray": encode(Image.fromarray(wide[..., 0].copy()), "PNG"),
        "png 16 bits": cv2.imencode(".png", bgra[..., :3])[1].tobytes(),
        "png 16 bits alpha": cv2.imencode(".png", bgra)[1].tobytes(),
        "tiff": encode(rgb, "TIFF"),
        "tiff gray": encode(gray, "TIFF"),
        "tiff 1 bit": encode(bits, "TIFF", compression="group4"),
        "tiff palette": encode(palette, "TIFF"),
        "tiff lzw": encode(rgb, "TIFF", compression="tiff_lzw"),
        "tiff alpha": encode(rgba, "TIFF"),
        "tiff gray alpha": encode(gray_alpha, "TIFF"),
        "tiff 16 bits gray": encode(Image.fromarray(wide[..., 0].copy()), "TIFF"),
        "tiff 16 bits": cv2.imencode(".tif", bgra[..., :3])[1].tobytes(),
        "tiff 16 bits alpha": cv2.imencode(".tif", bgra)[1].tobytes(),
        "bmp": encode(rgb, "BMP"),
        "bmp palette": encode(palette, "BMP"),
        "bmp 1 bit": encode(bits, "BMP"),
        "bmp alpha": cv2.imencode(".bmp", pixels[..., [2, 1, 0, 3]])[1].tobytes(),
        "gif": encode(palette, "GIF"),
        "gif transparent": encode(palette, "GIF", transparency=3),
        "gif animated": encode(palette, "GIF", save_all=True, append_images=[palette.rotate(180)]),
        "webp": encode(rgb, "WEBP", lossless=True),
        "webp lossy": encode(rgb, "WEBP"),
        "webp alpha": encode(rgba, "WEBP", lossless=True, exact=True),
        "webp animated": encode(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(180)], lossless=True),
        "ppm": encode(rgb, "PPM"),
    }


KINDS = sorted(every_kind(np.zeros((8, 8, 4), np.uint8)))


@pytest.mark.parametrize("kind", KINDS)
def test_lossless_kinds_come_out_as_the_viewer_shows_them(kinds, kind):
    content = kinds[kind]
    assert difference(decode_image(content), viewer(content)) == 0


def jpeg_kinds(pixels: np.ndarray) -> dict[str, bytes]:
    rgb = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    cmyk = Image.frombytes("CMYK", rgb.size, pixels.tobytes())
    inverted = encode(cmyk, "JPEG", quality=95)
    adobe = inverted.index(b"\xff\xee")
    ycck = bytearray(inverted)
    ycck[adobe + 15] = 2  # The Adobe segment's last byte says how the colours were transformed.
    return {
        "colour": encode(rgb, "JPEG"),
        "colour 4:4:4": encode(rgb, "JPEG", subsampling=0),
        "rgb": encode(rgb, "JPEG", keep_rgb=True),
        "progressive": encode(rgb, "JPEG", progressive=True),
        "restart markers": encode(rgb, "JPEG", restart_marker_blocks=2),
        "gray": encode(rgb.convert("L"), "JPEG"),
        "cmyk": inverted,
        "cmyk without adobe": inverted[:adobe] + inverted[adobe + 16 :],
        "ycck": bytes(ycck),
    }


JPEG_KINDS = sorted(jpeg_kinds(np.zeros((8, 8, 4), np.uint8)))


@pytest.mark.parametrize("kind", JPEG_KINDS)
def test_jpeg_kinds_come_out_as_the_viewer_shows_them(jpegs, kind):
    content = jpegs[kind]
    assert difference(decode_image(content), viewer(content)) <= 2


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "channels"),
    [("JPEG", 3), ("PNG", 3), ("PNG", 4), ("WEBP", 3), ("WEBP", 4), ("TIFF", 3), ("TIFF", 4)],
)
def test_orientation(pixels, kind, orientation, channels):
    image = Image.fromarray(np.ascontiguousarray(pixels[..., :channels]))
    options = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    content = encode(image, kind, exif=with_orientation(orientation), **options)
    full = decode_image(content)
    assert difference(full, viewer(content)) == 0
    assert full.shape[:2] == ((WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH))

    reduced, size = decode_with_size(content, at_least=(8, 8))
    assert size == full.shape[:2]
    assert reduced.shape[:2] == (full.shape[0] // 4, full.shape[1] // 4)
    assert np.abs(reduced.astype(int) - cv2.resize(full, reduced.shape[1::-1], interpolation=cv2.INTER_AREA)).mean() < 8


@pytest.mark.skipif(
    "avif" not in features.modules or not features.check("avif"), reason="this Pillow cannot write AVIF"
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_avif(pixels, orientation):
    image = Image.fromarray(pixels)
    content = encode(image, "AVIF", quality=90, exif=with_orientation(orientation))
    assert decode_image(content).shape[:2] == ((WIDTH, HEIGHT) if orientation == 6 else (HEIGHT, WIDTH))
    assert difference(decode_image(content), viewer(content)) == 0


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow cannot write JPEG 2000")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA"])
def test_jpeg_2000(pixels, mode):
    content = encode(Image.fromarray(pixels).convert(mode), "JPEG2000")
    assert difference(decode_image(content), viewer(content)) == 0


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_sixteen_bits_are_scaled(suffix):
    values = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), np.uint16)
    content = cv2.imencode(suffix, values[..., ::-1])[1].tobytes()
    assert np.abs(decode_image(content) - values / 257).max() <= 1


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_transparent_shade_of_few_bits(depth):
    shades = np.arange(64, dtype=np.uint8).reshape(8, 8) % 2**depth
    bits = np.unpackbits(shades[..., None], axis=-1)[..., 8 - depth :].reshape(8, -1)
    lines = b"".join(b"\0" + line.tobytes() for line in np.packbits(bits, axis=1))
    header = struct.pack(">IIBBBBB", 8, 8, depth, 0, 0, 0, 0)
    parts = [(b"IHDR", header), (b"tRNS", struct.pack(">H", 1)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    content = b"\x89PNG\r\n\x1a\n" + b"".join(png_chunk(*part) for part in parts)
    expected = np.where(shades == 1, 255, shades * (255 // (2**depth - 1)))
    np.testing.assert_array_equal(decode_image(content), np.dstack([expected] * 3))


def test_format_is_taken_from_the_content(kinds, tmp_path):
    content = kinds["png alpha"]
    path = tmp_path / "photograph.jpg"
    path.write_bytes(content)
    assert difference(decode_image(path), viewer(content)) == 0
    assert difference(decode_image(str(path)), decode_image(content)) == 0


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    "at_least", [(1, 1), (6, 6), (7, 9), (12, 10), (24, 36), (25, 36), (24, 37), (48, 72), (99, 9)]
)
def test_reduced_is_as_small_as_allowed(pixels, kind, at_least):
    content = encode(Image.fromarray(np.ascontiguousarray(pixels[..., :3])), kind)
    sizes = [(-(-HEIGHT // factor), -(-WIDTH // factor)) for factor in (8, 4, 2, 1)]
    enough = [size for size in sizes if size[0] >= at_least[0] and size[1] >= at_least[1]]
    image, size = decode_with_size(content, at_least)
    assert image.shape == (*(enough or sizes[-1:])[0], 3)
    assert size == (HEIGHT, WIDTH)


# === Errors ===


def test_errors_of_the_file_system(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<html>404</html>")
    for name, reason in {
        "missing.jpg": "file not found",
        ".": "is a directory, not an image file",
        "empty.jpg": "empty file",
        "page.jpg": "not an image of a known format",
        "null\0byte.jpg": "not a valid path",
    }.items():
        path = tmp_path / name
        with pytest.raises(ImageError) as caught:
            decode_image(path)
        assert caught.value.reason.startswith(reason)
        assert caught.value.path == str(path)
        assert str(caught.value) == f"{path}: {caught.value.reason}"
        assert "\n" not in str(caught.value)
    with pytest.raises(ImageError, match=r"^empty file$"):
        decode_image(b"")


def test_error_survives_pickling():
    error = pickle.loads(pickle.dumps(ImageError("empty file", "a.jpg")))
    assert (error.reason, error.path, str(error)) == ("empty file", "a.jpg", "a.jpg: empty file")


@pytest.mark.parametrize("kind", JPEG_KINDS)
@pytest.mark.parametrize("at_least", [None, (1, 1)])
def test_truncated_jpeg(jpegs, kind, at_least):
    content = jpegs[kind]
    cuts = {*range(1, 30), *range(30, len(content), 97), *range(len(content) - 20, len(content))}
    for cut in cuts:
        for filling in (b"", bytes(500)):
            with pytest.raises(ImageError, match=r"truncated JPEG|not an image"):
                decode_image(content[:cut] + filling, at_least)


def test_thumbnail_does_not_hide_truncation(pixels):
    rgb = Image.fromarray(np.ascontiguousarray(pixels[..., :3]))
    exif = with_orientation(6).tobytes() + encode(rgb.resize((20, 14)), "JPEG")
    content = encode(rgb, "JPEG", exif=exif)
    assert content.count(b"\xff\xd9") == 2
    assert decode_image(content).shape == (WIDTH, HEIGHT, 3)
    for cut in (len(content) - 1, len(content) // 2 + len(exif) // 2):
        with pytest.raises(ImageError, match="truncated JPEG"):
            decode_image(content[:cut])


def test_what_decoders_tolerate_is_tolerated(kinds, jpegs):
    jpeg, png = jpegs["colour"], kinds["png"]
    for content in (jpeg, png):
        assert difference(decode_image(content + b"trailing bytes"), decode_image(content)) == 0
    fill_bytes = jpeg[:2] + b"\xff\xff\xff" + jpeg[2:]
    assert difference(decode_image(fill_bytes), decode_image(jpeg)) == 0


# A cut behind the first frame of a GIF takes nothing away from it.
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("tiff 1 bit", "gif animated")])
def test_other_kinds_truncated(kinds, kind, capfd):
    content = kinds[kind]
    for cut in (5, 12, len(content) // 3, len(content) * 3 // 4):
        with pytest.raises(ImageError, match=r"truncated|damaged|not an image"):
            decode_image(content[:cut])
    assert capfd.readouterr() == ("", "")


def test_every_cut_of_a_png_is_found(kinds, capfd):
    content = kinds["png palette alpha"]
    for cut in (*range(8, 60), *range(60, len(content), 41), len(content) - 12, len(content) - 1):
        with pytest.raises(ImageError, match=r"^truncated PNG$"):
            decode_image(content[:cut])
    assert capfd.readouterr() == ("", "")


def test_damaged_png(kinds, capfd):
    content = bytearray(kinds["png"])
    content[len(content) // 2] ^= 0x55
    with pytest.raises(ImageError, match="damaged PNG"):
        decode_image(bytes(content))
    header = struct.pack(">IIBBBBB", 8, 8, 3, 0, 0, 0, 0)
    with pytest.raises(ImageError, match="damaged PNG"):
        decode_image(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IEND", b""))
    assert capfd.readouterr() == ("", "")


def test_odd_but_harmless_png_parts_are_silent(kinds, capfd):
    content = kinds["png"]
    odd = insert_png_chunk(content, b"iCCP", b"nonsense\0\0" + zlib.compress(b"no profile"))
    odd = insert_png_chunk(odd, b"iTXt", b"key\0\x07\x07\0\0text")
    odd = insert_png_chunk(odd, b"sBIT", b"\x09")
    assert difference(decode_image(odd), decode_image(content)) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "exif", [b"", b"II", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\0\x05\x01\x12\0\x03", b"x" * 50]
)
def test_broken_exif_is_ignored(kinds, jpegs, exif):
    jpeg, png = jpegs["colour"], kinds["png"]
    body = b"Exif\0\0" + exif
    tagged = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + jpeg[2:]
    assert difference(decode_image(tagged), decode_image(jpeg)) == 0
    assert difference(decode_image(insert_png_chunk(png, b"eXIf", exif)), decode_image(png)) == 0
