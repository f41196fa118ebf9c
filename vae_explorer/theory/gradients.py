"""What a gradient step averages: gradients by all weights of single images and single z, and how far off they are."""

from __future__ import annotations

import copy
import math
from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from vae_explorer.latent.model import Doubles, Floats
from vae_explorer.models.autoencoder import Autoencoder
from vae_explorer.models.objectives import objective, terms

CHUNK = 128  # gradients at a time
Whole = list[Tensor]  # a gradient by all weights, layer by layer, `(I, O)` each


class Pair(NamedTuple):
    r"""A layer's part of N gradients, :math:`g_i = \sum_l a_{il} \otimes d_{il}`, never written out where L is 1."""

    left: Tensor  # (N, L, I)  what goes into the layer, at each of its L places
    right: Tensor  # (N, L, O)  the derivative of the objective by what comes out


class Angles(NamedTuple):
    """Means of n gradients against the whole one, R times each."""

    samples: NDArray[np.int64]  # (K,)  n
    degrees: Doubles  # (K, R)  angle to the whole gradient
    ratio: Doubles  # (K, R)  norm over the whole gradient's


class Spread(NamedTuple):
    r"""How single gradients scatter about the whole one, G.

    :math:`\operatorname{tr} \Sigma / |G|^2` is the number of samples at which noise and signal are equally long.
    """

    norm: float  # |G|, nats per unit of the weights
    noise: float  # root of tr Sigma of one image and one z, the same unit
    from_images: float  # share of tr Sigma that is left when z is averaged out, 0 to 1
    critical: float  # tr Sigma / |G|^2, samples


class Pool(NamedTuple):
    """M images with S draws of z each: their M S gradients, and the mean of all."""

    products: Doubles  # (M S, M S)  inner products; the draws of an image stand together
    whole: Whole  # the mean gradient, G
    draws: int  # S
    weights: int  # how many numbers a gradient has


def pool(network: Autoencoder, images: Floats, epsilon: Doubles, beta: float) -> Generator[float, None, Pool]:
    r"""Computes all inner products of the gradients of single images and single z; yields the share that is done.

    .. math:: g_{ms} = \nabla_\theta \left( \log P(X_m | z_{ms}) - \beta D[Q(z|X_m) \| P(z)] \right), \quad
        z_{ms} = \mu_\theta(X_m) + \sigma_\theta(X_m) \epsilon_{ms}

    theta is every weight and bias of encoder and decoder. A layer's gradient is an outer product,
    so the inner product of two is the product of two inner products, and no gradient is ever written out:

    .. math:: \langle a_i \otimes d_i, a_j \otimes d_j \rangle = (a_i \cdot a_j) (d_i \cdot d_j)

    Arguments:
        network: A VAE.
        images: X, `(M, H, W)`.
        epsilon: Standard normal numbers, `(M, S, D)`.
        beta: The KL weight.

    Raises:
        ValueError: If the network is a deterministic autoencoder, or the shapes do not fit.

    References:
        | Efficient Per-Example Gradient Computations (Goodfellow, 2015)
        | https://arxiv.org/abs/1510.01799
    """
    if network.config.kind == "autoencoder":
        raise ValueError("a deterministic autoencoder draws no z: take a VAE")
    if epsilon.ndim != 3 or len(epsilon) != len(images) or epsilon.shape[2] != network.config.latent or not len(images):
        raise ValueError(f"epsilon has shape {epsilon.shape}, which does not fit {len(images)} images")
    draws = epsilon.shape[1]
    x = np.repeat(images, draws, 0)
    noise = epsilon.reshape(len(x), -1)
    parts, starts = [], range(0, len(x), CHUNK)
    for start in starts:
        parts.append(factors(network, x[start : start + CHUNK], noise[start : start + CHUNK], beta))
        yield 0.5 * (start + CHUNK) / (starts[-1] + CHUNK)
    layers = [Pair(*map(torch.cat, zip(*each, strict=True))) for each in zip(*parts, strict=True)]
    parts.clear()
    products = torch.zeros(len(x), len(x), dtype=torch.float64)
    for done, pair in enumerate(layers, 1):
        for rows in torch.arange(len(x)).split(CHUNK):
            products[rows] += _products(Pair(pair.left[rows], pair.right[rows]), pair)
            yield 0.5 + 0.5 * (done - 1 + (int(rows[-1]) + 1) / len(x)) / len(layers)
    whole = [_mean(pair) for pair in layers]
    return Pool(products.numpy(), whole, draws, sum(each.numel() for each in whole))


def factors(network: Autoencoder, images: Floats, epsilon: Doubles, beta: float) -> list[Pair]:
    """Returns the gradients of N images `(N, H, W)` with one z each, from epsilon `(N, D)`, layer by layer."""
    twin = copy.deepcopy(network).requires_grad_()  # its own: hooks would be seen by every other thread
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    for module in twin.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(lambda m, inputs, out: seen.append((m, inputs[0].detach(), out)))
    like = twin.log_scale
    x, noise = torch.from_numpy(images).to(like.dtype), torch.from_numpy(epsilon).to(like.dtype)
    betas = like.new_full((len(x),), beta)
    total = -objective(terms(twin, x, betas, None, noise), betas).sum()
    derivatives = torch.autograd.grad(total, [out for _, _, out in seen])
    found = []
    for (module, into, _), out in zip(seen, derivatives, strict=True):
        found += _layer(module, into, out)
    return found


def spread(pool: Pool) -> Spread:
    r"""Returns norm and noise, and what share of the noise is the images'.

    .. math:: \operatorname{tr} \Sigma = E |g|^2 - |G|^2
        = \underbrace{E_X |E_z g|^2 - |G|^2}_{\text{images}} + \underbrace{E_X [E_z |g|^2 - |E_z g|^2]}_{z}

    The expectation over z of the split is estimated without bias from S draws, so it needs two of them.

    Raises:
        ValueError: If there is one draw an image.

    References:
        | An Empirical Model of Large-Batch Training (McCandlish et al., 2018)
        | https://arxiv.org/abs/1812.06162
    """
    if pool.draws < 2:
        raise ValueError("the share of the images takes two draws of z an image at least")
    single = float(np.trace(pool.products)) / len(pool.products)
    blocks = averaged(pool)
    image, whole = float(np.trace(blocks)) / len(blocks), float(blocks.mean())
    by_z = (single - image) * pool.draws / (pool.draws - 1)  # of one z, over infinitely many
    total = single - whole
    share = 1 - by_z / total if total > 0 else 1.0
    norm = math.sqrt(max(whole, 0.0))
    return Spread(norm, math.sqrt(max(total, 0.0)), min(max(share, 0.0), 1.0), total / whole if whole > 0 else math.inf)


def averaged(pool: Pool) -> Doubles:
    """Returns the inner products `(M, M)` of the images' gradients, each the mean over its draws of z."""
    images = len(pool.products) // pool.draws
    blocks: Doubles = pool.products.reshape(images, pool.draws, images, pool.draws).mean((1, 3))
    return blocks


def minibatches(products: Doubles, samples: NDArray[np.int64], repetitions: int, seed: int) -> Angles:
    r"""Returns angle and norm of the mean of n gradients, drawn with replacement, against the mean of all.

    .. math:: \cos = \frac{\langle g_n, G \rangle}{|g_n| |G|}, \quad |g_n|^2 = c^T K c, \quad
        \langle g_n, G \rangle = c^T K \tfrac1N 1

    with K the inner products and c how often each was drawn, over n.

    Arguments:
        products: K, `(N, N)`.
        samples: n, `(K,)`, each 1 or more.
        repetitions: R.
        seed: Of the draws.

    Raises:
        ValueError: If an n is not positive.
    """
    if np.any(samples < 1):
        raise ValueError("a mean takes one sample at least")
    total = len(products)
    towards, whole = products.mean(1), float(products.mean())
    random = np.random.default_rng(seed)
    inner, squares = np.empty((2, len(samples), repetitions))
    for k, n in enumerate(samples.tolist()):
        chosen = random.integers(total, size=(repetitions, n))
        if n * n < total:
            squares[k] = [products[np.ix_(rows, rows)].mean() for rows in chosen]
        else:
            counts = np.stack([np.bincount(rows, minlength=total) for rows in chosen]) / n
            squares[k] = np.einsum("rn,rn->r", counts @ products, counts)
        inner[k] = towards[chosen].mean(1)
    return _angles(samples, inner, squares, whole)


def law(spread: Spread, samples: NDArray[np.int64]) -> Doubles:
    r"""Returns :math:`\arctan \sqrt{\operatorname{tr} \Sigma / (n |G|^2)}`, degrees: noise at right angles to G."""
    degrees: Doubles = np.degrees(np.arctan(np.sqrt(spread.critical / samples)))
    return degrees


def one_image(
    network: Autoencoder,
    image: Floats,
    epsilon: Doubles,
    beta: float,
    pool: Pool,
    samples: NDArray[np.int64],
    seed: int,
) -> Angles:
    """Returns the same as `minibatches` for one image `(H, W)` with many z, from epsilon `(N, D)`.

    They converge to this image's own gradient, so the angle to the whole one does not go to zero. Of each n, as
    many disjoint groups as N allows come first; the rest of R = N repetitions are drawn from the N without replacement.

    Raises:
        ValueError: If an n is larger than N.
    """
    if samples.max() > len(epsilon):
        raise ValueError(f"{samples.max()} draws of z are more than the {len(epsilon)} that there are")
    pairs = factors(network, np.broadcast_to(image, (len(epsilon), *image.shape)).copy(), epsilon, beta)
    products: Doubles = sum(_products(pair, pair) for pair in pairs).numpy()  # type: ignore[union-attr]
    towards: Doubles = sum(_towards(pair, g) for pair, g in zip(pairs, pool.whole, strict=True)).numpy()  # type: ignore[union-attr]
    whole = sum(float(g.double().square().sum()) for g in pool.whole)
    random, total = np.random.default_rng(seed), len(epsilon)
    inner, squares = np.empty((2, len(samples), total))
    for k, n in enumerate(samples.tolist()):
        orders = np.concatenate([random.permutation(total)[: total // n * n] for _ in range(-(-total // (total // n)))])
        groups = np.concatenate([np.arange(total)[: total // n * n].reshape(-1, n), orders.reshape(-1, n)])[:total]
        inner[k] = towards[groups].mean(1)
        counts = np.zeros((total, total))
        np.put_along_axis(counts, groups, 1 / n, 1)
        squares[k] = np.einsum("rn,rn->r", counts @ products, counts)
    return _angles(samples, inner, squares, whole)


def _angles(samples: NDArray[np.int64], inner: Doubles, squares: Doubles, whole: float) -> Angles:
    norms, length = np.sqrt(squares.clip(1e-300)), math.sqrt(max(whole, 1e-300))
    cosine = (inner / (norms * length)).clip(-1, 1)
    return Angles(samples, np.degrees(np.arccos(cosine)), norms / length)


def _layer(module: nn.Module, into: Tensor, out: Tensor) -> list[Pair]:
    """Returns a layer's weights' part and its biases' of N gradients."""
    if isinstance(module, nn.Linear):
        left = torch.cat([into, into.new_ones(len(into), 1)], 1)  # the bias sees ones
        return [Pair(left[:, None], out[:, None])]
    assert isinstance(module, (nn.Conv2d, nn.ConvTranspose2d))
    few, many = (into, out) if isinstance(module, nn.ConvTranspose2d) else (out, into)
    assert not isinstance(module.padding, str)
    patches = nn.functional.unfold(many, module.kernel_size, module.dilation, module.padding, module.stride)
    written = torch.einsum("nil,nol->nio", patches, few.flatten(2)).flatten(1)
    one = into.new_ones(len(into), 1, 1)
    return [Pair(written[:, None], one), Pair(out.flatten(2).sum(2)[:, None], one)]


def _products(some: Pair, all_: Pair) -> Tensor:
    """Returns the inner products `(n, N)` of some gradients' parts with all, in float64."""
    if all_.left.shape[1] != 1:
        raise ValueError("parts of several places have to be written out")
    product: Tensor = (some.left[:, 0] @ all_.left[:, 0].T).double() * (some.right[:, 0] @ all_.right[:, 0].T).double()
    return product


def _mean(pair: Pair) -> Tensor:
    total: Tensor = torch.einsum("nli,nlo->io", pair.left, pair.right) / len(pair.left)
    return total


def _towards(pair: Pair, whole: Tensor) -> Tensor:
    inner: Tensor = ((pair.left[:, 0] @ whole) * pair.right[:, 0]).sum(1, dtype=torch.float64)
    return inner
