"""The decoder's sigma and the KL weight: one knob, seen from two sides."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.config import ModelConfig
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import BATCH, axis_rates, decode, encode
from vae_explorer.latent.model import Doubles, Encoding, Floats, Model
from vae_explorer.measured.curves import Curve
from vae_explorer.models.arrays import Arrays

SAMPLES = 4  # of z an image, where a point is measured here


class RateDistortion(NamedTuple):
    """Averages over images at rising KL weights: one point of the rate-distortion curve each."""

    beta: Doubles  # (K,)  KL weights
    squared_error: Doubles  # (K,)  E_Q ||x - f(z)||^2 per image, in units of full intensity squared
    error: Doubles  # (K,)  its standard error: what other samples of z would change
    rate: Doubles  # (K,)  D[Q(z|X) || P(z)], nats per image
    scale: float  # sigma_0, the std that the model was trained with at a KL weight of 1
    pixels: int  # P, values of an image
    images: int  # averaged over
    samples: int  # of z an image

    @property
    def sigma(self) -> Doubles:
        """The std of P(X|z) of which each KL weight's objective is the negative ELBO, `(K,)`."""
        return self.scale * np.sqrt(self.beta)

    @property
    def mse(self) -> Doubles:
        """Mean squared error per pixel, `(K,)`."""
        return self.squared_error / self.pixels

    def at(self, beta: float) -> tuple[float, float]:
        """Returns squared error and rate between the points: straight lines over log beta, the error's logarithm."""
        t, knots = math.log(beta), np.log(self.beta)
        squared = math.exp(np.interp(t, knots, np.log(self.squared_error)))
        return squared, float(np.interp(t, knots, self.rate))


class Optimum(NamedTuple):
    """Where the ELBO is best."""

    sigma: float  # units of full intensity
    beta: float  # the KL weight of that sigma
    negative_elbo: float  # nats per image
    inside: bool  # whether it lies between the curve's ends; at one of them otherwise


class Draw(NamedTuple):
    """Images of P(X|z) at one z each."""

    z: Floats  # (N, D)  latent units
    mean: Floats  # (N, H, W)  f(z), in [0, 1]
    sample: Floats  # (N, H, W)  of N(f(z), sigma^2 I): may leave [0, 1], as the model says it does


def demand_gaussian(config: ModelConfig) -> None:
    """Refuses models without a sigma that a KL weight could stand for.

    Raises:
        ValueError: In words, with what would do.
    """
    offer = "mnist-gaussian-2d is one that has it."
    if config.kind == "autoencoder":
        raise ValueError(f"A deterministic autoencoder has no KL term, and so no weight of it: take a VAE; {offer}")
    if not config.likelihood.startswith("gaussian"):
        raise ValueError(
            f"The likelihood of this model is {config.likelihood}: it has no sigma, and no other knob of its own. "
            f"Take a model whose likelihood is gaussian; {offer}"
        )


def scale_of(model: Arrays) -> float:
    """Returns sigma_0, the std of a Gaussian P(X|z) that a model was trained with, in units of full intensity.

    Raises:
        ValueError: If its likelihood is none, or it is a deterministic autoencoder.
    """
    demand_gaussian(model.network.config)
    return math.exp(model.network.log_scale.item())


def sigma_of(beta: float, scale: float) -> float:
    r"""Returns the std of P(X|z) of which the objective at a KL weight is the negative ELBO.

    .. math:: \frac{\|x - f(z)\|^2}{2 \sigma_0^2} + \beta \, D
        = \beta \left( \frac{\|x - f(z)\|^2}{2 \sigma^2} + D \right), \quad \sigma^2 = \beta \, \sigma_0^2

    The bracket is the negative ELBO short of :math:`\frac P2 \log 2 \pi \sigma^2`, which no weight of the networks
    changes: both have their optimum at the same networks.

    Arguments:
        beta: The KL weight.
        scale: sigma_0, in units of full intensity.

    Raises:
        ValueError: If one of them is not above 0: a sigma of 0 makes P(X|z) a point without a density.

    References:
        | Tutorial on Variational Autoencoders (Doersch, 2016), sections 2.2 and 2.4.3
        | https://arxiv.org/abs/1606.05908
    """
    _demand_positive("KL weight", beta)
    _demand_positive("sigma_0", scale)
    return scale * math.sqrt(beta)


def beta_of(sigma: float, scale: float) -> float:
    r"""Returns the KL weight whose objective is the negative ELBO at a sigma, :math:`\beta = \sigma^2 / \sigma_0^2`.

    Raises:
        ValueError: As `sigma_of`.
    """
    _demand_positive("sigma", sigma)
    _demand_positive("sigma_0", scale)
    return (sigma / scale) ** 2


def negative_elbo(
    squared_error: Doubles | float, rate: Doubles | float, sigma: Doubles | float, pixels: int
) -> Doubles:
    r"""Returns the negative ELBO with everything that it has in it, in nats per image.

    .. math:: \frac{E_Q \|x - f(z)\|^2}{2 \sigma^2} + \frac P2 \log 2 \pi \sigma^2 + D[Q(z|X) \| P(z)]

    Arguments:
        squared_error: :math:`E_Q \|x - f(z)\|^2`, units of full intensity squared.
        rate: D, nats.
        sigma: Std of P(X|z), units of full intensity.
        pixels: P.

    Raises:
        ValueError: If a sigma is not above 0.
    """
    std = np.asarray(sigma, np.float64)
    _demand_positive("sigma", float(std.min()))
    # the logarithm apart from the square: at 1e-200 the square would be 0
    value: Doubles = np.asarray(squared_error) / (2 * std) / std + pixels * (0.5 * math.log(2 * math.pi) + np.log(std))
    return value + rate


def best_sigma(squared_error: float, pixels: int) -> float:
    r"""Returns the sigma of the best ELBO where the networks stay as they are: the root mean squared error.

    .. math:: \sigma^{*2} = \frac1P E_Q \|x - f(z)\|^2

    References:
        | Simple and Effective VAE Training with Calibrated Decoders (Rybkin et al., 2021)
        | https://arxiv.org/abs/2006.13202
    """
    return math.sqrt(squared_error / pixels)


def optimum(curve: RateDistortion) -> Optimum:
    r"""Returns the sigma of the best ELBO where the networks follow it: each sigma has those trained for it.

    By the envelope theorem the networks' own change adds nothing at their optimum, so what holds for fixed ones holds
    here, of the error that belongs to the KL weight:

    .. math:: \sigma^{*2} = \mathrm{MSE}(\beta^*), \quad \sigma^{*2} = \beta^* \sigma_0^2

    The point is found where the two lines cross; between the measured points the error's logarithm is straight in
    log beta. Where they do not cross inside, the end that is nearer is returned, and `inside` is False.
    """
    log_beta = np.log(curve.beta)
    beyond = np.log(curve.mse) - 2 * math.log(curve.scale) - log_beta  # above 0: a larger sigma is better
    (crossing,) = np.nonzero((beyond[:-1] > 0) & (beyond[1:] <= 0))
    if len(crossing):
        k = int(crossing[0])
        share = beyond[k] / (beyond[k] - beyond[k + 1])
        beta = math.exp(log_beta[k] + share * (log_beta[k + 1] - log_beta[k]))
    else:
        beta = float(curve.beta[-1 if beyond[-1] > 0 else 0])
    sigma = sigma_of(beta, curve.scale)
    return Optimum(sigma, beta, float(negative_elbo(*curve.at(beta), sigma, curve.pixels)), bool(len(crossing)))


def of_curve(curve: Curve, config: ModelConfig, scale: float) -> RateDistortion:
    r"""Returns what was measured of a checkpoint (`curves.Curve`) with the distortion as a squared error.

    .. math:: E_Q \|x - f(z)\|^2 = 2 \sigma_0^2 \left( \text{distortion} - \tfrac P2 \log 2 \pi \sigma_0^2 \right)

    Raises:
        ValueError: If the model has no sigma, or no rate.
    """
    demand_gaussian(config)
    assert curve.rate is not None, "a VAE has one"
    pixels = math.prod(config.shape)
    normaliser = pixels * (0.5 * math.log(2 * math.pi) + math.log(scale))
    return RateDistortion(
        beta=np.array(curve.beta),
        squared_error=2 * scale**2 * (np.array(curve.distortion) - normaliser),
        error=2 * scale**2 * np.array(curve.distortion_error),
        rate=np.array(curve.rate),
        scale=scale,
        pixels=pixels,
        images=curve.images,
        samples=curve.samples,
    )


def measure(
    model: Model, pixels: NDArray[np.uint8], betas: Sequence[float], scale: float, *, samples: int = SAMPLES, seed: int
) -> Iterator[RateDistortion]:
    """Yields the curve so far, one KL weight at a time: what a checkpoint without a measured curve is shown by.

    Arguments:
        model: With a Gaussian likelihood.
        pixels: Images, `(N, H, W)` or `(N, H, W, 3)`.
        betas: KL weights, rising.
        scale: sigma_0.
        samples: Of z an image, two at least; the same draws at every KL weight.
        seed: Of the draws.
    """
    rows: list[tuple[float, float, float, float]] = []
    for beta in betas:
        q = encode(model, pixels, beta)
        each = squared_errors(model, pixels, q, beta, samples=samples, seed=seed)
        error = math.sqrt(float(each.var(1, ddof=1).sum()) / samples) / len(pixels)
        rows.append((beta, float(each.mean()), error, float(axis_rates(q).sum())))
        of_beta, squared, errors, rate = np.array(rows).T
        yield RateDistortion(of_beta, squared, errors, rate, scale, pixels[0].size, len(pixels), samples)


def squared_errors(
    model: Model, pixels: NDArray[np.uint8], q: Encoding, beta: float, *, samples: int, seed: int
) -> Doubles:
    r"""Returns :math:`\|x - f(z)\|^2` of images at samples of Q, `(N, S)`, in units of full intensity squared.

    Arguments:
        model: The model.
        pixels: Images, `(N, H, W)` or `(N, H, W, 3)`.
        q: Their posteriors at the KL weight.
        beta: The KL weight.
        samples: S.
        seed: Of the samples; image i takes those of (seed, i).
    """
    epsilon = normal(seed, range(len(pixels)), samples, model.axes)
    found = np.empty((len(pixels), samples))
    for start in range(0, len(pixels), BATCH):
        rows = slice(start, start + BATCH)
        x = PICTURES.normalised(pixels[rows]).reshape(len(pixels[rows]), -1)
        for s in range(samples):
            z = q.mean[rows] + q.std[rows] * epsilon[rows, s]
            residual = decode(model, z, beta).reshape(x.shape) - x
            found[rows, s] = np.einsum("np,np->n", residual, residual, dtype=np.float64)
    return found


def draw(model: Model, z: Floats, beta: float, sigma: float, seed: tuple[int, ...]) -> Draw:
    r"""Returns images drawn from P(X|z) beside their means.

    .. math:: x = f(z) + \sigma \, \eta, \quad \eta \sim N(0, I)

    Arguments:
        model: The model.
        z: Latent points, `(N, D)`.
        beta: The KL weight that the decoder is asked at.
        sigma: Units of full intensity.
        seed: Of eta, which is the same at every sigma: only its size changes.

    Raises:
        ValueError: If sigma is not above 0.
    """
    _demand_positive("sigma", sigma)
    mean = decode(model, z, beta)
    noise = np.random.default_rng(seed).standard_normal(mean.shape, np.float32)
    return Draw(z, mean, mean + np.float32(sigma) * noise)


def normal(seed: int, images: Sequence[int], samples: int, axes: int) -> Floats:
    """Returns standard normal numbers `(N, S, D)`, those of an image the same whichever others are asked for."""
    each = [np.random.default_rng((seed, image)).standard_normal((samples, axes), np.float32) for image in images]
    return np.stack(each)


def _demand_positive(name: str, value: float) -> None:
    if not (value > 0 and math.isfinite(value)):
        why = "P(X|z) would be a spike at f(z) whose density is infinite there and 0 everywhere else"
        raise ValueError(
            f"{name} must be a number above 0, and this one is {value:g}" + f": {why}." * (name == "sigma")
        )
