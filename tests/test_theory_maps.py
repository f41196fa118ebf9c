"""Maps of the plane against determinants by differences, integrals and draws; the flow against a Gaussian."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from tests.test_gaps import Linear
from vae_explorer.checkpoints import checkpoints
from vae_explorer.theory.flow import CHUNK, LAST, MOST, PARAMETERS, PEN, FlowMap, Ink, Stroke, Training, training
from vae_explorer.theory.maps import Moons, PlaneMap, Ring, Spiral, draws, radial_histogram, square
from vae_explorer.theory.surface import patch

DIAGONAL: tuple[Stroke, ...] = (((0.2, 0.2), (0.8, 0.8)),)
CROSS: tuple[Stroke, ...] = (((0.2, 0.8), (0.8, 0.2)), *DIAGONAL)
Z = np.random.default_rng(3).standard_normal((200, 2))


@pytest.fixture(scope="module")
def flow() -> FlowMap:
    return FlowMap(training(CROSS, 0).at(50))


@pytest.fixture(params=["ring", "flat ring", "moons", "spiral", "flow"])
def g(request: pytest.FixtureRequest, flow: FlowMap) -> PlaneMap:
    maps = {"ring": Ring(10), "flat ring": Ring(0.5), "moons": Moons(), "spiral": Spiral(), "flow": flow}
    return maps[request.param]


def test_the_determinant_is_that_of_differences(g: PlaneMap) -> None:
    h = 1e-5
    z = Z[np.abs(Z[:, 0]) > 2 * h]
    columns = [(g.land(z + step).y - g.land(z - step).y) / (2 * h) for step in h * np.eye(2)]
    by_differences = np.linalg.det(np.stack(columns, 2))
    assert np.allclose(g.land(z).log_det, np.log(np.abs(by_differences)), atol=1e-4)


def test_a_point_is_among_the_preimages_of_where_it_lands_and_each_lands_there(g: PlaneMap) -> None:
    y = g.land(Z).y
    z, real = g.preimages(y)
    assert np.where(real, np.abs(z - Z).max(2), np.inf).min(0).max() < 1e-6
    assert (real.sum(0) == 1).all() or not g.one_to_one
    for there, which in zip(z, real, strict=True):
        if which.any():
            assert np.allclose(g.land(there[which]).y, y[which], atol=1e-6)


def test_the_folded_maps_have_points_with_several_preimages() -> None:
    for folded in (Moons(), Spiral()):
        assert (folded.preimages(folded.land(draws(5000, 0)).y).real.sum(0) > 1).any(), "or the sum is one term"


def test_the_density_integrates_to_one_and_is_that_of_draws(g: PlaneMap) -> None:
    reach = 1.5 * g.reach if isinstance(g, Ring) else 4.0
    edges = np.linspace(-reach, reach, 401)
    middles = (edges[1:] + edges[:-1]) / 2
    p = np.exp(g.log_density(np.stack(np.meshgrid(middles, middles, indexing="ij"), 2).reshape(-1, 2)))
    mass = p.reshape(20, 20, 20, 20).sum((1, 3)) * (edges[1] - edges[0]) ** 2
    assert mass.sum() == pytest.approx(1, abs=2e-3)
    n = 40_000
    counts, _ = np.histogramdd(g.land(draws(n, 1)).y, bins=[edges[::20]] * 2)
    often = mass * n > 20
    chi2 = (np.square(counts - mass * n)[often] / (mass * n)[often]).sum()
    assert stats.chi2(often.sum()).sf(chi2) > 1e-3


def test_the_rings_density_is_what_a_lecture_derives() -> None:
    a, rho = 10.0, np.linspace(1.001, 1.6, 50)
    y = np.stack([np.zeros(50), -rho], 1)
    r = a * (rho - 1)  # Rayleigh, and dr / d rho = a; around the circle evenly
    assert np.allclose(np.exp(Ring(a).log_density(y)), stats.rayleigh.pdf(r) * a / (2 * np.pi * rho))
    assert Ring(a).log_density(np.array([[0.3, 0.2]]))[0] == -np.inf, "nothing lands inside"


def test_the_rings_centre_has_no_neighbourhood() -> None:
    y, log_det = Ring().land(np.zeros((1, 2)))
    assert np.hypot(*y[0]) == 1
    assert log_det[0] == np.inf


@pytest.mark.parametrize("a", [0.0, -3.0, math.inf, math.nan])
def test_a_ring_needs_a_positive_scale(a: float) -> None:
    with pytest.raises(ValueError, match="must be a positive number"):
        Ring(a)


@pytest.mark.parametrize(("centre", "half"), [((0.0, 0.0), 0.25), ((0.4, -1.2), 0.7), ((2.0, 1.5), 0.3)])
def test_a_square_keeps_its_mass_and_its_area_is_the_integral_of_the_determinant(
    centre: tuple[float, float], half: float, g: PlaneMap
) -> None:
    found = square(g, centre, half)
    inside = [float(np.diff(stats.norm.cdf([middle - half, middle + half]))[0]) for middle in centre]
    assert found.mass == pytest.approx(inside[0] * inside[1])
    side = 300  # a rule of its own: midpoints
    steps = ((np.arange(side) + 0.5) / side * 2 - 1) * half
    z = np.stack(np.meshgrid(centre[0] + steps, centre[1] + steps), 2).reshape(-1, 2)
    assert found.landed == pytest.approx(np.exp(g.land(z).log_det).mean() * found.area, rel=6e-3)


def test_the_area_around_the_rings_centre_is_exact_although_the_determinant_is_infinite() -> None:
    a, half = 10.0, 0.25
    # 1 / r over a square around the origin: 8 h asinh(1)
    exact = (4 * half**2 / a + 8 * half * math.asinh(1)) / a
    assert square(Ring(a), (0, 0), half).landed == pytest.approx(exact, rel=1e-4)


def test_a_square_without_an_area_is_refused() -> None:
    with pytest.raises(ValueError, match="no area"):
        square(Ring(), (0, 0), 0.0)


def test_the_histogram_over_the_radius_agrees_with_the_density(g: PlaneMap) -> None:
    n = 20_000
    h = radial_histogram(g, n, 5, 40)
    assert h.counts.sum() + h.missed == n
    often = h.expected > 10
    chi2 = (np.square(h.counts - h.expected)[often] / h.expected[often]).sum()
    assert stats.chi2(often.sum()).sf(chi2) > 1e-3


def test_the_rings_expected_draws_are_the_rayleigh_distributions() -> None:
    h = radial_histogram(Ring(4), 1000, 0, 30)
    assert np.allclose(h.expected, 1000 * np.diff(stats.rayleigh.cdf((h.edges - 1) * 4)), rtol=1e-6)


@pytest.mark.parametrize("n", [0, -1])
def test_no_draws_are_refused_and_fewer_are_the_first_of_more(n: int) -> None:
    with pytest.raises(ValueError, match="at least one draw"):
        draws(n, 0)
    assert np.array_equal(draws(1, 7), draws(100, 7)[:1])


def test_training_is_the_same_however_it_is_asked_and_looks_back() -> None:
    steps = Training(CROSS, 0)
    in_parts = [steps.at(step) for step in (0, CHUNK, 2 * CHUNK)]
    at_once = Training(CROSS, 0).at(2 * CHUNK)
    assert np.array_equal(in_parts[-1].weights, at_once.weights)
    assert np.array_equal(in_parts[-1].loss, at_once.loss)
    assert np.array_equal(steps.at(CHUNK).weights, in_parts[1].weights), "a step that lies behind"
    assert not np.array_equal(in_parts[1].weights, at_once.weights)
    assert not np.array_equal(Training(CROSS, 1).at(CHUNK).weights, in_parts[1].weights)
    assert at_once.weights.size == PARAMETERS < 1000


def test_before_training_the_flow_is_the_gaussian_of_the_moments() -> None:
    first = training(CROSS, 0).at(0)
    x = Ink(CROSS).sample(1000, (9,))
    by_scipy = np.sum(stats.norm.logpdf(x, first.shift, first.scale), axis=1)
    assert np.allclose(FlowMap(first).log_density(x), by_scipy)


def test_a_trained_flow_is_likelier_than_the_best_gaussian_on_points_it_never_saw() -> None:
    trained = training(DIAGONAL, 0).at(150)
    x = Ink(DIAGONAL).sample(2000, (9,))
    gaussian = stats.multivariate_normal(x.mean(0), np.cov(x.T)).logpdf(x).mean()
    flow = FlowMap(trained).log_density(x).mean()
    assert flow > gaussian + 0.05
    # the ink itself: even along a line of this length, a normal across; its ends are blurred
    entropy = math.log(2.4 * math.sqrt(2)) + stats.norm(scale=PEN).entropy()
    assert flow < -entropy + 0.05, "no density is likelier than the true one"
    assert trained.loss[-1] == pytest.approx(-flow, abs=0.15)


def test_ink_is_even_along_the_strokes() -> None:
    x = Ink((((0.0, 0.5), (0.25, 0.5), (1.0, 0.5)),)).sample(20_000, (0,))
    assert stats.kstest(x[:, 0], lambda at: stats.uniform(-2, 4).cdf(at)).statistic < 0.025
    assert stats.kstest(x[:, 1] / PEN, "norm").pvalue > 1e-3


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        ((), "nothing is drawn"),
        (((),), "nothing is drawn"),
        ((((0.5, 1.2),),), "between 0 and 1"),
        ((((0.5, math.nan),),), "between 0 and 1"),
        (((((0.5, 0.5),) * 5000),), "at most 4,000"),
    ],
)
def test_a_drawing_that_cannot_be_learned_is_refused(strokes: tuple[Stroke, ...], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        training(strokes, 0)


def test_a_dot_is_learned_as_a_dot() -> None:
    trained = training((((0.5, 0.75),),), 0).at(CHUNK)
    assert np.allclose(trained.shift, [0, 1], atol=0.01)
    assert np.isfinite(trained.weights).all()
    assert np.allclose(trained.scale, PEN, rtol=0.05)


@pytest.mark.parametrize("step", [-25, 10, LAST + CHUNK, MOST + CHUNK])
def test_a_step_that_is_no_step_or_too_far_ahead_is_refused(step: int) -> None:
    with pytest.raises(ValueError, match="steps"):
        Training(DIAGONAL, 0).at(step)


def test_a_linear_decoders_patch_is_a_parallelogram() -> None:
    model = Linear(2)
    part = patch(model, 1.0, (0.5, -0.25), 0.5, 3)
    element = math.sqrt(np.linalg.det(model.w.T @ model.w))
    assert part.area == pytest.approx(element, rel=1e-4)
    assert np.exp(part.log_density) == pytest.approx(np.prod(stats.norm.pdf([0.5, -0.25])) / element, rel=1e-3)
    assert np.allclose(part.images[1, 1], model.decode(np.array([[0.5, -0.25]], np.float32), 1.0)[0])
    assert np.allclose(part.images[0, 2], model.decode(np.array([[0.5 + 1 / 3, -0.25 + 1 / 3]], np.float32), 1.0)[0])


def test_a_decoders_area_is_that_of_its_triangles_in_pixel_space() -> None:
    model = checkpoints.load(checkpoints.find("digits-vae-2d")).arrays
    part = patch(model, 1.0, (0.3, 0.2), 0.4, 2)
    x, y = (np.linspace(middle - 0.4, middle + 0.4, 65) for middle in (0.3, 0.2))
    f = model.decode(np.stack(np.meshgrid(x, y), 2).reshape(-1, 2).astype(np.float32), 1.0).reshape(65, 65, -1)
    f = f.astype(np.float64)
    area = 0.0
    for corner, right, below in ((f[:-1, :-1], f[:-1, 1:], f[1:, :-1]), (f[1:, 1:], f[1:, :-1], f[:-1, 1:])):
        u, v = right - corner, below - corner
        area += 0.5 * np.sqrt((u**2).sum(2) * (v**2).sum(2) - (u * v).sum(2) ** 2).sum()
    assert part.area == pytest.approx(area, rel=1e-3)


def test_a_surface_needs_two_axes_and_an_area() -> None:
    with pytest.raises(ValueError, match="two latent axes"):
        patch(Linear(5), 1.0, (0, 0), 0.5, 2)
    with pytest.raises(ValueError, match="no area"):
        patch(Linear(2), 1.0, (0, 0), 0.0, 2)
