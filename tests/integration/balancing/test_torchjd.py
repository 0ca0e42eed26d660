"""Directions on random matrices beside those of TorchJD, where it is installed with what its methods need."""

from __future__ import annotations

import numpy as np
import pytest

from mtlzoo.balancing import (
    IMTLG,
    MGDA,
    AlignedMTL,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    GradVac,
    NashMTL,
    PCGrad,
    UPGrad,
)

torch = pytest.importorskip("torch")
aggregation = pytest.importorskip("torchjd.aggregation")

# TorchJD's solvers stop at tolerances of their own.
PAIRS = [
    (MGDA(), lambda: aggregation.MGDA(epsilon=1e-9, max_iters=20_000), 2e-3),
    (IMTLG(), lambda: aggregation.IMTLG(), 1e-8),
    (UPGrad(), lambda: aggregation.UPGrad(), 1e-8),
    (DualProj(), lambda: aggregation.DualProj(), 1e-8),
    (CAGrad(0.4), lambda: aggregation.CAGrad(c=0.4, norm_eps=0.0), 1e-3),
    (AlignedMTL("min"), lambda: aggregation.AlignedMTL(), 1e-8),
    (AlignedMTL("rmse"), lambda: aggregation.AlignedMTL(scale_mode="rmse"), 1e-8),
    (ConFIG(), lambda: aggregation.ConFIG(), 1e-8),
    (FairGrad(1.0), lambda: aggregation.FairGrad(alpha=1.0), 1e-4),
    (FairGrad(2.0), lambda: aggregation.FairGrad(alpha=2.0), 1e-4),
    (PCGrad(), lambda: aggregation.PCGrad(), 1e-8),
    (GradVac(0.5), lambda: aggregation.GradVac(beta=0.5), 1e-6),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("method", "make", "tolerance"), PAIRS, ids=lambda value: repr(value)[:20])
def test_directions_are_torchjds(method, make, tolerance):
    rng = np.random.default_rng(0)
    try:
        theirs = make()
    except ImportError as error:
        pytest.skip(str(error))
    # Where the order of meetings counts, both draw their own.
    for tasks in (2,) if isinstance(method, PCGrad | GradVac) else (2, 3, 6):
        state = method.initial_state(tasks)
        for _ in range(5):
            gradients = rng.normal(size=(tasks, 12)) * rng.uniform(0.3, 3, (tasks, 1))
            gramian = gradients @ gradients.T
            if isinstance(method, UPGrad | DualProj):
                gramian = gramian + 1e-4 * np.trace(gramian) * np.eye(tasks)
            weights, state = method.balance(gramian, np.ones(tasks), np.ones(tasks, bool), state, rng)
            expected = theirs(torch.tensor(gradients)).numpy()
            np.testing.assert_allclose(weights @ gradients, expected, atol=tolerance * np.linalg.norm(expected))


@pytest.mark.filterwarnings("ignore")
def test_the_bargain_is_at_least_as_good():
    # TorchJD's sequence of approximations may stop before its end.
    rng, method = np.random.default_rng(0), NashMTL(1.0)
    same = 0
    for tasks in (2, 3, 6) * 5:
        gradients = rng.normal(size=(tasks, 12)) * rng.uniform(0.3, 3, (tasks, 1))
        weights, _ = method.balance(
            gradients @ gradients.T, np.ones(tasks), np.ones(tasks, bool), method.initial_state(tasks), rng
        )
        try:
            theirs = aggregation.NashMTL(n_tasks=tasks)(torch.tensor(gradients)).numpy()
        except ImportError as error:
            pytest.skip(str(error))
        ours = weights @ gradients
        assert np.linalg.norm(theirs) <= 1 + 1e-6
        assert np.log(gradients @ ours).sum() >= np.log(np.maximum(gradients @ theirs, 1e-300)).sum() - 1e-6
        same += np.allclose(ours, theirs, atol=5e-3)
    assert same > 7
