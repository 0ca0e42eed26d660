"""Exported files as small devices run them: one thread, and no library of fast operations."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

import mtlzoo as mtl
from mtlzoo.saving.verifying import TOLERANCES, _photographs, compare

PLAIN = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # without XNNPACK


@pytest.fixture(scope="module")
def model():
    heads = {"kind": 5, "tags": mtl.MultiLabelHead(["a", "b"]), "size": mtl.RegressionHead(mean=5.0, scale=2.0)}
    model = mtl.build("MobileNet", heads, (64, 64, 3), weights=None, alpha=0.25)
    rng = np.random.default_rng(0)
    for _ in range(10):  # else the signal dies away, and nothing is compared
        model.backbone(rng.integers(0, 256, (8, 64, 64, 3)).astype("float32"), training=True)
    return model


@pytest.mark.filterwarnings("ignore:.*tf.lite.Interpreter is deprecated:UserWarning")
@pytest.mark.parametrize("precision", list(TOLERANCES))
def test_lite_rt_without_xnnpack(model, tmp_path, precision):
    images = mtl.datasets.blood_cells().take(np.arange(0, 2000, 50))
    how = {"images": images} if precision == "int8" else {}
    path = mtl.export(model, tmp_path / "model.tflite", precision=precision, **how)
    interpreter = tf.lite.Interpreter(str(path), num_threads=1, experimental_op_resolver_type=PLAIN)
    runner = interpreter.get_signature_runner()
    (source,) = runner.get_input_details()
    seen = _photographs(model).astype("float32")
    rows = [runner(**{source: image[None]}) for image in seen]
    outputs = {name: np.concatenate([row[name] for row in rows]) for name in model.heads}
    compare(model(seen, training=False), outputs, TOLERANCES[precision], precision)


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_onnx_runtime_on_one_thread_without_rewriting(model, tmp_path, precision):
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs ONNX Runtime")
    images = mtl.datasets.blood_cells().take(np.arange(0, 2000, 50))
    how = {"images": images} if precision == "int8" else {}
    path = mtl.export(model, tmp_path / "model.onnx", precision=precision, **how)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options)
    (source,) = session.get_inputs()
    names = [output.name for output in session.get_outputs()]
    seen = _photographs(model).astype("float32")
    outputs = dict(zip(names, session.run(names, {source.name: seen})))
    compare(model(seen, training=False), outputs, TOLERANCES[precision], precision)
