"""One image through a VAE with one epsilon, and back: three ways to a gradient of Q, and their noise."""

from __future__ import annotations

import math
from typing import Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Normal

from vae_explorer.latent.model import Doubles, Floats, Model
from vae_explorer.latent.noise import normal_sets
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.models.distributions import LOG_STD

Way = Literal["reparameterized", "sampled", "score"]

NODES, WIDE_NODES, WIDE = 20, 32, 0.3  # of the Gauss-Hermite rule, an axis; where a sigma is larger than the last
SETS, SAMPLES = 8, 128  # of quasi-random numbers, where there are too many axes for a product of rules
DRAWS = 1000  # single-sample gradients
STEP = 0.3  # of `step`, in units of Q's own variance
FURTHEST = 100.0  # latent units from the origin that `step` goes at most
LOG_VAR = (2 * LOG_STD[0], 2 * LOG_STD[1])  # what a model's encoder keeps to as well


class Q(NamedTuple):
    r"""The Gaussian :math:`Q(z|X) = N(\mu, \sigma^2)` of one image, its axes independent."""

    mean: Doubles  # (D,)  latent units
    log_var: Doubles  # (D,)  log sigma^2

    @property
    def std(self) -> Doubles:
        """Returns sigma, `(D,)` latent units."""
        std: Doubles = np.exp(self.log_var / 2)
        return std


class Back(NamedTuple):
    """What a term of the objective sends back to Q's parameters."""

    mean: Doubles  # (D,)  nats per latent unit
    log_var: Doubles  # (D,)  nats


class Pass(NamedTuple):
    r"""One image forward and back with one epsilon: all that :math:`\log P(X|z) - \beta D` is made of."""

    q: Q
    epsilon: Doubles  # (D,)
    z: Doubles  # (D,)  latent units
    image: Floats  # (H, W)  f(z), the decoded image
    log_p: float  # log P(X|z), nats
    rate: float  # D[Q(z|X) || P(z)], nats
    objective: float  # log P(X|z) - beta D, nats
    at_z: Doubles  # (D,)  d log P(X|z) / dz: what comes back to z, nats per latent unit
    from_log_p: Back  # of log P(X|z), or of its stand-in; zero where the path is blocked
    from_rate: Back  # of -beta D
    at_pixels: Floats  # (H, W)  of the objective at the pixels that the encoder sees, nats per full intensity
    encoder_norm: float  # of the objective's gradient by all weights of the encoder
    decoder_norm: float  # the same, of the decoder


class Draws(NamedTuple):
    """Single-sample gradients by Q's mean of the same epsilons, nats per latent unit."""

    reparameterized: Doubles  # (n, D)
    score: Doubles  # (n, D)


class Exact(NamedTuple):
    """The objective and its gradient, integrated over Q."""

    log_p: float  # E_Q[log P(X|z)], nats
    rate: float  # D, nats
    objective: float  # nats
    back: Back
    error: float  # of the objective: standard error, nats; 0 of the product rule


def encoded(model: Model, image: Floats, beta: float) -> Q:
    """Returns the encoder's Q of an image `(H, W)` in [0, 1].

    Raises:
        ValueError: If the model is a deterministic autoencoder, which has no Q.
    """
    _demand_vae(model.has_prior)
    mean, std = (each[0].astype(np.float64) for each in model.encode(image[None], beta))
    return Q(mean, 2 * np.log(std))


def rate(q: Q) -> float:
    r"""Returns :math:`D[Q \| P] = \frac12 \sum_d \mu_d^2 + \sigma_d^2 - 1 - \log \sigma_d^2`, in nats."""
    return float(0.5 * (q.mean**2 + np.exp(q.log_var) - 1 - q.log_var).sum())


def epsilons(seed: int, image: int, draw: int, axes: int, count: int = 1) -> Doubles:
    """Returns standard normal numbers `(count, axes)` that seed, image and number of the draw decide."""
    return np.random.default_rng((seed, image, draw)).standard_normal((count, axes))


def forward_and_back(
    network: Autoencoder, image: Floats, beta: float, epsilon: Doubles, way: Way = "reparameterized", q: Q | None = None
) -> Pass:
    r"""Returns one image's way through the model and the gradients on the way back, by autograd.

    .. math:: z = \mu + \sigma \epsilon, \quad \log P(X|z) - \beta D

    * `reparameterized`: epsilon comes from outside, so that :math:`dz/d\mu = 1` and :math:`dz/d\log\sigma^2 =
      \sigma \epsilon / 2`.
    * `sampled`: z is a number that a generator gave; nothing of log P(X|z) comes to Q.
    * `score`: the same, and :math:`\log P(X|z) \, \nabla \log Q(z)` stands in for what is missing (REINFORCE).

    D has a closed form and goes back in all three alike.

    Arguments:
        network: A VAE.
        image: X, `(H, W)` or `(H, W, 3)` in [0, 1].
        beta: The KL weight.
        epsilon: Standard normal numbers, `(D,)`.
        way: How z comes to be.
        q: What Q is instead of the encoder's; the encoder then hears what it would if this were its own.

    Raises:
        ValueError: If the network is a deterministic autoencoder, there is no such way, or epsilon is not `(D,)`.

    References:
        | Auto-Encoding Variational Bayes (Kingma & Welling, 2014)
        | https://arxiv.org/abs/1312.6114
        | Simple Statistical Gradient-Following Algorithms (Williams, 1992)
        | https://doi.org/10.1007/BF00992696
    """
    config = network.config
    _demand_vae(config.kind != "autoencoder")
    if way not in get_args(Way):
        raise ValueError(f"there is no way {way!r}: take one of {', '.join(get_args(Way))}")
    if epsilon.shape != (config.latent,):
        raise ValueError(f"epsilon has shape {epsilon.shape}, and this model has {config.latent} axes")
    like = network.log_scale
    x = torch.from_numpy(image)[None].to(like.dtype).requires_grad_()
    b, noise = like.new_full((1,), beta), torch.from_numpy(epsilon)[None].to(like.dtype)
    posterior = network.posterior(x, b)
    mean, log_var = posterior.mean, 2 * posterior.stddev.log()
    if q is not None:
        mean, log_var = (_moved(each, to) for each, to in zip((mean, log_var), q, strict=True))
    std = (log_var / 2).exp()
    z = mean + std * noise
    if way != "reparameterized":
        z = z.detach().requires_grad_()
    likelihood = network.likelihood(z, b)
    log_p = likelihood.log_prob(x.detach()).sum()
    d = 0.5 * (mean.square() + std.square() - 1 - log_var).sum()
    term = log_p
    if way == "score":
        term = log_p + log_p.detach() * Normal(mean, std).log_prob(z.detach()).sum()

    def back(of: Tensor) -> Back:
        parts = torch.autograd.grad(of, (mean, log_var), retain_graph=True, allow_unused=True)
        return Back(*(np.zeros(config.latent) if part is None else _array(part) for part in parts))

    total = term - beta * d

    def norm(part: torch.nn.Module) -> float:
        weights = [each for each in part.parameters() if each.requires_grad]
        gradients = torch.autograd.grad(total, weights, retain_graph=True, allow_unused=True)
        return math.sqrt(sum(float(each.double().square().sum()) for each in gradients if each is not None))

    at_z = _array(torch.autograd.grad(log_p, z, retain_graph=True)[0])
    pixels = torch.autograd.grad(total, x, retain_graph=True)[0][0].float().numpy()
    return Pass(
        Q(_array(mean), _array(log_var)), epsilon, _array(z), likelihood.mean[0].detach().float().numpy(),
        log_p.item(), d.item(), log_p.item() - beta * d.item(), at_z, back(term), back(-beta * d), pixels,
        norm(network.encoder), norm(network.decoder),
    )  # fmt: skip


def single_samples(model: Model, image: Floats, q: Q, beta: float, epsilon: Doubles, baseline: float = 0.0) -> Draws:
    r"""Returns the gradient of :math:`E_Q \log P(X|z) - \beta D` by Q's mean, one z at a time, by both estimators.

    .. math:: g_\text{reparameterized} = \nabla_z \log P(X|z) - \beta \mu, \quad
        g_\text{score} = (\log P(X|z) - b) \frac{\epsilon}{\sigma} - \beta \mu

    Both have the exact gradient as their mean, at any baseline b that does not depend on z; D's part is
    analytic in both.

    Arguments:
        model: A VAE.
        image: X, `(H, W)`.
        q: Where.
        beta: The KL weight.
        epsilon: Standard normal numbers, `(n, D)`.
        baseline: b, in nats.

    References:
        | Monte Carlo Gradient Estimation in Machine Learning (Mohamed et al., 2020)
        | https://arxiv.org/abs/1906.10652
    """
    z = (q.mean + q.std * epsilon).astype(np.float32)
    log_p, slope = model.slope(_repeated(image, len(z)), z, beta)
    prior = beta * q.mean
    draws = Draws(slope.astype(np.float64) - prior, log_p[:, None] * epsilon / q.std - prior)
    return less(draws, q, epsilon, baseline)


def less(draws: Draws, q: Q, epsilon: Doubles, baseline: float) -> Draws:
    r"""Returns the same draws with a baseline, in nats: the score function's less :math:`b \, \epsilon / \sigma`."""
    return draws._replace(score=draws.score - baseline * epsilon / q.std)


def exact(
    model: Model, image: Floats, q: Q, beta: float, seed: tuple[int, ...] = (0,), nodes: int | None = None
) -> Exact:
    r"""Returns the objective :math:`E_Q \log P(X|z) - \beta D` and its gradient by Q's parameters.

    .. math:: \nabla_\mu E_Q \log P = E_Q \nabla_z \log P, \quad
        \nabla_{\log \sigma^2} E_Q \log P = \tfrac12 \sigma E_Q [\epsilon \nabla_z \log P]

    On one or two axes by the product of Gauss-Hermite rules; on more by quasi-random numbers, with their error.

    Arguments:
        model: A VAE.
        image: X, `(H, W)`.
        q: Where.
        beta: The KL weight.
        seed: Of the quasi-random numbers.
        nodes: Of the rule, an axis: 20 unless given, which err by under 1e-3 nats; 32 where Q is wide.

    References:
        | Pathwise Derivatives Beyond the Reparameterization Trick (Jankowiak & Obermeyer, 2018)
        | https://arxiv.org/abs/1806.01851
    """
    _demand_vae(model.has_prior)
    if model.axes <= 2:
        epsilon, weights = _hermite(nodes or (WIDE_NODES if q.std.max() > WIDE else NODES), model.axes)
    else:
        epsilon = normal_sets(SETS, SAMPLES, model.axes, seed).reshape(-1, model.axes)
        weights = np.full(len(epsilon), 1 / len(epsilon))
    z = (q.mean + q.std * epsilon).astype(np.float32)
    log_p, slope = model.slope(_repeated(image, len(z)), z, beta)
    d, expected = rate(q), float(weights @ log_p)
    back = Back(
        weights @ slope - beta * q.mean,
        0.5 * q.std * (weights @ (epsilon * slope)) - beta * 0.5 * (np.exp(q.log_var) - 1),
    )
    sets = log_p.reshape(SETS, -1).mean(1) if model.axes > 2 else np.zeros(SETS)
    return Exact(expected, d, expected - beta * d, back, float(sets.std(ddof=1)) / math.sqrt(SETS))


def step(q: Q, back: Back, size: float = STEP) -> Q:
    r"""Returns Q after one step of gradient ascent, each parameter's step in units of its own Fisher information.

    .. math:: \mu \mathrel{+}= \eta \, \sigma^2 \, \frac{\partial}{\partial \mu}, \quad
        \log \sigma^2 \mathrel{+}= 2 \eta \, \frac{\partial}{\partial \log \sigma^2}

    A fixed step in latent units would fit one KL weight: sigma spans two orders of magnitude over them. What
    lies beyond all that a model's encoder can say is cut off.

    Raises:
        ValueError: If a gradient is not finite.

    References:
        | Natural Gradient Works Efficiently in Learning (Amari, 1998)
        | https://doi.org/10.1162/089976698300017746
    """
    if not all(np.isfinite(each).all() for each in back):
        raise ValueError("the gradient is not finite: there is no step along it")
    mean = q.mean + size * np.exp(q.log_var) * back.mean
    return Q(mean.clip(-FURTHEST, FURTHEST), (q.log_var + 2 * size * back.log_var).clip(*LOG_VAR))


def _hermite(nodes: int, axes: int) -> tuple[Doubles, Doubles]:
    """Returns nodes `(n^D, D)` and weights of the product rule for the standard normal distribution."""
    each, weights = np.polynomial.hermite_e.hermegauss(nodes)
    grids = np.meshgrid(*[each] * axes, indexing="ij")
    products = np.meshgrid(*[weights / weights.sum()] * axes, indexing="ij")
    return np.stack(grids, -1).reshape(-1, axes), np.prod(products, 0).ravel()


def _moved(value: Tensor, to: Doubles) -> Tensor:
    """Returns what has another value and the same graph behind it."""
    return value + (torch.from_numpy(to)[None].to(value.dtype) - value).detach()


def _repeated(image: Floats, times: int) -> Floats:
    return np.broadcast_to(image, (times, *image.shape)).copy()  # PyTorch takes none that cannot be written to


def _array(value: Tensor) -> NDArray[np.float64]:
    numbers: Doubles = value.detach()[0].double().numpy()
    return numbers


def _demand_vae(has_prior: bool) -> None:
    if not has_prior:
        raise ValueError("a deterministic autoencoder has no Q(z|X): take a VAE")
