"""`mtlzoo serve`."""

from __future__ import annotations

import argparse

from mtlzoo.cli.argument_types import positive, whole
from mtlzoo.cli.messages import say
from mtlzoo.cli.shared_arguments import max_pixels_argument, model_argument


def add_arguments(serve: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    model_argument(serve, exported=True)
    serve.add_argument(
        "--host", default="127.0.0.1", help="the address to listen at (default: 127.0.0.1, this machine)"
    )
    serve.add_argument("--port", type=whole(0, 65535), default=8000, help="the port; 0 for a free one (default: 8000)")
    serve.add_argument("--name", help="what the model is called (default: the name of the file)")
    serve.add_argument("--threads", type=whole(1, 1024), help="of the CPU, for files that run without Keras")
    limits = serve.add_argument_group("how much it takes at a time")
    limits.add_argument("--batch-size", type=whole(1, 4096), default=16, help="images of one run (default: 16)")
    limits.add_argument(
        "--wait-ms",
        type=whole(0, 60_000),
        default=5,
        help="how long an image waits for others to run with (default: 5)",
    )
    limits.add_argument(
        "--queue", type=whole(1, 100_000), default=64, help="images in work; requests beyond get a 429 (default: 64)"
    )
    limits.add_argument(
        "--max-images", type=whole(1, 100_000), help="images of one request (default: 16, or the queue)"
    )
    limits.add_argument("--max-megabytes", type=positive, default=32, help="of one request (default: 32)")
    max_pixels_argument(limits)


def run(options: argparse.Namespace) -> None:
    """Run the command with what was given."""
    from mtlzoo.serving.opening import open_network
    from mtlzoo.serving.server import check_installed, serve
    from mtlzoo.serving.settings import MIB, ServerSettings

    check_installed()
    settings = ServerSettings(
        batch_size=options.batch_size,
        wait_ms=options.wait_ms,
        queue=options.queue,
        max_images=options.max_images or min(16, options.queue),
        max_bytes=int(options.max_megabytes * MIB),
    )
    network = open_network(options.model, options.threads, options.trust)
    name = options.name or options.model.resolve().stem
    serve(
        network,
        options.host,
        options.port,
        settings,
        name,
        lambda url: say(f"Serving {options.model} as {name!r} at {url}"),
    )
    say("Stopped; all requests that were taken are answered.")
