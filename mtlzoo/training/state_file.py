"""The file with the state of a training: numbers and texts, with a checksum over all of them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mtlzoo.errors import StateError
from mtlzoo.files import writing
from mtlzoo.files.regular import missing_reason

VERSION = 3  # 1 had neither a checksum nor the contents of images, 2 no epoch that was broken off
READABLE = (2, VERSION)
ANEW = "delete it to begin the training anew"


def write_state(path: Path, notes: Mapping[str, Any], arrays: Mapping[str, Sequence[np.ndarray]]) -> None:
    """Write a state beside its target and move it into place.

    Args:
        path: The file.
        notes: What JSON can hold.
        arrays: Lists of arrays by name.
    """
    counts = {kind: len(part) for kind, part in arrays.items()}
    text = json.dumps({**notes, "counts": counts, "version": VERSION})
    named = {f"{kind}/{place}": _plain(value) for kind, part in arrays.items() for place, value in enumerate(part)}
    with writing(path, overwrite=True) as temporary:
        members: dict[str, Any] = {"notes": np.array(text), "digest": np.array(_digest(text, named)), **named}
        np.savez(temporary, **members)


def read_state(path: Path) -> tuple[dict[str, Any], dict[str, list[np.ndarray]]]:
    """Read what :func:`write_state` wrote, and check every byte of it that is used.

    Raises:
        StateError: If the file is none that it wrote, is damaged, or was written by another version; it names the file.
    """
    if not path.is_file():
        raise StateError(f"{path}: expected the state of a training, but this {missing_reason(path)}; {ANEW}.")
    try:
        with zipfile.ZipFile(path) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise ValueError("compressed")
        with np.load(path, allow_pickle=False) as file:
            text, digest = str(file["notes"]), str(file["digest"]) if "digest" in file else None
            notes = json.loads(text)
            version = notes.get("version", 1)
            if version in READABLE:
                places = [(kind, place) for kind, count in notes["counts"].items() for place in range(count)]
                named = {f"{kind}/{place}": file[f"{kind}/{place}"] for kind, place in places}
    except Exception as error:  # numpy, zipfile and json raise whatever a damaged file makes them stumble over.
        raise StateError(
            f"{path}: not the state of a training, or a damaged one ({type(error).__name__}); {ANEW}, or put back a copy."
        ) from None
    if version not in READABLE:
        raise StateError(
            f"{path}: the state of a training by another version of mtlzoo (format {version!r}, expected {VERSION}); finish "
            f"the training with that version, or {ANEW}."
        )
    if digest != _digest(text, named):
        raise StateError(f"{path}: the state of a training is damaged (wrong checksum); {ANEW}, or put back a copy.")
    arrays: dict[str, list[np.ndarray]] = {kind: [] for kind in notes["counts"]}
    for kind, place in places:
        arrays[kind].append(named[f"{kind}/{place}"])
    return notes, arrays


def _digest(text: str, named: Mapping[str, np.ndarray]) -> str:
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    for name, value in named.items():
        digest.update(f"{name} {value.shape} {value.dtype.str}".encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    return digest.hexdigest()


def _plain(value: np.ndarray) -> np.ndarray:
    """In a type that numpy's files know, which bfloat16 is not."""
    value = np.asarray(value)
    return value.astype("float32") if value.dtype.kind == "V" else value
