"""Files that other people made: odd kinds as Pillow shows them, hostile ones refused in a line, without harm."""

from __future__ import annotations

import io
import os
import socket
import struct
import subprocess
import sys
import threading
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps, features

import mtlzoo as mtl
from mtlzoo.cli.main import main
from mtlzoo.data import ImageError, check_images, decode_image, set_max_pixels
from mtlzoo.images.checking import inspect_images

HEIGHT, WIDTH = 24, 40
RGBA = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 5, 4), np.uint8), (WIDTH, HEIGHT))


@pytest.fixture(autouse=True)
def _default_limit():
    yield
    set_max_pixels(None)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def viewer(content: bytes) -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(content)))
    if image.mode.startswith("I"):
        return np.dstack([(np.asarray(image) >> 8).astype(np.uint8)] * 3)
    if "A" in image.mode or "transparency" in image.info:
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        white.alpha_composite(image.convert("RGBA"))
        image = white
    return np.asarray(image.convert("RGB"))


def modes() -> dict[str, Image.Image]:
    rgba = Image.fromarray(RGBA)
    rgb = rgba.convert("RGB")
    names = ["1", "L", "RGB", "RGBA", "CMYK", "YCbCr"]
    images = {name: (rgba if name == "RGBA" else rgb).convert(name) for name in names}
    images["P"] = rgb.quantize(200)
    images["LA"] = Image.merge("LA", [images["L"], rgba.getchannel("A")])
    images["I;16"] = Image.fromarray(RGBA[..., 0].astype(np.uint16) * 257)
    images["F"] = Image.fromarray(RGBA[..., 0].astype(np.float32))
    return images


# What Pillow can write, by format: options to try each mode with. JPEG is in `test_decoding`.
WRITTEN = {
    "AVIF": [{}],
    "BMP": [{}],
    "DDS": [{}, {"pixel_format": "DXT1"}],
    "GIF": [{}, {"interlace": 0}],
    "ICNS": [{}],
    "ICO": [{}, {"bitmap_format": "bmp"}],
    "JPEG2000": [{}, {"irreversible": True}],
    "PCX": [{}],
    "PNG": [{}],
    "PPM": [{}],
    "SGI": [{}],
    "TGA": [{}, {"compression": "tga_rle"}],
    "TIFF": [
        {},
        *({"compression": name} for name in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "group4", "jpeg", "lzma")),
        {"big_tiff": True},
    ],
    "WEBP": [{}, {"lossless": True}],
    "XBM": [{}],
}

# Libtiff refuses all other modes, and Pillow 11 and 12 may take the process down when it does.
MODES_OF_TIFF = {"jpeg": ("L", "RGB", "CMYK", "YCbCr"), "group4": ("1",)}


def corpus() -> dict[str, bytes]:
    files = {}
    for kind, choices in WRITTEN.items():
        for mode, image in modes().items():
            for options in choices:
                if mode not in MODES_OF_TIFF.get(options.get("compression"), modes()):
                    continue
                try:
                    with warnings.catch_warnings(action="ignore"):
                        content = encode(image, kind, **options)
                        Image.open(io.BytesIO(content)).load()  # not all that it writes can it read
                except Exception:  # Each format has modes that it has not, and this Pillow may lack some.
                    continue
                files[" ".join([kind, mode, *map(str, options.values())])] = content
    return files


CORPUS = corpus()


@pytest.mark.parametrize("name", sorted(CORPUS))
def test_what_pillow_writes_comes_out_as_pillow_shows_it(name):
    content = CORPUS[name]
    if name in ("TIFF F", "TIFF F True") or (name.startswith("TIFF F ") and name != "TIFF F jpeg"):
        with pytest.raises(ImageError, match="32 bits"):
            decode_image(content)
        return
    np.testing.assert_array_equal(decode_image(content), viewer(content))


def test_the_corpus_is_one():
    assert len(CORPUS) > 60
    assert len({name.split()[0] for name in CORPUS}) >= len(WRITTEN) - 3
    assert features.check("webp")


# === Made by hand ===


def bitmap(header: bytes, pixels: bytes, palette: bytes = b"") -> bytes:
    offset = 14 + len(header) + len(palette)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + palette + pixels


def rows(image: np.ndarray) -> bytes:
    """From bottom to top, each filled up to four bytes."""
    lines = image[::-1].reshape(len(image), -1).view(np.uint8)
    return np.pad(lines, ((0, 0), (0, -lines.shape[1] % 4))).tobytes()


def info(size: int, bits: int, compression: int = 0, masks: tuple[int, ...] = ()) -> bytes:
    header = struct.pack("<IiiHHIIiiII", size, WIDTH, HEIGHT, 1, bits, compression, 0, 2835, 2835, 0, 0)
    return (header + struct.pack(f"<{len(masks)}I", *masks)).ljust(size, b"\0")


RGB, BGR = np.ascontiguousarray(RGBA[..., :3]), np.ascontiguousarray(RGBA[..., 2::-1])
GRAYS = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 16
COLOURS = np.random.default_rng(1).integers(0, 256, (16, 3), np.uint8)
ON_WHITE = ((RGB.astype(int) * RGBA[..., 3:] + 255 * (255 - RGBA[..., 3:].astype(int)) + 127) // 255).astype(np.uint8)
OS2 = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 24)
OS2_PALETTE = struct.pack("<IHHHH", 12, WIDTH, HEIGHT, 1, 4)
PACKED = (GRAYS[:, ::2] << 4 | GRAYS[:, 1::2]).astype(np.uint8)
USUAL = (0xFF0000, 0xFF00, 0xFF)
SWAPPED = (0xFF, 0xFF00, 0xFF0000)
FIVE_SIX_FIVE = (
    (RGB[..., 0] >> 3).astype(np.uint16) << 11 | (RGB[..., 1] >> 2).astype(np.uint16) << 5 | RGB[..., 2] >> 3
)
BITMAPS = {
    "os/2": (bitmap(OS2, rows(BGR)), RGB),
    "os/2 palette": (bitmap(OS2_PALETTE, rows(PACKED), COLOURS[:, ::-1].tobytes()), COLOURS[GRAYS]),
    "info": (bitmap(info(40, 24), rows(BGR)), RGB),
    "info 32 bits": (bitmap(info(40, 32), rows(np.dstack([BGR, RGBA[..., 3]]))), RGB),
    "v3 alpha": (bitmap(info(56, 32, 3, (*USUAL, 0xFF000000)), rows(np.dstack([BGR, RGBA[..., 3]]))), ON_WHITE),
    "v4 alpha": (bitmap(info(108, 32, 3, (*USUAL, 0xFF000000)), rows(np.dstack([BGR, RGBA[..., 3]]))), ON_WHITE),
    "v5 alpha swapped": (bitmap(info(124, 32, 3, (*SWAPPED, 0xFF000000)), rows(np.ascontiguousarray(RGBA))), ON_WHITE),
    "v5 without alpha": (bitmap(info(124, 32, 3, USUAL), rows(np.dstack([BGR, RGBA[..., 3]]))), RGB),
    "v5 24 bits": (bitmap(info(124, 24), rows(BGR)), RGB),
    "v4 5-6-5": (bitmap(info(108, 16, 3, (0xF800, 0x7E0, 0x1F)), rows(FIVE_SIX_FIVE)), RGB),
}


@pytest.mark.parametrize("name", sorted(BITMAPS))
def test_bitmaps_have_their_true_colours(name):
    content, expected = BITMAPS[name]
    found = decode_image(content)
    np.testing.assert_array_equal(found, viewer(content))
    assert np.abs(found.astype(int) - expected).max() <= (8 if "5-6-5" in name else 0)


def test_a_bitmap_that_pillow_does_not_know_is_refused():
    with pytest.raises(ImageError, match="BMP, or one of a kind that is not read"):
        decode_image(bitmap(info(52, 32, 3, SWAPPED), rows(np.dstack([RGB, RGBA[..., 3]]))))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("white", [1, 255])
def test_portable_float_maps_have_three_channels(order, channels, white):
    shades = RGB[..., :channels]
    samples = (shades * np.float32(white / 255)).astype(f"{order}f4")
    header = b"P%s\n%d %d\n%s\n" % (b"F" if channels == 3 else b"f", WIDTH, HEIGHT, b"-1.0" if order == "<" else b"1.0")
    content = header + samples[::-1].tobytes()
    found = decode_image(content)
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(found.astype(int) - shades).max() <= 1
    if channels == 1 and white == 255:
        np.testing.assert_array_equal(found, viewer(content))
    for cut in (2, 8, 12, len(content) // 2, len(content) - 1):
        with pytest.raises(ImageError, match=r"truncated|not an image"):
            decode_image(content[:cut])


def test_other_maps():
    radiance = cv2.imencode(".hdr", BGR.astype(np.float32) / 255)[1].tobytes()
    assert np.abs(decode_image(radiance).astype(int) - RGB).max() <= 2
    maps = {"ppm": (b"P6", RGB, 65535), "pgm": (b"P5", RGB[..., :1], 65535)}
    for magic, samples, largest in maps.values():
        content = b"%s %d %d %d\n" % (magic, WIDTH, HEIGHT, largest) + (samples.astype(">u2") * 257).tobytes()
        assert np.abs(decode_image(content).astype(int) - samples).max() <= 1


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("kind", ["exif", "xmp"])
def test_orientation_in_the_texts_of_a_png(kind, compressed):
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    if kind == "exif":
        text = b"\nexif\n      %d\n%s\n" % (len(exif), exif.hex().encode())
        body, name = b"Raw profile type exif\0", b"zTXt" if compressed else b"tEXt"
        body += b"\0" + zlib.compress(text) if compressed else text
    else:
        text = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
        body = b"XML:com.adobe.xmp\0" + (b"\1\0\0\0" + zlib.compress(text) if compressed else b"\0\0\0\0" + text)
        name = b"iTXt"
    plain = encode(Image.fromarray(RGB), "PNG")
    content = plain[:33] + chunk(name, body) + plain[33:]
    np.testing.assert_array_equal(decode_image(content), viewer(content))
    assert decode_image(content).shape == (WIDTH, HEIGHT, 3)


# === Few bits ===


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("channels", [1, 3])
def test_twelve_bits_in_sixteen_get_a_note(tmp_path, suffix, channels):
    samples = np.random.default_rng(0).integers(0, 4096, (HEIGHT, WIDTH, channels), np.uint16)
    for name, factor in (("dark", 1), ("light", 16)):
        cv2.imwrite(str(tmp_path / f"{name}{suffix}"), samples * factor)
    paths = [tmp_path / f"{name}{suffix}" for name in ("dark", "light", "dark")]
    found = inspect_images(paths)
    assert found.unreadable == check_images(paths) == {}
    (note,) = found.notes
    assert note.startswith("1 image of 16 bits without a sample above 4,0")
    assert str(paths[0]) in note
    assert decode_image(paths[0]).max() <= 15


# === Sizes ===


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def huge() -> dict[str, bytes]:
    """Files of a few bytes that claim 60,000 x 60,000 pixels, or what the format has."""
    side = 60_000
    jpeg = bytearray(encode(Image.fromarray(RGB), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = struct.pack(">HH", side, side)
    gif = bytearray(encode(Image.fromarray(RGB).quantize(8), "GIF"))
    gif[6:10] = struct.pack("<HH", side, side)
    webp = bytearray(encode(Image.fromarray(RGBA), "WEBP"))
    webp[24:30] = (16_000).to_bytes(3, "little") * 2
    lossless = bytearray(encode(Image.fromarray(RGB), "WEBP", lossless=True))
    lossless[21:25] = (0x3FFF << 14 | 0x3FFF).to_bytes(4, "little")
    lossy = bytearray(encode(Image.fromarray(RGB), "WEBP"))
    lossy[26:30] = struct.pack("<HH", 0x3FFF, 0x3FFF)
    tiff = bytearray(encode(Image.fromarray(RGB), "TIFF"))
    directory = struct.unpack_from("<I", tiff, 4)[0] + 2
    for place in range(directory, len(tiff) - 12, 12):
        if struct.unpack_from("<H", tiff, place)[0] in (256, 257):
            struct.pack_into("<HII", tiff, place + 2, 4, 1, side)
        if struct.unpack_from("<H", tiff, place)[0] == 257:
            break
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    j2k = bytearray(encode(Image.fromarray(RGB), "JPEG2000"))
    siz = j2k.index(b"\xff\x51")
    j2k[siz + 6 : siz + 14] = struct.pack(">II", side, side)
    box = j2k.index(b"ihdr")
    j2k[box + 4 : box + 12] = struct.pack(">II", side, side)
    return {
        "png": b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0"))
        + chunk(b"IEND", b""),
        "jpeg": bytes(jpeg),
        "gif": bytes(gif),
        "webp canvas": bytes(webp),
        "webp lossless": bytes(lossless),
        "webp lossy": bytes(lossy),
        "tiff": bytes(tiff),
        "jpeg 2000": bytes(j2k),
        "bmp": bitmap(struct.pack("<IiiHHIIiiII", 40, side, side, 1, 24, 0, 0, 0, 0, 0, 0), b"\0" * 100),
        "ppm": b"P6 60000 60000 255\n" + b"\0" * 100,
        "pfm": b"PF\n60000 60000\n-1.0\n" + b"\0" * 100,
        "hdr": b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 60000 +X 60000\n" + b"\0" * 100,
        "qoi": b"qoif" + struct.pack(">IIBB", side, side, 3, 0) + b"\xfd" * 100,
        "sgi": struct.pack(">hBBHHHH", 474, 1, 1, 3, side, side, 3) + b"\0" * 600,
    }


@pytest.mark.parametrize("name", sorted(huge()))
def test_too_many_pixels_are_refused_by_the_header(name, tmp_path):
    path = tmp_path / "bomb.jpg"
    path.write_bytes(huge()[name])
    with pytest.raises(ImageError, match=r"has .*more than the 89,478,485 pixels") as caught:
        decode_image(path, at_least=(32, 32))
    assert "\n" not in str(caught.value)
    assert "--max-pixels" in str(caught.value)


def test_bombs_take_no_memory(tmp_path):
    """In a process of its own, whose memory has not been as large before."""
    for name, content in huge().items():
        (tmp_path / name).write_bytes(content)
    code = """
import resource, sys
from pathlib import Path
from mtlzoo.images.decoding import ImageError, decode_image
import mtlzoo.images.pillow_images
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        decode_image(path)
    except ImageError:
        continue
    raise SystemExit(path)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
assert grown < 100_000, grown
"""
    done = subprocess.run([sys.executable, "-c", code, tmp_path], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"])
def test_the_limit_can_be_set(kind):
    content = encode(Image.fromarray(RGB), kind)
    set_max_pixels(HEIGHT * WIDTH - 1)
    with pytest.raises(ImageError, match=f"{WIDTH} x {HEIGHT} pixels, more than the {HEIGHT * WIDTH - 1:,} pixels"):
        decode_image(content)
    with ThreadPoolExecutor(1) as pool, pytest.raises(ImageError, match="pixels, more than"):
        pool.submit(decode_image, content).result()
    set_max_pixels(HEIGHT * WIDTH)
    assert decode_image(content).shape == (HEIGHT, WIDTH, 3)
    set_max_pixels(None)
    assert "MTLZOO_MAX_PIXELS" not in os.environ


def test_the_limit_on_the_command_line(tmp_path, capsys):
    for row in range(4):
        Image.fromarray(np.roll(RGB, row)).save(tmp_path / f"{row}.png")
    (tmp_path / "labels.csv").write_text("image,a\n0.png,x\n1.png,y\n2.png,x\n3.png,y\n")
    given = ["pack", str(tmp_path / "labels.csv"), str(tmp_path / "packed"), "--max-pixels"]
    assert main([*given, "10"]) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"0.png): has {WIDTH} x {HEIGHT} pixels, more than the 10 pixels" in error
    with pytest.raises(SystemExit, match="2"):
        main([*given, "0"])
    assert "expected a whole number from 1" in capsys.readouterr().err
    assert main([*given, "1000"]) == 0


def test_a_limit_above_pillows_own():
    before = Image.MAX_IMAGE_PIXELS
    try:
        Image.MAX_IMAGE_PIXELS = 100
        set_max_pixels(HEIGHT * WIDTH)
        assert decode_image(encode(Image.fromarray(RGB), "BMP")).shape == (HEIGHT, WIDTH, 3)
    finally:
        Image.MAX_IMAGE_PIXELS = before


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "9", 10**30])
def test_wrong_limits_are_refused(wrong, monkeypatch):
    with pytest.raises(ValueError, match="Expected a positive whole number of pixels"):
        set_max_pixels(wrong)
    monkeypatch.setenv("MTLZOO_MAX_PIXELS", "many")
    with pytest.raises(ValueError, match="MTLZOO_MAX_PIXELS to be a positive whole number, received: 'many'"):
        decode_image(encode(Image.fromarray(RGB), "PNG"))


def test_texts_of_a_png_are_not_unpacked():
    content = encode(Image.fromarray(RGB), "PNG")
    bomb = zlib.compress(b" " * 2**26)
    for kind, body in (
        (b"zTXt", b"Raw profile type exif\0\0" + bomb),
        (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + bomb),
        (b"zTXt", b"comment\0\0" + bomb),
        (b"iCCP", b"profile\0\0" + bomb),
    ):
        np.testing.assert_array_equal(decode_image(content[:33] + chunk(kind, body) + content[33:]), RGB)


def test_a_jpeg_of_endless_scans_is_refused():
    content = encode(Image.fromarray(RGB), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="more than 500 scans"):
        decode_image(content[:last] + content[last:-2] * 600 + content[-2:])


def test_only_the_first_frame_of_many_is_looked_at():
    frames = [Image.fromarray(np.roll(RGB, shift, axis=0)).quantize(64) for shift in range(20)]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        content = encode(frames[0], kind, save_all=True, append_images=frames[1:])
        np.testing.assert_array_equal(decode_image(content), viewer(content))


# === What is no file ===


def test_pipes_devices_and_sockets_are_no_images(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        before = os.getcwd()
        os.chdir(tmp_path)  # the name of a socket may not be long
        try:
            listening.bind("socket.jpg")
        finally:
            os.chdir(before)
        (tmp_path / "link.jpg").symlink_to(tmp_path / "pipe.jpg")
        paths = [tmp_path / "pipe.jpg", tmp_path / "link.jpg", Path("/dev/zero"), tmp_path, tmp_path / "socket.jpg"]
        found = check_images(paths)
    reasons = [f"cannot be read ({what}, not a file)" for what in ("a pipe", "a pipe", "a device")]
    assert [found[row] for row in range(3)] == reasons
    assert found[3] == "is a directory, not an image file"
    assert found[4].startswith("cannot be read")
    assert mtl.data.same_content(paths).tolist() == [0, 1, 2, 3, 4]
    table = mtl.data.LabelTable.of_images([tmp_path / "pipe.jpg", tmp_path / "pipe.jpg"])
    with pytest.raises(mtl.data.TableError, match=r"pipe\.jpg.*pipe, not a file"):
        mtl.data.split_by_content(table, [0.5, 0.5])


def test_a_file_of_many_gigabytes_is_not_read(tmp_path):
    with open(tmp_path / "large.jpg", "wb") as file:
        file.truncate(2**31)
    with pytest.raises(ImageError, match=r"has 2,147,483,648 bytes"):
        decode_image(tmp_path / "large.jpg")


# === Damage ===


def damaged(content: bytes, seed: int) -> list[bytes]:
    rng = np.random.default_rng(seed)
    cuts = rng.integers(0, len(content), 12)
    flipped = [bytearray(content) for _ in range(24)]
    for number, changed in enumerate(flipped):
        place = int(rng.integers(0, min(len(content), 60 if number % 2 else len(content))))
        changed[place] ^= int(rng.integers(1, 256))
    return [*(content[:cut] for cut in cuts), *map(bytes, flipped)]


def outcome(content: bytes) -> np.ndarray | str:
    try:
        return decode_image(content)
    except ImageError as error:
        return str(error)


@pytest.mark.parametrize("kind", [*sorted({name.split()[0] for name in CORPUS}), "JPEG", "BMP by hand"])
def test_damage_gives_an_image_or_one_line(kind):
    files = {name: content for name, content in CORPUS.items() if name.split()[0] == kind}
    if kind == "JPEG":
        files = {"JPEG": encode(Image.fromarray(RGB), "JPEG"), "gray": encode(modes()["L"], "JPEG", progressive=True)}
    elif kind == "BMP by hand":
        files = {name: content for name, (content, _) in BITMAPS.items()}
    set_max_pixels(10**6)
    for seed, content in enumerate(files.values()):
        for changed in damaged(content, seed):
            image = outcome(changed)
            if isinstance(image, str):
                assert "\n" not in image
                assert len(image) < 300
            else:
                assert image.dtype == np.uint8
                assert image.shape[2:] == (3,)


def test_threads_leave_the_warning_filters_as_they_were():
    before = list(warnings.filters)
    contents = [CORPUS[name] for name in sorted(CORPUS) if name.startswith(("GIF", "BMP", "WEBP"))]
    threads = [threading.Thread(target=lambda: [decode_image(content) for content in contents]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
