from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import backend_figures
import pytest

PROGRAM = backend_figures.__file__


# Keras' numpy backend takes its transforms from JAX.
@pytest.mark.parametrize(("backend", "package"), [("numpy", "jax"), ("jax", "jax"), ("torch", "torch")])
def test_losses_and_metrics_are_the_same_on_every_backend(backend, package):
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    from backend_figures import figures

    environment = {**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert process.returncode == 0, process.stderr
    expected, received = figures(), json.loads(process.stdout)
    assert received.keys() == expected.keys()
    for name, value in expected.items():
        assert received[name] == pytest.approx(value, rel=1e-5, abs=1e-6), name


def test_no_loss_or_metric_is_left_out():
    from backend_figures import figures

    from mtlzoo import losses, metrics

    named = {name.split()[1] for name in figures() if " " in name}
    public = {name for room in (losses, metrics) for name in room.__all__ if name.startswith("Masked")}
    assert named == public - {"MaskedLoss", "MaskedMetric"}
