from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mtlzoo import balancing
from mtlzoo.balancing import BALANCING, get_balancing, list_balancing

OTHERS = [
    balancing.Static({"age": 0.5}),
    balancing.Uncertainty(-0.5),
    balancing.DynamicWeightAverage(3.0),
    balancing.GeometricMean(1e-6),
    balancing.GradNorm(0.12, 1e-3),
    balancing.FAMO(0.01, 1e-5, False),
    balancing.SmoothTchebycheff(0.1, 2),
    balancing.MGDA(gradients="parameters"),
    balancing.PCGrad("fixed"),
    balancing.GradVac(0.5),
    balancing.CAGrad(0.5, gradients="parameters"),
    balancing.NashMTL(None, 20),
    balancing.AlignedMTL("rmse"),
    balancing.FairGrad(2),
    balancing.GradDrop(0.25),
]


@pytest.mark.parametrize("method", [*(cls() for cls in BALANCING.values()), *OTHERS], ids=repr)
def test_every_method_survives_a_round_trip(method):
    config = json.loads(json.dumps(balancing.serialize(method)))
    made = balancing.deserialize(config)
    assert made == method == get_balancing(config) == eval(repr(method), vars(balancing))
    assert type(made) is type(method)
    assert hash(made) == hash(method)


@pytest.mark.parametrize("method", OTHERS, ids=repr)
def test_methods_differ_by_their_arguments(method):
    assert method != type(method)()
    assert method != balancing.Equal()
    assert repr(method) != repr(type(method)())
    assert repr(type(method)()) == f"{type(method).__name__}()"


def test_every_method_is_public_and_known_by_one_name():
    assert len(set(BALANCING.values())) == len(BALANCING)
    assert {cls.__name__ for cls in BALANCING.values()} <= set(balancing.__all__)
    assert all(getattr(balancing, name) is not None for name in balancing.__all__)
    kinds = (balancing.LossWeighting, balancing.GradientBalancing)
    assert all(sum(issubclass(cls, kind) for kind in kinds) == 1 for cls in BALANCING.values())


def test_gradients_are_the_representations_unless_asked_for():
    for cls in BALANCING.values():
        if issubclass(cls, balancing.GradientBalancing):
            assert cls().gradients == "representation"
            assert cls(gradients="parameters").gradients == "parameters"


def test_names_are_listed_in_order():
    assert list_balancing() == list(BALANCING)
    assert list_balancing()[:3] == ["equal", "static", "uncertainty"]
    assert list_balancing("IMTL*") == ["imtl_l", "imtl_g"]
    assert list_balancing("nash-*") == ["nash_mtl"]
    assert list_balancing("[a-c]*") == ["cagrad", "aligned_mtl", "config"]
    assert list_balancing("adam") == []


@pytest.mark.parametrize("name", ["nash_mtl", "Nash-MTL", "NASHMTL", "NashMTL", "nash mtl"])
def test_a_name_in_any_spelling(name):
    assert get_balancing(name) == balancing.NashMTL()


def test_the_name_of_a_class_is_a_name():
    for name, cls in BALANCING.items():
        assert type(get_balancing(name)) is type(get_balancing(cls.__name__)) is cls


def test_what_is_a_method_already_stays():
    method = balancing.CAGrad(0.2)
    assert get_balancing(method) is method
    assert get_balancing(None) is balancing.serialize(None) is balancing.deserialize(None) is None
    assert get_balancing({"name": "cagrad"}) == balancing.CAGrad()


def test_a_wrong_name_is_answered_with_the_right_ones():
    with pytest.raises(ValueError, match=r"received: 'pcgard'. Did you mean 'pcgrad'.*Valid names: equal, static"):
        get_balancing("pcgard")
    with pytest.raises(ValueError, match="Valid names: equal"):
        get_balancing({"name": "adam", "config": {}})


def test_what_is_no_method_is_refused():
    with pytest.raises(TypeError, match="which is a class: call it"):
        get_balancing(balancing.MGDA)
    with pytest.raises(TypeError, match="its name, or None, received: 3"):
        get_balancing(3)
    with pytest.raises(ValueError, match=r'Expected \{"name"'):
        get_balancing({"class_name": "MGDA"})


def test_a_method_of_ones_own_travels_in_files_once_it_is_registered(monkeypatch):
    class Twice(balancing.Equal):
        pass

    with pytest.raises(ValueError, match=r"mtl\.balancing\.BALANCING"):
        balancing.serialize(Twice())
    monkeypatch.setitem(BALANCING, "twice", Twice)
    assert type(get_balancing(balancing.serialize(Twice()))) is Twice


def test_whoever_does_not_balance_loads_nothing():
    program = (
        "import sys; import mtlzoo.balancing as b; b.get_balancing('mgda'); b.get_balancing('uncertainty'); "
        "print({'keras', 'scipy', 'tensorflow', 'pandas'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert process.stdout.strip() == "set()"
