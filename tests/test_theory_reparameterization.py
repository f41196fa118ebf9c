"""One image forward and back, and the noise of two estimators, against differences, quadrature and closed forms."""

from __future__ import annotations

import copy
from typing import get_args

import numpy as np
import pytest
import torch

from tests.test_models import config, perturbed
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import Likelihood as Kind
from vae_explorer.latent.model import Doubles, Encoding, Floats, Likelihood, Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.theory import reparameterization as r

IMAGE = np.random.default_rng(1).random((8, 8), np.float32)
EPSILON = np.array([0.7, -1.3])
BETA = 0.6


def vae(**changes: object) -> Autoencoder:
    return perturbed(build(config(kind="multi-rate", **changes), 0)).eval()


class Linear(Model):
    """p(x|z) = N(A z, s^2 I), with differences for derivatives: an encoder that says nothing."""

    has_prior = True
    scale = 0.5

    def __init__(self, axes: int) -> None:
        self.axes, self.shape = axes, (2, 3)
        self.a = np.random.default_rng(2).standard_normal((6, axes))

    def encode(self, images: Floats, beta: float) -> Encoding:
        return Encoding(np.zeros((len(images), self.axes), np.float32), np.ones((len(images), self.axes), np.float32))

    def decode(self, z: Floats, beta: float) -> Floats:
        return (z @ self.a.T).reshape(-1, 2, 3).astype(np.float32)

    def likelihood(self, z: Floats, beta: float) -> Likelihood:
        f = z.astype(np.float64) @ self.a.T
        return Likelihood((f / self.scale**2).astype(np.float32), -0.5 * (f**2).sum(1) / self.scale**2)

    def terms(self, x: Doubles, q: r.Q, beta: float) -> tuple[float, Doubles, Doubles]:
        """The objective, short of what is the same at every z, and its gradient, in closed form."""
        precision = self.a.T @ self.a / self.scale**2
        pull = self.a.T @ x / self.scale**2
        variance = np.exp(q.log_var)
        value = pull @ q.mean - 0.5 * (q.mean @ precision @ q.mean + np.diag(precision) @ variance)
        d = 0.5 * (q.mean**2 + variance - 1 - q.log_var).sum()
        by_variance = -0.5 * np.diag(precision) - beta * 0.5 * (1 - 1 / variance)
        return value - beta * d, pull - precision @ q.mean - beta * q.mean, variance * by_variance


def log_p(network: Autoencoder, z: Doubles) -> Doubles:
    with torch.no_grad():
        density = network.likelihood(torch.from_numpy(z), torch.full((len(z),), BETA, dtype=torch.float64))
        values: Doubles = density.log_prob(torch.from_numpy(IMAGE).double()).numpy()
        return values


def slope(f: object, at: Doubles, step: float = 1e-5) -> Doubles:
    return np.array([(f(at + h) - f(at - h)) / (2 * step) for h in step * np.eye(len(at))])  # type: ignore[operator]


@pytest.mark.parametrize("likelihood", get_args(Kind))
def test_gradients_of_a_pass_are_differences_of_its_objective(likelihood: Kind) -> None:
    network = vae(likelihood=likelihood, scale=0.3).double()
    found = r.forward_and_back(network, IMAGE, BETA, EPSILON)
    q = found.q

    def of_log_p(parameters: Doubles) -> float:
        mean, log_var = np.split(parameters, 2)
        return float(log_p(network, (mean + np.exp(log_var / 2) * EPSILON)[None])[0])

    def of_rate(parameters: Doubles) -> float:
        mean, log_var = np.split(parameters, 2)
        return float(-BETA * 0.5 * (mean**2 + np.exp(log_var) - 1 - log_var).sum())

    at = np.concatenate(q)
    assert np.allclose(found.z, q.mean + np.exp(q.log_var / 2) * EPSILON)
    assert np.isclose(found.log_p, of_log_p(at), rtol=1e-9)
    assert np.isclose(-BETA * found.rate, of_rate(at))
    assert np.isclose(found.objective, of_log_p(at) + of_rate(at))
    assert np.allclose(np.concatenate(found.from_log_p), slope(of_log_p, at), rtol=1e-5, atol=1e-6)
    assert np.allclose(np.concatenate(found.from_rate), slope(of_rate, at), rtol=1e-5, atol=1e-7)
    assert np.allclose(found.at_z, slope(lambda z: log_p(network, z[None])[0], found.z), rtol=1e-5, atol=1e-6)


def test_what_comes_to_the_pixels_and_weights_is_a_difference_too() -> None:
    network = vae().double()

    def at(image: Floats, weights: Autoencoder) -> float:
        with torch.no_grad():
            q = weights.posterior(torch.from_numpy(image)[None].double(), torch.tensor([BETA], dtype=torch.float64))
            z = q.mean + q.stddev * torch.from_numpy(EPSILON)
            d = torch.distributions.kl_divergence(q, weights.prior()).item()
            target = torch.from_numpy(IMAGE)[None].double()
            log_p = weights.likelihood(z, torch.tensor([BETA], dtype=torch.float64)).log_prob(target)
            return float(log_p) - BETA * d

    found = r.forward_and_back(network, IMAGE, BETA, EPSILON)
    for i, j in ((0, 0), (3, 4), (7, 2)):
        step = np.zeros((8, 8))
        step[i, j] = 1e-4
        expected = (at(IMAGE + step, network) - at(IMAGE - step, network)) / 2e-4  # type: ignore[arg-type]
        assert np.isclose(found.at_pixels[i, j], expected, rtol=1e-4, atol=1e-6)
    for part, norm in (("encoder", found.encoder_norm), ("decoder", found.decoder_norm)):
        ahead, behind = copy.deepcopy(network), copy.deepcopy(network)
        norms = _gradient(network, part)
        with torch.no_grad():  # along the gradient itself the objective rises by its norm
            for model, sign in ((ahead, 1), (behind, -1)):
                for weight, direction in zip(getattr(model, part).parameters(), norms, strict=True):
                    weight.add_(sign * 1e-5 * direction)
        assert np.isclose((at(IMAGE, ahead) - at(IMAGE, behind)) / 2e-5, norm, rtol=1e-4)


def _gradient(network: Autoencoder, part: str) -> list[torch.Tensor]:
    x, b = torch.from_numpy(IMAGE)[None].double(), torch.tensor([BETA], dtype=torch.float64)
    q = network.posterior(x, b)
    log_p = network.likelihood(q.mean + q.stddev * torch.from_numpy(EPSILON), b).log_prob(x)
    total = log_p - BETA * torch.distributions.kl_divergence(q, network.prior())
    gradients = torch.autograd.grad(total, list(getattr(network, part).parameters()))
    length = torch.cat([each.flatten() for each in gradients]).norm()
    return [each / length for each in gradients]


def test_a_path_is_open_blocked_or_bridged() -> None:
    network = vae().double()
    passes = {way: r.forward_and_back(network, IMAGE, BETA, EPSILON, way) for way in get_args(r.Way)}
    q = passes["sampled"].q
    for each in passes.values():
        assert np.allclose(each.z, passes["reparameterized"].z)
        assert np.allclose(np.concatenate(each.from_rate), np.concatenate(passes["sampled"].from_rate))
        assert each.decoder_norm == pytest.approx(passes["sampled"].decoder_norm)  # the decoder always learns
    assert not np.concatenate(passes["sampled"].from_log_p).any()
    score, p = passes["score"].from_log_p, passes["score"].log_p
    normal = torch.distributions.Normal
    mean, log_var = (torch.from_numpy(each).requires_grad_() for each in q)
    log_q = normal(mean, (log_var / 2).exp()).log_prob(torch.from_numpy(passes["score"].z)).sum()
    by_mean, by_log_var = torch.autograd.grad(log_q, (mean, log_var))
    assert np.allclose(score.mean, p * by_mean.numpy())
    assert np.allclose(score.log_var, p * by_log_var.numpy())
    # all that the encoder hears of a blocked path is D
    x, b = torch.from_numpy(IMAGE)[None].double(), torch.tensor([BETA], dtype=torch.float64)
    d = torch.distributions.kl_divergence(network.posterior(x, b), network.prior())
    weights = list(network.encoder.parameters())
    gradient = torch.cat([each.flatten() for each in torch.autograd.grad(BETA * d, weights)])
    assert passes["sampled"].encoder_norm == pytest.approx(gradient.norm().item())


def test_a_q_of_ones_own_takes_the_encoders_place() -> None:
    network = vae().double()
    q = r.Q(np.array([0.2, -0.4]), np.array([-1.0, -2.0]))
    found = r.forward_and_back(network, IMAGE, BETA, EPSILON, q=q)
    assert np.allclose(found.q.mean, q.mean)
    assert np.allclose(found.q.log_var, q.log_var)
    assert np.allclose(found.z, q.mean + np.exp(q.log_var / 2) * EPSILON)
    assert np.allclose(found.from_rate.mean, -BETA * q.mean)
    assert found.rate == pytest.approx(r.rate(q))


def test_the_exact_gradient_is_the_one_of_a_plain_grid() -> None:
    """In float64 on a grid of even cells, by the score function: another rule of another integrand."""
    network = checkpoints.load(checkpoints.SHIPPED / "digits-vae-2d.safetensors").model
    q = r.encoded(Arrays(network), IMAGE, BETA)
    found = r.exact(Arrays(network), IMAGE, q, BETA)
    cells = np.linspace(-7, 7, 141)
    e = np.stack(np.meshgrid(cells, cells), -1).reshape(-1, 2)
    weights = np.exp(-0.5 * (e**2).sum(1)) / (2 * np.pi) * (cells[1] - cells[0]) ** 2
    values = log_p(copy.deepcopy(network).double(), q.mean + q.std * e)
    assert found.log_p == pytest.approx(float(weights @ values), abs=1e-4)
    assert found.rate == pytest.approx(0.5 * float((q.mean**2 + q.std**2 - 1 - 2 * np.log(q.std)).sum()))
    assert np.allclose(found.back.mean, (weights * values) @ e / q.std - BETA * q.mean, rtol=1e-3, atol=1e-3)
    by_log_var = (weights * values) @ (e**2 - 1) / 2 - BETA * 0.5 * (q.std**2 - 1)
    assert np.allclose(found.back.log_var, by_log_var, rtol=1e-3, atol=1e-3)
    assert found.error == 0


@pytest.mark.parametrize("axes", [1, 2, 5])
def test_the_exact_gradient_is_the_closed_form_of_a_linear_model(axes: int) -> None:
    model, x = Linear(axes), np.random.default_rng(0).random((2, 3), np.float32)
    q = r.Q(np.linspace(-0.5, 0.5, axes), np.linspace(-3.0, -1.0, axes))
    found = r.exact(model, x, q, BETA)
    value, by_mean, by_log_var = model.terms(x.ravel().astype(np.float64), q, BETA)
    assert abs(found.objective - value) < (5 * found.error if axes > 2 else 1e-4)
    assert np.allclose(found.back.mean, by_mean, atol=0.3 if axes > 2 else 1e-3)
    assert np.allclose(found.back.log_var, by_log_var, atol=0.3 if axes > 2 else 1e-3)


@pytest.mark.parametrize("baseline", [0.0, -30.0])
def test_both_estimators_have_the_exact_gradient_as_their_mean(baseline: float) -> None:
    model = Arrays(vae())
    q = r.encoded(model, IMAGE, BETA)
    truth = r.exact(model, IMAGE, q, BETA).back.mean
    draws = r.single_samples(model, IMAGE, q, BETA, r.epsilons(0, 0, 0, 2, 20_000), baseline)
    for each in draws:
        error = each.std(0) / np.sqrt(len(each))
        assert np.all(np.abs(each.mean(0) - truth) < 4 * error)
    assert np.all(draws.score.var(0) > draws.reparameterized.var(0))


def test_the_variances_are_those_of_the_closed_form() -> None:
    """Of a linear model: the slope's is precision^2 times Q's variance; at one axis all is known."""
    model, x = Linear(1), np.random.default_rng(0).random((2, 3), np.float32)
    q = r.Q(np.array([0.3]), np.array([-2.0]))
    precision = float((model.a**2).sum()) / model.scale**2
    draws = r.single_samples(model, x, q, BETA, r.epsilons(0, 0, 0, 1, 20_000))
    assert draws.reparameterized.var() == pytest.approx(precision**2 * np.exp(-2.0), rel=0.05)
    value, _, _ = model.terms(x.ravel().astype(np.float64), q, 0.0)
    centred = r.single_samples(model, x, q, BETA, r.epsilons(0, 0, 0, 1, 400_000), value)
    slope_ = float(model.terms(x.ravel().astype(np.float64), q, 0.0)[1][0])
    # (a e + b (e^2 - 1)) e / s with a = slope s, b = -precision s^2 / 2: variance 2 a^2 + 10 b^2, over s^2
    s = np.exp(-1.0)
    expected = 2 * slope_**2 + 10 * (precision * s / 2) ** 2
    assert centred.score.var() == pytest.approx(expected, rel=0.06)


def test_steps_end_at_the_best_gaussian_of_a_linear_model() -> None:
    model, x = Linear(2), np.random.default_rng(0).random((2, 3), np.float32)
    precision = model.a.T @ model.a / model.scale**2 + np.eye(2)
    q = r.Q(np.array([1.0, -1.0]), np.array([-2.0, -2.0]))
    values = []
    for _ in range(80):
        found = r.exact(model, x, q, 1.0)
        values.append(found.objective)
        q = r.step(q, found.back)
    assert np.allclose(q.mean, np.linalg.solve(precision, model.a.T @ x.ravel() / model.scale**2), atol=2e-3)
    assert np.allclose(np.exp(-q.log_var), np.diag(precision), rtol=2e-3)
    assert np.all(np.diff(values) > -1e-4)


def test_one_step_is_the_formula() -> None:
    q = r.step(r.Q(np.array([1.0]), np.array([np.log(0.04)])), r.Back(np.array([10.0]), np.array([-0.25])), 0.5)
    assert np.allclose(q.mean, 1.0 + 0.5 * 0.04 * 10)
    assert np.allclose(q.log_var, np.log(0.04) - 2 * 0.5 * 0.25)
    far = r.step(q, r.Back(np.array([1e9]), np.array([-1e9])))
    assert far.mean == r.FURTHEST
    assert far.log_var == r.LOG_VAR[0]


def test_an_image_far_below_a_thousand_nats_keeps_all_its_digits() -> None:
    network = vae(likelihood="gaussian", scale=0.01)
    model = Arrays(network)
    found = r.forward_and_back(network, 1 - IMAGE, BETA, EPSILON)
    assert found.log_p < -1000
    assert np.isfinite(found.encoder_norm)
    assert np.isfinite(r.exact(model, 1 - IMAGE, found.q, BETA).objective)
    draws = r.single_samples(model, 1 - IMAGE, found.q, BETA, EPSILON[None])
    assert np.allclose(
        draws.score, found.from_log_p.mean * 0 + found.log_p * EPSILON / found.q.std - BETA * found.q.mean
    )


def test_a_sigma_as_small_as_an_encoder_can_say_gives_numbers() -> None:
    model = Arrays(vae())
    q = r.Q(np.zeros(2), np.full(2, r.LOG_VAR[0]))
    assert np.isfinite(r.exact(model, IMAGE, q, BETA).objective)
    assert all(np.isfinite(each).all() for each in r.single_samples(model, IMAGE, q, BETA, EPSILON[None]))


def test_epsilon_is_the_seeds_the_images_and_the_draws() -> None:
    assert np.array_equal(r.epsilons(3, 5, 7, 4), r.epsilons(3, 5, 7, 4))
    different = [r.epsilons(*key, 4)[0, 0] for key in ((3, 5, 7), (4, 5, 7), (3, 6, 7), (3, 5, 8))]
    assert len(set(different)) == 4


def test_what_cannot_be_is_refused() -> None:
    plain = perturbed(build(config(kind="autoencoder"), 0))
    with pytest.raises(ValueError, match="take a VAE"):
        r.forward_and_back(plain, IMAGE, BETA, EPSILON)
    with pytest.raises(ValueError, match="take a VAE"):
        r.encoded(Arrays(plain), IMAGE, BETA)
    with pytest.raises(ValueError, match="take a VAE"):
        r.exact(Arrays(plain), IMAGE, r.Q(np.zeros(2), np.zeros(2)), BETA)
    with pytest.raises(ValueError, match="take one of reparameterized"):
        r.forward_and_back(vae(), IMAGE, BETA, EPSILON, "guess")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="2 axes"):
        r.forward_and_back(vae(), IMAGE, BETA, np.zeros(3))
    with pytest.raises(ValueError, match="not finite"):
        r.step(r.Q(np.zeros(1), np.zeros(1)), r.Back(np.array([np.nan]), np.zeros(1)))
