"""Training ends with calibrated probabilities, unless it is told not to."""

from __future__ import annotations

import numpy as np
import pytest

import mtlzoo as mtl
from mtlzoo.evaluation import Predictions

pytestmark = pytest.mark.usefixtures("eagerly")
STAGE = mtl.Stage(2, 1e-2)
HEADS = ("color", "level")


def trained(drawn, network, **settings):
    model = network({name: drawn[0].heads[name] for name in HEADS})
    mtl.fit(model, drawn[0], drawn[1], STAGE, verbose=False, **settings)
    return model


def test_training_ends_as_if_calibrated_by_hand(drawn, network):
    model, plain = trained(drawn, network), trained(drawn, network, calibrate=False)
    assert not plain.calibration
    before = Predictions.from_model(plain, drawn[1]).outputs
    mtl.calibrate(plain, drawn[1])
    assert set(model.calibration.temperatures) == {"color"}  # the other predicts numbers
    assert model.calibration.temperatures == pytest.approx(plain.calibration.temperatures, rel=1e-3)
    after = Predictions.from_model(model, drawn[1]).outputs
    np.testing.assert_array_equal(after["color"].argmax(-1), before["color"].argmax(-1))
    assert np.abs(after["color"] - before["color"]).max() > 1e-3  # something was done
    np.testing.assert_array_equal(after["level"], before["level"])


def test_it_says_what_it_did_and_needs_validation_rows(drawn, network, capsys):
    model = network({"color": drawn[0].heads["color"]})
    mtl.fit(model, drawn[0], drawn[1], mtl.Stage(1, 1e-2))
    said = capsys.readouterr().out
    assert f"Calibrated on the validation rows: logits divided by {model.calibration.temperatures['color']:.2f}" in said
    mtl.fit(model, drawn[0], None, mtl.Stage(1, 1e-2), verbose=False)
    assert not model.calibration
