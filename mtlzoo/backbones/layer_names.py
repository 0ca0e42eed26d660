"""What layers and models may be called: TensorFlow takes their names for scopes, HDF5 for paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable

# What is a scope of TensorFlow's at the root of a graph; within another scope a name may begin with `_`, `-` or `>` too.
SAFE = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.>-]*")
SAFE_INSIDE = re.compile(r"[A-Za-z0-9_.>-]+")
LETTERS = 40  # of a name that is too strange to be kept
LONGEST = 1000  # of one that is; an HDF5 file has room for 64,512 letters of all layers' names
EXPECTED = "ASCII letters, digits, '.', '_' and '-', the first a letter or a digit"


def is_safe(name: str) -> bool:
    """Whether a layer can be called so, and a model too."""
    return bool(SAFE.fullmatch(name)) and len(name) <= LONGEST


def safe_names(name: str) -> Iterable[str]:
    """Names for what is called so, the first of which is the name itself if it can be.

    A name that cannot becomes letters, digits and a part of its checksum, the same in every model and every process.
    """
    if is_safe(name):
        yield name
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", plain).strip("_")[:LETTERS] or "head"
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for length in range(8, len(digest) + 1):
        yield f"{plain}_{digest[:length]}"
