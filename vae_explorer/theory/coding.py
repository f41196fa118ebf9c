"""Minimum description length: what it costs to send an image, in bits, by a VAE and by others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from io import BytesIO
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch.special import log_ndtr

from vae_explorer.data.modality import PICTURES, Levels
from vae_explorer.latent.encoding import BATCH, encode
from vae_explorer.latent.model import Doubles, Encoding, Floats, Model
from vae_explorer.models.arrays import Arrays
from vae_explorer.theory.sigma import normal, scale_of, sigma_of

LEVELS = 256  # grey levels of a pixel
THRESHOLD = 128  # levels from here on are white
BITS = 1 / math.log(2)  # in a nat
SAMPLES = 8  # of z an image
WIDEST = 64.0  # cells a posterior std: of narrower ones the densities are the cells' masses to 1e-5 bits

Binarising = Literal["draw", "threshold"]


class Code(NamedTuple):
    """What a VAE pays for images, in bits: code plus residual."""

    residual: Doubles  # (N, H, W) or (N, H, W, 3)  -E_Q log2 P(x_i|z) of each value
    error: Doubles  # (N,)  standard error of an image's residual, from the samples of z
    rate: Doubles  # (N,)  D[Q(z|X) || P(z)], what z costs once the bits of Q are back

    @property
    def total(self) -> Doubles:
        """The negative ELBO of each image, `(N,)` bits."""
        total: Doubles = self.residual.reshape(len(self.residual), -1).sum(1) + self.rate
        return total


class Files(NamedTuple):
    """Bits of one file that holds all images as a sheet."""

    png: int
    webp: int  # lossless


class BitsBack(NamedTuple):
    """What one image costs when z is sent with a given number of binary places, in bits; means over Q."""

    places: Doubles  # (K,)  -log2 delta: cells of z are delta = 2^-places wide
    cost: Doubles  # (K,)  of z's cells under the prior, -E log2 P(cell)
    back: Doubles  # (K,)  what the receiver reads off Q once X is known, -E log2 Q(cell)
    residual: Doubles  # (K,)  -E log2 P(X|z) at the cells' centres
    error: Doubles  # (K,)  standard error of the residual, from the samples of z
    limit: float  # the negative ELBO: the net cost of infinitely fine cells
    pixels: Doubles  # (H, W) or (H, W, 3)  -E log2 P(x_i|z) of each value at z itself

    @property
    def net(self) -> Doubles:
        """What is paid in the end, `(K,)`: cost + residual - back."""
        return self.cost + self.residual - self.back


def noise_of(model: Arrays, beta: float) -> float | None:
    """Returns the sigma of the code that a model makes at a KL weight; None for black and white pixels.

    Raises:
        ValueError: If the model makes no code: an autoencoder, or a likelihood that is no distribution over levels.
    """
    config = model.network.config
    if config.kind == "autoencoder":
        raise ValueError(
            "A deterministic autoencoder has no P(z) and its Q(z|X) is a point: sending z takes infinitely many "
            "bits. Take a VAE."
        )
    if config.likelihood == "bernoulli":
        return None
    if config.likelihood == "continuous-bernoulli":
        raise ValueError(
            "The likelihood of this model is a continuous Bernoulli: a density over grey levels, and no distribution "
            "over 256 of them. Take a model whose likelihood is bernoulli (black and white pixels) or gaussian."
        )
    return sigma_of(beta, scale_of(model))


def binarised(pixels: Levels, how: Binarising, *, seed: int, images: Sequence[int]) -> Levels:
    """Returns images of black (0) and white (255) alone.

    Arguments:
        pixels: Grey levels, `(N, H, W)`.
        how: `draw` takes a pixel's grey level as the chance that it is white, once; `threshold` whitens from 128 on.
        seed: Of the draw.
        images: Numbers of the images: one is drawn the same in whatever company.
    """
    if how == "threshold":
        return np.where(pixels >= THRESHOLD, 255, 0).astype(np.uint8)
    chance = [np.random.default_rng((seed, image)).random(pixels.shape[1:]) for image in images]
    return np.where(np.stack(chance) < pixels / 255, 255, 0).astype(np.uint8)


def log_mass(levels: Levels, mean: Floats | Doubles, sigma: float) -> Doubles:
    r"""Returns the logarithm of the chance of grey levels, in nats: a Gaussian's mass between two neighbours' middles.

    .. math:: P(k) = \Phi\left(\frac{(k + \frac12)/255 - \mu}{\sigma}\right)
        - \Phi\left(\frac{(k - \frac12)/255 - \mu}{\sigma}\right)

    The lowest bin takes all below it and the highest all above, so that the 256 sum to one: a black pixel is nearly
    free where the mean is black, while an unbounded density would make it pay for levels that do not exist.

    Arguments:
        levels: k, of any shape.
        mean: mu, of the same shape, 1 is full intensity.
        sigma: The Gaussian's std, units of full intensity.

    Raises:
        ValueError: If sigma is not above 0.
    """
    sigma_of(1.0, sigma)
    centre = mean.astype(np.float64)
    low = np.where(levels == 0, -np.inf, ((levels - 0.5) / 255 - centre) / sigma)
    high = np.where(levels == LEVELS - 1, np.inf, ((levels + 0.5) / 255 - centre) / sigma)
    return _log_interval(low, high)


def code(
    model: Model,
    pixels: Levels,
    beta: float,
    *,
    sigma: float | None,
    images: Sequence[int],
    seed: int,
    samples: int = SAMPLES,
) -> Code:
    r"""Returns what images cost by a VAE whose bits for z come back (`bits_back`): the negative ELBO.

    .. math:: -E_Q \log_2 P(X|z) + \frac{1}{\log 2} D[Q(z|X) \| P(z)]

    Arguments:
        model: The model.
        pixels: Images; black and white alone, 0 and 255, where sigma is None. The encoder sees these very images:
            whoever reads the code must be able to form Q from what was sent.
        beta: The KL weight.
        sigma: Std of P(X|z), a discretised Gaussian (`log_mass`); None for a Bernoulli in each pixel.
        images: Their numbers, for the samples of z.
        seed: Of the samples.
        samples: Of z an image, two at least.

    Raises:
        ValueError: If there are grey pixels where sigma is None: a Bernoulli says nothing of them.
    """
    if sigma is None and not np.isin(pixels, (0, 255)).all():
        raise ValueError("a Bernoulli is a code for black and white pixels alone: binarise the images first")
    q = encode(model, pixels, beta)
    z = (q.mean[:, None] + q.std[:, None] * normal(seed, images, samples, model.axes)).astype(np.float32)
    residual = np.zeros(pixels.shape)
    sums = np.empty((samples, len(pixels)))
    for s in range(samples):
        each = residuals(model, pixels, z[:, s], beta, sigma)
        residual += each / samples
        sums[s] = each.reshape(len(pixels), -1).sum(1)
    return Code(residual, sums.std(0, ddof=1) / math.sqrt(samples), BITS * _rates(q))


def residuals(model: Model, pixels: Levels, z: Floats, beta: float, sigma: float | None) -> Doubles:
    """Returns -log2 P(x_i|z) of each value of images at a latent point each, in the images' shape, bits."""
    each = np.empty(pixels.shape)
    for start in range(0, len(pixels), BATCH):
        rows = slice(start, start + BATCH)
        if sigma is None:
            logits = model.likelihood(z[rows], beta).weights.astype(np.float64).reshape(pixels[rows].shape)
            each[rows] = BITS * np.logaddexp(0, np.where(pixels[rows] > 0, -logits, logits))
        else:
            each[rows] = -BITS * log_mass(pixels[rows], model.decode(z[rows], beta), sigma)
    return each


def bits_back(
    model: Model,
    pixels: Levels,
    beta: float,
    places: Sequence[int],
    *,
    sigma: float | None,
    image: int,
    seed: int,
    samples: int = 2 * SAMPLES,
) -> BitsBack:
    r"""Returns what one image costs when z is rounded to cells of width :math:`\delta = 2^{-k}` on each axis.

    The sender picks a cell by Q, with bits of another message as the chance; it pays for the cell under P(z) and for
    X given the cell's centre; the receiver, who then knows X and so Q, reads those bits off the cell.

    .. math:: \underbrace{-\log_2 P(z) \, \delta^D}_{\text{cost}} + \underbrace{-\log_2 P(X|z)}_{\text{residual}}
        - \underbrace{(-\log_2 Q(z|X) \, \delta^D)}_{\text{back}}

    delta cancels: a place more for z costs D bits, and D come back. The cells' own masses are taken, not
    density times width, so each column is a code that could be sent. It comes to the negative ELBO once the cells are
    finer than Q; wider ones make another Q, which may be a better one than the encoder's or a worse one.

    Arguments:
        model: The model.
        pixels: One image, `(1, H, W)`; black and white where sigma is None.
        beta: The KL weight.
        places: k, of any sign.
        sigma: As in `code`.
        image: Its number, for the samples.
        seed: Of the samples of z, the same at every k.
        samples: Of z.

    References:
        | Keeping Neural Networks Simple by Minimizing the Description Length of the Weights (Hinton & van Camp, 1993)
        | https://doi.org/10.1145/168304.168306
        | Practical Lossless Compression with Latent Variables using Bits Back Coding (Townsend et al., 2019)
        | https://arxiv.org/abs/1901.04866
    """
    q = encode(model, pixels, beta)
    z = q.mean + q.std * normal(seed, [image], samples, model.axes)[0]
    width = 2.0 ** -np.array(places, np.float64)
    centres = (np.floor(z / width[:, None, None]) + 0.5) * width[:, None, None]
    points = np.concatenate([centres, z[None]]).reshape(-1, model.axes).astype(np.float32)
    each = residuals(model, np.broadcast_to(pixels, (len(points), *pixels.shape[1:])), points, beta, sigma)
    sums = each.reshape(len(places) + 1, samples, -1).sum(2)
    cost, back = np.array([cells(q.mean[0], q.std[0], delta) for delta in width.tolist()]).T
    return BitsBack(
        places=np.array(places, np.float64),
        cost=cost,
        back=back,
        residual=sums[:-1].mean(1),
        error=sums[:-1].std(1, ddof=1) / math.sqrt(samples),
        limit=float(sums[-1].mean() + BITS * _rates(q)[0]),
        pixels=each[-samples:].mean(0),
    )


def cells(mean: Floats, std: Floats, width: float) -> tuple[float, float]:
    r"""Returns :math:`-E \log_2 P(\text{cell})` and :math:`-E \log_2 Q(\text{cell})` over Q's cells, in bits.

    Cells begin at multiples of the width; a cell's mass is the product of the axes', so that both are sums over axes.
    Where they are much narrower than Q, density times width is the mass:

    .. math:: \tfrac12 \log_2 2 \pi + \frac{\mu^2 + \sigma^2}{2 \log 2} - \log_2 \delta, \quad
        \tfrac12 \log_2 2 \pi e \sigma^2 - \log_2 \delta

    Arguments:
        mean: Of Q, `(D,)`.
        std: Of Q, `(D,)`.
        width: delta, latent units.
    """
    cost = back = 0.0
    for m, s in zip(mean.astype(np.float64).tolist(), std.astype(np.float64).tolist(), strict=True):
        if s > WIDEST * width:
            cost += 0.5 * math.log(2 * math.pi) + 0.5 * (m * m + s * s) - math.log(width)
            back += 0.5 * math.log(2 * math.pi * math.e) + math.log(s) - math.log(width)
            continue
        edges = width * np.arange(math.floor((m - 9 * s) / width), math.ceil((m + 9 * s) / width) + 1)
        log_q = _log_interval((edges[:-1] - m) / s, (edges[1:] - m) / s)
        cost -= float(np.exp(log_q) @ _log_interval(edges[:-1], edges[1:]))
        back -= float(np.exp(log_q) @ log_q)
    return BITS * cost, BITS * back


def grey_levels(pixels: Levels) -> NDArray[np.int64]:
    """Returns how often each of the 256 levels occurs in images."""
    return np.bincount(pixels.ravel(), minlength=LEVELS).astype(np.int64)


def order_zero(pixels: Levels, counts: NDArray[np.int64]) -> Doubles:
    r"""Returns the bits `(N,)` of an entropy coder that knows the levels' frequencies and nothing of where they are.

    .. math:: -\sum_i \log_2 \frac{n(x_i) + 1}{\sum_k (n(k) + 1)}

    Arguments:
        pixels: Images, `(N, H, W)` or `(N, H, W, 3)`.
        counts: n, how often each level occurs in the training part; one more of each, so that none is impossible.
    """
    bits = -np.log2((counts + 1) / (counts + 1).sum())
    total: Doubles = bits[pixels].reshape(len(pixels), -1).sum(1)
    return total


def naive(pixels: Levels, black_and_white: bool) -> int:
    """Returns the bits of images sent as they are kept: 8 a value, or 1."""
    return pixels.size * (1 if black_and_white else 8)


def files(pixels: Levels, black_and_white: bool) -> Files:
    """Returns the sizes of images as one sheet, in bits, as Pillow writes it.

    PNG takes one bit a pixel where there is nothing but black and white. WebP's own lossless effort is Pillow's: the
    strongest (quality 100, method 6) takes two hundred times as long and saves under 1 % here.

    Arguments:
        pixels: A square number of images, `(N, H, W)`, or `(N, H, W, 3)`.
        black_and_white: Whether PNG may say so.
    """
    from PIL import Image

    sheet = Image.fromarray(PICTURES.sheet(pixels))
    flat = sheet.convert("1", dither=Image.Dither.NONE) if black_and_white and sheet.mode == "L" else sheet
    sizes = []
    for picture, kind, options in (
        (flat, "PNG", {"optimize": True}),
        (sheet.convert("RGB"), "WEBP", {"lossless": True}),
    ):
        out = BytesIO()
        picture.save(out, kind, **options)
        sizes.append(8 * out.tell())
    return Files(*sizes)


def _rates(q: Encoding) -> Doubles:
    """Returns D[Q(z|X) || P(z)] of each image, `(N,)` nats."""
    mean, std = (each.astype(np.float64) for each in q)
    rates: Doubles = (0.5 * (mean**2 + std**2 - 1) - np.log(std)).sum(1)
    return rates


def _log_interval(low: Doubles, high: Doubles) -> Doubles:
    """Returns the logarithm of the standard normal mass between two limits, far out in either tail too."""
    flip = low + high > 0  # the upper tail is the lower one's mirror image, where no digits are lost
    a = log_ndtr(torch.from_numpy(np.where(flip, -high, low)))
    b = log_ndtr(torch.from_numpy(np.where(flip, -low, high)))
    mass: Doubles = (b + (-torch.expm1(a - b)).log()).numpy()
    return mass
