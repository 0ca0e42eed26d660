"""Images from the net, where that was asked for."""

from __future__ import annotations

import urllib.error
import urllib.request

from mtlzoo import __version__
from mtlzoo.errors import ImageError

SECONDS = 30
LARGEST = 100 * 2**20  # bytes


def is_url(text: str) -> bool:
    """Whether a text is an address of the web."""
    return text[:8].lower().startswith(("http://", "https://"))


def fetch_image(url: str) -> bytes:
    """The content that is at an address.

    Raises:
        ImageError: If it cannot be had in time, or is larger than any image.
    """
    request = urllib.request.Request(url, headers={"User-Agent": f"mtlzoo/{__version__}"})
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            data = response.read(LARGEST + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise ImageError(f"cannot be fetched (HTTP {error.code})", url) from None
    except (OSError, ValueError) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        raise ImageError(f"cannot be fetched ({reason})", url) from None
    if len(data) > LARGEST:
        raise ImageError(f"larger than {LARGEST >> 20} MiB, which is no image to predict for", url)
    return data
