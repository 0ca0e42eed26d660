from __future__ import annotations

import itertools

import numpy as np
import pytest

from mtlzoo import balancing
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
from mtlzoo.balancing.gramian import norms_and_cosines

J2 = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
J3 = np.array([[1.0, 2.0, 0.0, -1.0], [-2.0, 1.0, 1.0, 0.0], [0.5, -1.0, 3.0, 1.0]])

# Directions computed in float64 with TorchJD 0.18.0; MGDA with the stop of its iteration set tight.
DIRECTIONS = [
    (MGDA(), J2, [0.0, 1.0, 1.0]),
    (MGDA(), J3, [-0.022630834512023495, 0.9377652050361514, 1.06223479496385, -0.19236209331609488]),
    (IMTLG(), J2, [0.07669683062202104, 1.0, 1.0]),
    (IMTLG(), J3, [0.06525762439823998, 0.8342521312642948, 1.1657478687357055, -0.1357228642766895]),
    (UPGrad(), J2, [0.29290200015693646, 1.9003520780018968, 1.9003520780018968]),
    (UPGrad(), J3, [0.009197807922349893, 0.8702780786542375, 1.5555096391190264, -0.06477632169616993]),
    (DualProj(), J2, [0.5563158128582222, 1.1109210467854445, 1.1109210467854445]),
    (DualProj(), J3, [-0.16666666666666688, 0.6666666666666667, 1.3333333333333335, 0.0]),
    (CAGrad(0.5), J2, [0.18350342041484113, 1.2041241479170668, 1.2041241479170668]),
    (CAGrad(0.5), J3, [-0.032099892819395015, 1.3299750378878628, 1.5064949257082396, -0.2728165152083143]),
    (AlignedMTL(), J2, [0.21327874596866891, 0.9673329837557125, 0.9673329837557125]),
    (AlignedMTL(), J3, [-0.08602484016741041, 0.7260209483629532, 1.0381346006092562, -0.0964491958973489]),
    (ConFIG(), J2, [0.15880897580793962, 2.0706067580626217, 2.0706067580626213]),
    (ConFIG(), J3, [0.19784575976563626, 2.529256133181206, 3.534273196610646, -0.4114797841325324]),
    (FairGrad(1.0), J2, [0.0765842883858352, 0.9985326351132684, 0.9985326351132684]),
    (FairGrad(1.0), J3, [-0.10902644264992126, 1.0128429666168444, 1.3930510461305978, -0.1472112178158469]),
    (NashMTL(None), J2, [0.07658426657767547, 0.9985326939629923, 0.9985326939629923]),
    (NashMTL(None), J3, [-0.10902644340752604, 1.012842969614137, 1.393051049487082, -0.14721121835801104]),
    (NashMTL(1.0), J2, [0.05415325109226643, 0.7060691982363123, 0.7060691982363123]),
    (NashMTL(1.0), J3, [-0.06294644628492614, 0.5847651596188852, 0.8042783963055107, -0.08499243632367645]),
    (PCGrad(), J2, [0.5847953216374258, 3.801169590643275, 3.801169590643275]),
]

METHODS = [cls() for cls in balancing.BALANCING.values() if issubclass(cls, balancing.GramianBalancing)]
METHODS += [PCGrad("fixed"), CAGrad(0.0), CAGrad(0.05), CAGrad(2.0), AlignedMTL("median"), AlignedMTL("rmse")]
METHODS += [NashMTL(None), FairGrad(0.0), FairGrad(0.5), FairGrad(2.0)]

# No task may lose by the direction: promised for gradients of every rank.
NON_CONFLICTING = [MGDA(), UPGrad(), DualProj(), NashMTL(), NashMTL(None), FairGrad(0.5), FairGrad(1.0), FairGrad(2.0)]


def weights_of(method, gramian, present=None, state=None, seed=0):
    tasks = len(gramian)
    present = np.ones(tasks, bool) if present is None else present
    state = method.initial_state(tasks) if state is None else state
    return method.balance(gramian, np.ones(tasks), present, state, np.random.default_rng(seed))[0]


def direction(method, gradients, seed=0):
    return weights_of(method, gradients @ gradients.T, seed=seed) @ gradients


def many_gradients(scales=(-12, 0, 12), spread=0, tasks=(2, 3, 6)):
    """Matrices of every rank and scale, with zero, equal, opposite and parallel rows."""
    rng = np.random.default_rng(0)
    for number, scale in itertools.product(tasks, scales):
        for columns in (1, 2, number, 3 * number):
            drawn = rng.normal(size=(number, columns)) * 10.0 ** (scale + rng.uniform(-spread, spread, (number, 1)))
            zero, equal, opposite, near = drawn.copy(), drawn.copy(), drawn.copy(), drawn.copy()
            zero[rng.integers(number)] = 0
            equal[1] = drawn[0]
            opposite[1] = -3 * drawn[0]
            near[1] = drawn[0] * (1 + 1e-7 * rng.normal(size=columns))
            parallel = rng.uniform(0.1, 1, (number, 1)) * drawn[:1]
            yield from (drawn, zero, equal, opposite, near, parallel, np.zeros_like(drawn))


def independent_gradients(count=15, spread=1.0):
    rng = np.random.default_rng(1)
    for _ in range(count):
        tasks = rng.integers(2, 7)
        yield rng.normal(size=(tasks, 20)) * 10.0 ** rng.uniform(-spread, spread, (tasks, 1))


def lengths(gradients):
    norms = np.linalg.norm(gradients, axis=1)
    return np.where(norms > 0, norms, 1)


# === Fixed values ===


@pytest.mark.parametrize(("method", "gradients", "expected"), DIRECTIONS, ids=lambda value: repr(value)[:20])
def test_directions_of_the_reference(method, gradients, expected):
    gramian = gradients @ gradients.T
    if isinstance(method, UPGrad | DualProj):
        # What TorchJD adds to have a regular matrix.
        gramian = gramian + 1e-4 * np.trace(gramian) * np.eye(len(gramian))
    tolerance = 1e-5 if isinstance(method, CAGrad) else 2e-7
    np.testing.assert_allclose(weights_of(method, gramian) @ gradients, expected, rtol=0, atol=tolerance)


def test_exact_projections():
    # The mean is (1, 1, 1); what conflicts with (-4, 1, 1), whose square is 18, is taken away.
    np.testing.assert_allclose(direction(DualProj(), J2), np.ones(3) + 2 / 18 * J2[0], atol=1e-12)
    projected = [J2[0] + 22 / 38 * J2[1], J2[1] + 22 / 18 * J2[0]]
    np.testing.assert_allclose(direction(UPGrad(), J2), np.mean(projected, axis=0), atol=1e-12)


def test_pcgrad_in_fixed_order():
    gradients = np.array([[1.0, 0, 0], [-1, 1, 0.5], [-1, -2, 1]])
    # Each meets the others from the first to the last.
    projected = []
    for task, gradient in enumerate(gradients):
        for other in np.delete(gradients, task, axis=0):
            if gradient @ other < 0:
                gradient = gradient - gradient @ other / (other @ other) * other
        projected.append(gradient)
    expected = direction(PCGrad("fixed"), gradients)
    np.testing.assert_allclose(expected, np.sum(projected, axis=0), atol=1e-12)
    drawn = [direction(PCGrad(), gradients, seed) for seed in range(30)]
    # Two orders for each of three tasks.
    assert 2 < len({tuple(np.round(each, 9)) for each in drawn}) <= 8
    assert any(np.allclose(each, expected) for each in drawn)


def test_gradvac_brings_two_tasks_to_the_target():
    state = {"targets": np.array([[0, 0.3], [-0.9, 0]], "float32")}
    method = GradVac(beta=0.25)
    weights, new = method.balance(J2 @ J2.T, np.ones(2), np.ones(2, bool), state, np.random.default_rng(0))
    cosine = norms_and_cosines(J2 @ J2.T)[1][0, 1]
    # The second is content: the cosine, -0.84, is above its target. The first gets 0.3 of the second.
    turned = J2[0] + (weights[1] - 1) * J2[1]
    assert turned @ J2[1] / lengths(turned[None])[0] / lengths(J2)[1] == pytest.approx(0.3)
    assert weights[0] == 1
    np.testing.assert_allclose(new["targets"][0, 1], 0.75 * 0.3 + 0.25 * cosine, rtol=1e-6)
    np.testing.assert_allclose(new["targets"][1, 0], 0.75 * -0.9 + 0.25 * cosine, rtol=1e-6)


def test_gradvac_starts_as_pcgrad():
    assert direction(GradVac(), J2) == pytest.approx(direction(PCGrad(), J2))


# === Every method ===


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_nothing_is_too_small_large_or_parallel(method):
    cases = itertools.chain(many_gradients(tasks=(2, 5)), many_gradients(tasks=(3,), spread=6))
    for dtype, gradients in zip(itertools.cycle(["float32", "float64"]), cases):
        rows = gradients.astype(dtype)
        weights = weights_of(method, rows @ rows.T)
        assert np.isfinite(weights).all()
        assert np.isfinite(weights.astype("float32")).all()


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_same_gradients_have_the_same_weights(method):
    for gradients in independent_gradients(5):
        gramian = gradients @ gradients.T
        np.testing.assert_array_equal(weights_of(method, gramian), weights_of(method, gramian))


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_permuting_the_tasks_permutes_the_weights(method):
    rng = np.random.default_rng(0)
    for gradients in many_gradients(scales=(0,)):
        if isinstance(method, PCGrad | GradVac):
            # Three tasks would meet each other in another order.
            gradients = gradients[:2]
        order = rng.permutation(len(gradients))
        permuted = weights_of(method, gradients[order] @ gradients[order].T)
        weights = weights_of(method, gradients @ gradients.T)
        if np.linalg.matrix_rank(gradients) == len(gradients):
            np.testing.assert_allclose(permuted, weights[order], rtol=1e-4, atol=1e-6 * np.abs(weights).max())
        # Where gradients are dependent, several weights may give the same direction.
        scale = np.abs(weights) @ lengths(gradients)
        np.testing.assert_allclose(permuted @ gradients[order], weights @ gradients, atol=2e-4 * scale + 1e-12)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_absent_tasks_are_left_out(method):
    rng = np.random.default_rng(0)
    for gradients in many_gradients(scales=(0,), tasks=(3, 6)):
        present = rng.permutation(np.arange(len(gradients)) < rng.integers(0, len(gradients) + 1))
        gramian = gradients @ gradients.T
        alone = weights_of(method, gramian[np.ix_(present, present)])
        gramian[~present] = np.nan
        gramian[:, ~present] = np.inf
        weights = weights_of(method, gramian, present)
        assert (weights[~present] == 0).all()
        np.testing.assert_array_equal(weights[present], alone)


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_one_task_has_weight_one(method):
    for square in (0.0, 1e-24, 2.0, 1e24):
        assert weights_of(method, np.array([[square]])).tolist() == [1]
        assert weights_of(method, np.full((3, 3), square), np.array([False, True, False])).tolist() == [0, 1, 0]


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_gradient_that_is_not_finite_shows(method):
    state = method.initial_state(3)
    for wrong in (np.nan, np.inf):
        gramian = np.eye(3)
        gramian[1, 1] = wrong
        present = np.array([True, True, False])
        weights, new = method.balance(gramian, np.ones(3), present, state, np.random.default_rng(0))
        assert weights.tolist() == [1, 1, 0]
        assert new is state


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_state_keeps_its_shape_and_the_absent_tasks_part(method):
    state = first = method.initial_state(4)
    rng = np.random.default_rng(0)
    for step in range(6):
        gradients = rng.normal(size=(4, 5)) + 0.5
        present = np.array([True, step % 2 == 0, False, True])
        before = {name: value.copy() for name, value in state.items()}
        _, new = method.balance(gradients @ gradients.T, np.ones(4), present, state, rng)
        for name, value in state.items():
            np.testing.assert_array_equal(value, before[name])
            assert (new[name].shape, new[name].dtype) == (first[name].shape, first[name].dtype)
            for axis in range(value.ndim):
                np.testing.assert_array_equal(
                    np.compress(~present, new[name], axis), np.compress(~present, value, axis)
                )
        assert new.keys() == state.keys()
        state = new


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_the_unit_of_the_losses_makes_no_difference(method):
    if isinstance(method, FairGrad):
        power = -2 * method.alpha / (method.alpha + 1)
    else:
        power = -1 if isinstance(method, NashMTL) else 0
    for gradients in independent_gradients():
        weights = weights_of(method, gradients @ gradients.T)
        for scale in (1e-12, 1e-3, 1e12):
            scaled = weights_of(method, scale**2 * (gradients @ gradients.T))
            np.testing.assert_allclose(scaled, scale**power * weights, rtol=1e-5)


@pytest.mark.parametrize("method", [IMTLG(), ConFIG(), NashMTL(), NashMTL(None), FairGrad(1.0)], ids=repr)
def test_the_unit_of_one_loss_makes_no_difference_to_where_the_direction_points(method):
    rng = np.random.default_rng(0)
    for gradients in independent_gradients():
        scaled = gradients * 10.0 ** rng.uniform(-3, 3, (len(gradients), 1))
        first, second = direction(method, gradients), direction(method, scaled)
        np.testing.assert_allclose(second / np.linalg.norm(second), first / np.linalg.norm(first), atol=1e-5)
        if isinstance(method, NashMTL):
            np.testing.assert_allclose(second, first, atol=1e-5)


# === What each promises ===


@pytest.mark.parametrize("method", NON_CONFLICTING, ids=repr)
def test_no_task_is_in_conflict(method):
    for gradients in many_gradients(spread=1):
        weights = weights_of(method, gradients @ gradients.T)
        products = gradients @ (weights @ gradients) / lengths(gradients)
        # Against the parts that the direction is the sum of.
        assert products.min() >= -1e-7 * (np.abs(weights) @ lengths(gradients))


@pytest.mark.parametrize("method", [IMTLG(), ConFIG()], ids=repr)
def test_independent_tasks_get_equal_projections(method):
    for gradients in independent_gradients():
        products = gradients @ direction(method, gradients) / lengths(gradients)
        np.testing.assert_allclose(products, products[0], rtol=1e-6)
        assert products[0] > 0


def test_imtl_g_weights_sum_to_one_and_stay_bounded():
    sums = [weights_of(IMTLG(), gradients @ gradients.T).sum() for gradients in independent_gradients(spread=0.2)]
    np.testing.assert_allclose(sums, 1)
    # Equal projections want the second task against its gradient, which is so short that the sum is negative.
    gradients = np.array([[1, 0, 0], [0.7e-3, 0.7e-3, 0.2e-3], [0, 1, 0]])
    weights = weights_of(IMTLG(), gradients @ gradients.T)
    assert weights[1] < 0
    assert np.abs(weights).sum() <= 100.001
    assert (gradients @ (weights @ gradients) > 0).all()


def test_mgda_meets_the_kkt_conditions():
    for gradients in many_gradients(spread=3):
        gramian = gradients @ gradients.T
        weights = weights_of(MGDA(), gramian)
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1)
        products, square = gramian @ weights, weights @ gramian @ weights
        size = weights @ lengths(gradients)
        assert ((square - products) / lengths(gradients)).max() <= 1e-7 * size
        assert (weights * np.abs(products - square)).max() <= 1e-7 * size**2


def test_cagrad_closes_the_gap_to_its_dual():
    for c in (0.05, 0.4, 0.9, 2.0):
        for gradients in independent_gradients(spread=0.5):
            tasks = len(gradients)
            mean = gradients.mean(axis=0)
            weights = weights_of(CAGrad(c), gradients @ gradients.T)
            found = weights @ gradients
            dual = weights - 1 / tasks
            assert (dual >= 0).all()
            worst = dual / dual.sum() @ gradients
            radius = c * np.linalg.norm(mean)
            value = worst @ mean + radius * np.linalg.norm(worst)
            assert np.linalg.norm(found - mean) == pytest.approx(radius, rel=1e-6)
            assert (gradients @ found).min() == pytest.approx(value, rel=1e-5, abs=1e-8 * lengths(gradients).max() ** 2)
            assert (gradients @ found).min() >= (gradients @ mean).min()


def test_cagrad_without_radius_is_the_mean():
    assert weights_of(CAGrad(0.0), J3 @ J3.T) == pytest.approx(1 / 3)


def test_cagrad_where_no_direction_is_good_for_all():
    # Three that cancel out leave nothing to do; with a fourth across them, its share of the mean is good for all.
    star = np.array([[1.0, 0, 0], [-0.5, 0.75**0.5, 0], [-0.5, -(0.75**0.5), 0]])
    np.testing.assert_allclose(direction(CAGrad(0.4), star), 0, atol=1e-12)
    found = direction(CAGrad(0.4), np.vstack([star * [[1], [2], [1]], [[0, 0, 1.0]]]))
    assert found @ [0, 0, 1] > 0


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.0])
def test_fair_weights_solve_their_equations(alpha):
    for gradients in independent_gradients():
        gramian = gradients @ gradients.T
        weights = weights_of(FairGrad(alpha), gramian)
        np.testing.assert_allclose(gramian @ weights, weights ** (-1 / alpha), rtol=1e-4)
        assert (weights > 0).all()


def test_fairgrad_with_zero_is_the_mean():
    assert weights_of(FairGrad(0.0), J3 @ J3.T) == pytest.approx(1 / 3)


def test_a_zero_gradient_leaves_the_others_as_they_were():
    for method in (IMTLG(), ConFIG(), NashMTL(None), FairGrad(2.0), UPGrad(), PCGrad("fixed"), AlignedMTL()):
        with_zero = np.vstack([J3, np.zeros(4)])
        # Means and norms are over four then.
        factor = 4 / 3 if isinstance(method, UPGrad | AlignedMTL) else 1
        np.testing.assert_allclose(factor * direction(method, with_zero), direction(method, J3), atol=1e-9)
    assert direction(MGDA(), np.vstack([J3, np.zeros(4)])).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize("scale", ["min", "median", "rmse"])
def test_aligned_gradients_are_orthogonal_and_equally_long(scale):
    for gradients in independent_gradients():
        tasks = len(gradients)
        values = np.linalg.eigvalsh(gradients @ gradients.T)
        length = np.sqrt({"min": values[0], "median": np.median(values), "rmse": values.mean()}[scale])
        rotation = np.linalg.svd(gradients, full_matrices=False)
        expected = length * (rotation.U @ rotation.Vh).mean(axis=0)
        np.testing.assert_allclose(
            direction(AlignedMTL(scale), gradients), expected, atol=1e-6 * length * np.sqrt(tasks)
        )


def test_aligned_mtl_takes_rounding_for_no_scale():
    # Twice the same task, as single precision has it.
    gradients = np.vstack([J3, J3[:1]]).astype("float32")
    gradients[3] *= np.float32(1.3)
    gramian = gradients @ gradients.T
    gramian[0, 3] *= np.float32(1 + 1e-7)
    length = np.linalg.norm(weights_of(AlignedMTL(), gramian) @ gradients)
    assert length == pytest.approx(np.linalg.norm(direction(AlignedMTL(), gradients.astype("float64"))), rel=1e-3)
    assert length > 0.1


def test_dualproj_leaves_a_mean_without_conflict_alone():
    np.testing.assert_allclose(weights_of(DualProj(), J3 @ J3.T), 1 / 3, atol=1e-12)


def test_pcgrad_and_gradvac_leave_gradients_without_conflict_alone():
    friends = np.array([[1.0, 0, 0], [1, 1, 0], [0, 1, 2]])
    for method in (PCGrad(), PCGrad("fixed"), GradVac()):
        assert weights_of(method, friends @ friends.T).tolist() == [1, 1, 1]


def test_pcgrad_of_two_conflicts_with_neither():
    for gradients in many_gradients(tasks=(2,), spread=3):
        weights = weights_of(PCGrad(), gradients @ gradients.T)
        products = gradients @ (weights @ gradients) / lengths(gradients)
        assert products.min() >= -1e-12 * (np.abs(weights) @ lengths(gradients))


def test_nash_mtl_keeps_its_weights_between_updates():
    method, rng = NashMTL(None, update_every=3), np.random.default_rng(0)
    state = method.initial_state(3)
    found = []
    for step in range(7):
        gradients = (step + 1) * J3
        weights, state = method.balance(gradients @ gradients.T, np.ones(3), np.ones(3, bool), state, rng)
        found.append(weights)
    for step in (1, 2, 4, 5):
        np.testing.assert_allclose(found[step], found[3 * (step // 3)], rtol=1e-6)
    np.testing.assert_allclose(found[3], found[0] / 4, rtol=1e-5)
    np.testing.assert_allclose(found[6], found[0] / 7, rtol=1e-5)


def test_nash_mtl_does_not_wait_for_a_task_that_is_new():
    method, rng = NashMTL(None, update_every=100), np.random.default_rng(0)
    state = method.initial_state(3)
    present = np.array([True, True, False])
    _, state = method.balance(J3 @ J3.T, np.ones(3), present, state, rng)
    weights, _ = method.balance(J3 @ J3.T, np.ones(3), np.ones(3, bool), state, rng)
    np.testing.assert_allclose(weights, weights_of(NashMTL(None), J3 @ J3.T), rtol=1e-6)


def test_nash_mtl_shortens_to_its_bound_only():
    assert np.linalg.norm(direction(NashMTL(None), J3)) == pytest.approx(3**0.5)
    assert np.linalg.norm(direction(NashMTL(0.2), J3)) == pytest.approx(0.2)
    np.testing.assert_allclose(direction(NashMTL(5.0), J3), direction(NashMTL(None), J3))


# === What they are told ===


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: MGDA(gradients="features"), '"representation" or "parameters", received: \'features\''),
        (lambda: PCGrad("sorted"), '"random" or "fixed", received: \'sorted\''),
        (lambda: GradVac(1.5), "`beta` in .0, 1., received: 1.5"),
        (lambda: CAGrad(-1.0), "`c` of at least 0, received: -1.0"),
        (lambda: CAGrad(float("nan")), "`c` of at least 0"),
        (lambda: NashMTL(0), "`max_norm` above 0"),
        (lambda: NashMTL(update_every=0), "`update_every` to be a positive integer"),
        (lambda: NashMTL(update_every=1.5), "`update_every` to be a positive integer"),
        (lambda: AlignedMTL("mean"), '"median" or "rmse", received: \'mean\''),
        (lambda: FairGrad(-1.0), "`alpha` of at least 0"),
        (lambda: balancing.GradDrop(2.0), "`leak` in .0, 1."),
    ],
)
def test_wrong_arguments_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
