"""A server for a network: uvicorn, which stops when it has answered what it took."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from mtlzoo.serving.settings import ServerSettings

GRACE = 30  # seconds for what is in work when the server is to stop
# Seconds until an idle connection is closed, later than clients do: who sends at that moment gets no answer.
KEEP_ALIVE = 75


def serve(
    network: Any,
    host: str = "127.0.0.1",
    port: int = 8000,
    settings: ServerSettings | None = None,
    name: str = "model",
    started: Callable[[str], None] = print,
) -> None:
    """Answer requests until the process is told to stop (SIGTERM or Ctrl-C); what was taken by then is answered.

    Args:
        network: A model, or a :class:`mtlzoo.serving.Predictor`.
        host: The address to listen at; by default for this machine alone, since there is neither a password nor encryption.
        port: The port; 0 for a free one.
        settings: How much it takes at a time.
        name: What the model is called.
        started: Called with the URL once it listens.

    Raises:
        ImportError: If FastAPI or uvicorn are not installed.
        OSError: If it cannot listen there.

    Example:

    ```python
    from mtlzoo.serving import serve

    serve(mtl.load_predictor("model.tflite"), port=0)
    ```
    """
    check_installed()
    import uvicorn

    from mtlzoo.serving.app import create_app

    app = create_app(network, settings, name)
    # The first run of a network takes longer, as it makes what the others use.
    network.predict_on_batch(np.zeros((1, *network.input_shape[1:]), "uint8"))
    try:
        listening = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise OSError(f"Expected a free address, received {host}:{port}: {error.strerror}.") from None
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=KEEP_ALIVE,
        server_header=False,
    )
    server = uvicorn.Server(config)
    with listening, stopping_quietly(server):
        started(f"http://{f'[{host}]' if ':' in host else host}:{listening.getsockname()[1]}")
        server.run(sockets=[listening])


def check_installed() -> None:
    """Say what is missing.

    Raises:
        ImportError: If FastAPI, uvicorn or python-multipart are not installed.
    """
    try:
        import fastapi  # noqa: F401
        import python_multipart  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ImportError(f"A server needs {error.name}: pip install 'mtlzoo[serve]'.") from None


@contextmanager
def stopping_quietly(server: Any) -> Iterator[None]:
    """Uvicorn raises the signal that stopped it once more when all is done, which looked as if the process had failed.

    A signal that comes before uvicorn listens for it stops the server, too. Other threads get none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: Any) -> None:
        server.should_exit = True

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
