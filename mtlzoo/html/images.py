"""Images and plots that lie in the page itself."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from mtlzoo.html.blocks import attribute, escape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SIGNATURES = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"RI": "webp", b"GI": "gif"}


def image(content: np.ndarray | bytes, alt: str, height: int | None = None, quality: int = 80) -> str:
    """An image as part of the page.

    Args:
        content: Pixels, uint8 `(height, width, 3)`, which become a JPEG; or the bytes of a JPEG, PNG, WebP or GIF file.
        alt: What is read out in its place.
        height: How high it is shown, in pixels of the page; by default as high as it is.
        quality: That of the JPEG, from 1 to 100.

    Returns:
        HTML.

    Raises:
        ValueError: If bytes are no such file, or pixels are of another shape or type.

    Example:

    ```python
    import numpy as np
    from mtlzoo.html import image

    image(np.zeros((8, 8, 3), "uint8"), "a black square")  # '<img src="data:image/jpeg;base64,...'
    ```
    """
    data = content if isinstance(content, bytes) else _jpeg(np.asarray(content), quality)
    kind = _SIGNATURES.get(data[:2])
    if kind is None:
        raise ValueError("Expected the bytes of a JPEG, PNG, WebP or GIF file, received others.")
    source = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    return f'<img src="{source}" alt="{escape(alt)}"{attribute("height", height)} loading="lazy">'


def figure(plot: Figure, alt: str, caption: str = "") -> str:
    """A plot of matplotlib as part of the page: lines and letters, not pixels.

    Args:
        plot: The figure, which stays open.
        alt: What is read out in its place.
        caption: What stands below it; it is escaped.

    Returns:
        HTML.

    Example:

    ```python
    from matplotlib.figure import Figure
    from mtlzoo.html import figure

    plot = Figure()
    plot.add_subplot().plot([1, 2, 3])
    figure(plot, "a line that rises")  # '<figure><img src="data:image/svg+xml;base64,...'
    ```
    """
    from matplotlib import rc_context

    buffer = io.StringIO()
    with rc_context({"svg.hashsalt": "mtlzoo", "svg.fonttype": "path"}):  # the same file for the same plot
        plot.savefig(buffer, format="svg", metadata={"Date": None}, bbox_inches="tight")
    encoded = base64.b64encode(buffer.getvalue().encode()).decode()
    below = f"<figcaption>{escape(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="data:image/svg+xml;base64,{encoded}" alt="{escape(alt)}">{below}</figure>'


def _jpeg(pixels: np.ndarray, quality: int) -> bytes:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[-1] != 3:
        raise ValueError(f"Expected uint8 pixels (height, width, 3), received: {pixels.dtype} {tuple(pixels.shape)}.")
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
