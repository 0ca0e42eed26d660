"""LiteRT.js, the runtime: a pinned version, fetched by npm, checked by its hash and kept in the user's cache."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from mtlzoo.errors import RuntimeUnavailableError
from mtlzoo.files import writing

VERSION = "2.5.3"
NAME = f"LiteRT.js {VERSION}"
CORE, UTILITIES = f"@litertjs/core@{VERSION}", f"@litertjs/wasm-utils@{VERSION}"

# What npm's registry says of the packages as a whole (`npm view NAME dist.integrity`).
PACKAGES = {
    CORE: "sha512-PlGmbMOq9WitX7FO0jhbdJw9GthatsyuCQXjTt/wJZo0FLaw48q4tz8IwqgqCIkviYGr9OFDL1kCnN4nzWoyJQ==",
    UTILITIES: "sha512-4fJiw6tBQnIs+0jH/OQ16nYOiSl8/+zZnn5h2ul8aTKHi05sVqZW580Tmk78pC2kT39A9OYBVdFawteZ/sI1kQ==",
}

# The files that the page needs, and their hashes. `compat` is for browsers without relaxed SIMD.
INTEGRITY = {
    f"{CORE}/dist/index.js": "sha384-MapSVJ/DPwvaWpp7q+Bid9O3uY1oB0KOU1QRMP+Mm5zdz5oMme/BUyX6dVAMWnPg",
    f"{UTILITIES}/dist/index.js": "sha384-HIPwlWsctS5BRqrnvJKDVJ8SvqKB0QmiImdr6+hpP7+8UqeMJX/qrBkdfKQV2WZ/",
    f"{CORE}/wasm/litert_wasm_internal.js": "sha384-NB/Wc4iozynQO5jzJ2VFoMKbqMvwwFGWxJL/o63IJT6W2JfZbsSLxA2cF6H/mLpQ",
    f"{CORE}/wasm/litert_wasm_internal.wasm": (
        "sha384-AZ/Ak4CbDpjqpSr8WsnoL3Dcx6bDFA/k9b/jahok1TGHZ2OqIRjLBMiEmiNedhlC"
    ),
    f"{CORE}/wasm/litert_wasm_compat_internal.js": (
        "sha384-oh4nb8zDq6eVOpGeZE5gwDOJ16QujHLL8k/HEXt3XiPxr+8zn3YnkXP8P3BlJET1"
    ),
    f"{CORE}/wasm/litert_wasm_compat_internal.wasm": (
        "sha384-glAZ6WjS7tLRt89pbTPXvLC1c7DCaVSfL2ngn5gZJiUuPs76fWYJy7ZeFaD0PJXx"
    ),
}
MODULES = {"@litertjs/core": f"{CORE}/dist/index.js", "@litertjs/wasm-utils": f"{UTILITIES}/dist/index.js"}

# Where the page finds the files: below this address, under the same names.
SOURCES = {"local": "./runtime/", "cdn": "https://cdn.jsdelivr.net/npm/"}

WITHOUT = (
    'Without it, say --runtime cdn (in Python runtime="cdn"): the page then loads the same version from a public CDN.'
)
PATIENCE = 300  # seconds for some 12 MB


def obtain() -> dict[str, bytes]:
    """The runtime's files, by their names below the folder `runtime`.

    Raises:
        RuntimeUnavailableError: If there is no npm, it cannot fetch a package, or what it fetched is not what is pinned.
    """
    packages = {package: _package(package, integrity) for package, integrity in PACKAGES.items()}
    files = {}
    for name in INTEGRITY:
        package = next(package for package in packages if name.startswith(f"{package}/"))
        with tarfile.open(packages[package]) as archive:
            member = archive.extractfile(f"package/{name.removeprefix(f'{package}/')}")
            if member is None:
                raise RuntimeUnavailableError(f"Expected the file {name} in the package {package}, found a folder.")
            files[name] = member.read()
    return files


def cache_folder() -> Path:
    """Where packages are kept: `$MTLZOO_CACHE`, or what the platform has for such things."""
    if folder := os.environ.get("MTLZOO_CACHE"):
        return Path(folder).expanduser()
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "mtlzoo"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "mtlzoo" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "mtlzoo"


def hash_of(path: Path, algorithm: str = "sha512") -> str:
    """A file's hash as npm and browsers write it."""
    with open(path, "rb") as file:
        return f"{algorithm}-{base64.b64encode(hashlib.file_digest(file, algorithm).digest()).decode()}"


def _package(package: str, integrity: str) -> Path:
    """The checked archive of a package, from the cache if it lies there whole."""
    kept = cache_folder() / f"{package.removeprefix('@').replace('/', '-').replace('@', '-')}.tgz"
    if kept.is_file() and hash_of(kept) == integrity:
        return kept
    with tempfile.TemporaryDirectory(prefix="mtlzoo-") as folder:
        archive = _fetch(package, Path(folder))
        if (received := hash_of(archive)) != integrity:
            raise RuntimeUnavailableError(
                f"npm fetched {package}, but its content is not the pinned one: expected {integrity}, received: "
                f"{received}. Nothing of it was used; check the registry that npm is set to. {WITHOUT}"
            )
        with writing(kept, overwrite=True) as temporary:
            shutil.copyfile(archive, temporary)
    return kept


def _fetch(package: str, folder: Path) -> Path:
    """Fetch a package with npm, without running anything of it."""
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeUnavailableError(f"The page's runtime {package} comes by npm, which is not installed. {WITHOUT}")
    command = [npm, "pack", package, "--ignore-scripts", "--pack-destination", str(folder)]
    try:
        # In the empty folder, so that no project's own settings apply.
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE)
        archives = sorted(folder.glob("*.tgz"))
        reason = "" if result.returncode == 0 and archives else _last_error(result.stderr)
    except subprocess.TimeoutExpired:
        archives, reason = [], f"no answer in {PATIENCE} seconds"
    if reason or not archives:
        raise RuntimeUnavailableError(f"npm cannot fetch the page's runtime {package} ({reason}). {WITHOUT}")
    return archives[0]


def _last_error(output: str) -> str:
    """What npm says went wrong: the first of its error lines that is a sentence rather than a code."""
    lines = [line.removeprefix("npm ").removeprefix("error ").removeprefix("ERR! ") for line in output.splitlines()]
    sentences = [
        line for line in lines if line and not line.startswith(("warn", "WARN", "notice", "code", "A complete"))
    ]
    return sentences[0] if sentences else "it says nothing"
