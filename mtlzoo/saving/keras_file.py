"""The `.keras` file: a zip archive with graph, weights and metadata."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

import keras

from mtlzoo.errors import ModelFileError
from mtlzoo.models.older_keras import written_for_older_keras
from mtlzoo.saving.formats import ExportFormat, Run
from mtlzoo.saving.metadata import KEY
from mtlzoo.saving.validation import MAX_TEXT, check_graph

MEMBER = f"{KEY}.json"
# How much larger than the archive its members may be: Keras does not pack weights, other programs may.
ROOM, RATIO = 64 * 2**20, 50


def write(model: keras.Model, metadata: str, path: Path) -> None:
    """Write a plain model, and the metadata as one more member of the archive."""
    with written_for_older_keras(model):
        model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(MEMBER, metadata)


def open_plain(path: Path) -> Run:
    """What a file of Keras puts out where it is loaded as anybody loads it."""
    graph = keras.models.load_model(path, compile=False)
    return lambda images: graph(images, training=False)


FORMAT = ExportFormat(".keras", write, exact_suffix=True, layers="registered", open=open_plain)


def read_metadata(path: Path, trusted: bool = False) -> str | None:
    """The metadata of a file, after all of the archive has been looked through.

    Raises:
        ModelFileError: It is no archive with a model, is damaged, or holds more or other things than a model does,
            or code and is not trusted.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path)
            check_graph(archive.read("config.json"), path, trusted)
            return archive.read(MEMBER).decode("utf-8") if MEMBER in archive.namelist() else None
    except ModelFileError:
        raise
    except Exception as error:  # zipfile raises whatever a damaged archive makes it stumble over.
        raise ModelFileError(
            f"{path} is no `.keras` archive, or a damaged one ({type(error).__name__}); copy or export it again."
        ) from None


def check_weights(graph: keras.Model, path: Path) -> None:
    """Nothing to do: the archive has checksums, which have been checked."""


def _check_members(archive: zipfile.ZipFile, path: Path) -> None:
    members = archive.infolist()
    names = [member.filename for member in members]
    for name in names:
        parts = PurePosixPath(name.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts or ":" in name:
            raise ModelFileError(
                f"{path} holds a member outside of its folder ({name[:60]!r}), which no model file does."
            )
    if len(set(names)) < len(names):
        raise ModelFileError(f"{path} holds two members of the same name, which no model file does.")
    if "config.json" not in names:
        raise ModelFileError(f"{path} holds no model.")
    size = sum(member.file_size for member in members)
    if size > ROOM + RATIO * path.stat().st_size:
        raise ModelFileError(f"{path} claims to hold {size:,} bytes, more than an archive of its size can.")
    for member in members:
        if member.filename in ("config.json", "metadata.json", MEMBER) and member.file_size > MAX_TEXT:
            raise ModelFileError(f"{path}: its {member.filename} has {member.file_size:,} bytes, more than are read.")
    damaged = archive.testzip()
    if damaged is not None:
        raise ModelFileError(
            f"{path} is damaged: wrong checksum of its member {damaged[:60]!r}; copy or export it again."
        )
