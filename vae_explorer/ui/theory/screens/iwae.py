"""The importance-weighted bound: how many draws of Q it takes, and what no number of draws mends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles
from vae_explorer.theory import importance, quadrature
from vae_explorer.theory.importance import Draws
from vae_explorer.theory.quadrature import Extent, Mass
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory import exact
from vae_explorer.ui.theory.codecs import Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

POOL = 1024  # draws that are answered at once
POOLS = 16  # of an image: 4 estimates with 4,096 draws each
SCANNED = 60  # test images that are ranked, from all over the part
EACH = 256  # draws of each of those: 4 estimates with 64
SIDE = 64  # cells of the posterior's field
WIDER = 1.15  # what is seen around the mass and around Q


@dataclass(frozen=True, kw_only=True)
class View(Common):
    k: int = 64  # draws that are shown


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the first pool of draws, with Q."""
    return draws(asked)


def draws(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns a pool of draws, which one `more.pool` says: points, log weights, and the terms of these, in nats."""
    pool, image = asked.whole("pool", POOLS), asked.view.image
    drawn = _drawn(asked.scene.key, image, asked.beta, asked.view.seed, pool)
    q = asked.model.encode(asked.image[None], asked.beta)
    header: Header = {
        "pool": pool,
        "pools": POOLS,
        "size": POOL,
        "about": [image, asked.beta, asked.view.seed],  # whose draws they are: pools of others do not mix
        "mean": q.mean[0].tolist(),
        "std": q.std[0].tolist(),
        "base": float(drawn.log_weights[0, 0]),  # float32 carries what is beyond it
    }
    log_weights = (drawn.log_weights[0] - drawn.log_weights[0, 0]).astype(np.float32)
    return header, {"z": drawn.z[0], "logWeights": log_weights, "pixels": asked.pixels[image]}


def limit(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns log P(X) by quadrature, in nats, and the square of the plane that holds the posterior and Q."""
    found = exact.mass_of(asked.scene.key, asked.beta, asked.view.image)
    extent = _extent(found, asked)
    q = asked.model.encode(asked.image[None], asked.beta)
    standardised = (found.nodes - q.mean) / q.std
    # how much of the posterior lies beyond three standard deviations of Q along an axis
    beyond = float(found.shares[(np.abs(standardised) > 3).any(1)].sum())
    about = [asked.view.image, asked.beta]
    return {"logPx": found.log_px, "error": found.error, "extent": extent, "beyond": beyond, "about": about}, {}


def field(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the exact posterior's density over the square that `limit` names, 1 at its highest."""
    extent = _extent(exact.mass_of(asked.scene.key, asked.beta, asked.view.image), asked)
    log_likelihood = quadrature.log_likelihood_field(asked.model, asked.image, asked.beta, extent, SIDE)
    columns, rows = _centres(extent)
    joint = log_likelihood - 0.5 * (columns**2 + rows[:, None] ** 2)
    header: Header = {"extent": extent, "about": [asked.view.image, asked.beta]}
    return header, {"density": np.exp(joint - joint.max()).astype(np.float32).ravel()}


def scan(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns how loose the bound of one test image is, the `more.number`th of those that are ranked."""
    number = asked.whole("number", SCANNED)
    count = len(asked.pixels)
    image = int(np.linspace(0, count - 1, min(SCANNED, count)).round()[min(number, count - 1)])
    log_px, bounds = _loose(asked.scene.key, image, asked.beta, asked.view.seed)
    counts = [k for k in importance.COUNTS if k <= EACH]
    return {
        "image": image,
        "number": number,
        "of": min(SCANNED, count),
        "counts": counts,
        "gaps": [log_px - bound for bound in bounds],
        "about": [asked.beta, asked.view.seed],
    }, {"pixels": asked.pixels[image]}


@once(64)
def _drawn(key: store.Key, image: int, beta: float, seed: int, pool: int) -> Draws:
    pixels = PICTURES.normalised(store.shown(key).images.pixels[image : image + 1])
    return importance.draw(store.checkpoint(key).arrays, pixels, beta, POOL, seed, [image], pool)


@once(512)
def _loose(key: store.Key, image: int, beta: float, seed: int) -> tuple[float, tuple[float, ...]]:
    """Returns log P(X) of an image and its bounds, in nats."""
    pixels = PICTURES.normalised(store.shown(key).images.pixels[image : image + 1])
    counts = tuple(k for k in importance.COUNTS if k <= EACH)
    found = importance.looseness(store.checkpoint(key).arrays, pixels, beta, seed, [image], counts)
    return exact.mass_of(key, beta, image).log_px, tuple(found.bounds[0].tolist())


def _extent(found: Mass, asked: Asked[View]) -> Extent:
    """Returns a square that holds the posterior's mass and three standard deviations of Q."""
    q = asked.model.encode(asked.image[None], asked.beta)
    left, right, bottom, top = quadrature.extent_of(found)
    low, high = (q.mean - 3 * q.std)[0], (q.mean + 3 * q.std)[0]
    left, right = min(left, float(low[0])), max(right, float(high[0]))
    bottom, top = min(bottom, float(low[1])), max(top, float(high[1]))
    half = WIDER * max(right - left, top - bottom) / 2
    x, y = (left + right) / 2, (bottom + top) / 2
    return x - half, x + half, y - half, y + half


def _centres(extent: Extent) -> tuple[Doubles, Doubles]:
    """Returns the centres of the field's cells, rising along the first axis, falling along the second."""
    left, right, bottom, top = extent
    steps = (np.arange(SIDE) + 0.5) / SIDE
    return left + steps * (right - left), top - steps * (top - bottom)


SCREEN = Screen(
    name="iwae",
    title="More draws",
    question="How much tighter does the bound become with k draws instead of one?",
    prediction=Prediction(
        "How many draws of Q until the bound is within 0.1 nat of log P(X) of this image?",
        ("Up to 16", "17 to 256", "More than 256"),
    ),
    formula=(
        Term("bound", r"\mathcal L_k", "the bound with k draws, in nats: with one draw it is the ELBO"),
        r"=E\log\tfrac1k\sum_{i=1}^{k}",
        Term("weight", r"w_i", "the weights of the draws; the number: the largest one's share of the k that are shown"),
        r"\;\le\;",
        Term("logpx", r"\log P(X)", "the limit, by quadrature, in nats"),
        r"\quad",
        Term("joint", r"w_i=P(X|z_i)\,P(z_i)", "the posterior but for its scale: the field on the plane", live=False),
        r"\Big/",
        Term(
            "q",
            r"Q(z_i|X)",
            "the encoder's Gaussian, from which z is drawn: the ellipses of one and two sigma",
            live=False,
        ),
        r"\quad",
        Term("ess", r"\frac{(\sum_i w_i)^2}{\sum_i w_i^2}", "the effective sample size of the k draws that are shown"),
    ),
    why=(
        "The mean of the weights w is P(X), whatever k is: each is an unbiased estimate. The logarithm is concave, so "
        "the logarithm of a mean of k of them lies below log P(X) on average, by less the steadier that mean is: the "
        "bound rises with k, and log P(X) is its limit (Burda et al. 2016). With one draw it is the ELBO.",
        "How fast depends on how unequal the weights are. About chi-squared / 2k nats are missing, where chi-squared "
        "is the divergence of Q from the posterior; the effective sample size says how many of k draws really count.",
        "Where Q misses a part of the posterior, hardly any draw ever falls there. Its weight would be enormous, and "
        "until it comes the bound stays low: a second mode with half the mass costs log 2 nats, one with nearly all of "
        "it costs dozens. The standard error does not show it: it knows nothing of what no draw has hit.",
        "Each estimate of the bound is the mean over disjoint blocks of k draws out of one pool of 16,384, which is "
        "unbiased; blocks nest, so the curve rises in every pool. log P(X) is against grey levels where pixels are "
        "grey: a cross-entropy, and no density.",
    ),
    sources=(
        Source(
            "Burda, Grosse & Salakhutdinov (2016): Importance Weighted Autoencoders", "https://arxiv.org/abs/1509.00519"
        ),
        Source("Cremer, Morris & Duvenaud (2017): Reinterpreting IWAE", "https://arxiv.org/abs/1704.02916"),
        Source(
            "Domke & Sheldon (2018): Importance Weighting and Variational Inference", "https://arxiv.org/abs/1808.09034"
        ),
    ),
    needs="plane",
    view=View,
    rows=(Row(name="k", codec=Whole(1, importance.LARGEST), default=lambda _: 64),),
    parts={"main": main, "draws": draws, "limit": limit, "field": field, "scan": scan},
)
