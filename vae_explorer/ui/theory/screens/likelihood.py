"""Why P(X) is hard: the mean of P(X|z) over draws, how many draws it takes, and what a Gaussian P(X|z) calls alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from vae_explorer.checkpoints import files
from vae_explorer.checkpoints.sidecars import SidecarError
from vae_explorer.latent.encoding import decode
from vae_explorer.latent.model import Doubles, Floats, Likelihood
from vae_explorer.measured.curves import Curve
from vae_explorer.theory.posterior import moments, posterior_cells
from vae_explorer.theory.quadrature import REACH, Extent, field_of
from vae_explorer.theory.sampling import (
    BLOCK,
    MOST,
    Cells,
    Draws,
    cell_draws,
    draws_needed,
    encoder_draws,
    log_likelihood,
    prior_draws,
)
from vae_explorer.theory.similarity import log_gaussian, squared_distance, variants
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory import exact
from vae_explorer.ui.theory.codecs import Number, Whole
from vae_explorer.ui.theory.screen import NEEDS, Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

Picture = Literal["estimate", "axes", "similar"]
Origin = Literal["prior", "encoder", "posterior"]
WHOLE: Extent = (-REACH, REACH, -REACH, REACH)  # of the plane
FAR = 150.0  # nats below its peak the field of log P(X|z) has no ink left
KEPT = 10  # blocks of decoded draws, for other images: 31 MB for MNIST
JUDGED = 20  # images of which the draws that are needed are counted
COUNTED = 40  # blocks of draws, for that


@dataclass(frozen=True, kw_only=True)
class View(Common):
    picture: Picture = "estimate"
    origin: Origin = "prior"
    draws: int = 1000
    sigma: float = 0.2
    piece: int = 3


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns log P(X|z) over the plane, and the encoder's Gaussian."""
    plane = exact.plane_of(asked.scene.key, asked.beta)
    field = exact.evened(plane, field_of(asked.model, plane, asked.image), WHOLE)
    q = asked.model.encode(asked.image[None], asked.beta)
    return {
        "about": _about(asked),
        "extent": list(WHOLE),
        "top": float(field.max()),
        "q": [*q.mean[0].tolist(), *q.std[0].tolist()],
    }, {
        "field": (field - field.max()).clip(-FAR, 0).astype(np.float16),
        "image": np.round(asked.image * 255).astype(np.uint8),
    }


def summed(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the exact log P(X), and what draws from the prior scatter about it."""
    found = exact.mass_of(asked.scene.key, asked.beta, asked.view.image)
    of = moments(found)
    said = {"logPx": found.log_px, "error": found.error, "rate": of.rate, "logScatter": of.log_scatter}
    return {"about": _about(asked), **said}, {}


def drawn(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the `more.block`th thousand draws, and the log of what each counts in the mean that is P(X)."""
    block = asked.whole("block", MOST // BLOCK)
    draws, decoded = _decoded(asked, block)
    log_w = log_likelihood(asked.model, decoded, asked.image) + draws.log_ratio
    return {"about": _about(asked), "block": block, "of": BLOCK}, {"z": draws.z, "logs": log_w.astype(np.float32)}


def needed(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns how many draws one test image takes, the `more.number`th of some."""
    number = asked.whole("number", JUDGED)
    key, beta, seed = asked.scene.key, asked.beta, asked.view.seed
    image = _images(key)[number]
    found = exact.mass_of(key, beta, image)
    log_w = np.concatenate([_judged(key, beta, seed, block)[number] for block in range(COUNTED)])
    fewest = draws_needed(log_w, found.log_px)
    said = {"about": [beta, seed], "number": number, "of": JUDGED, "image": image}
    return {**said, "rate": moments(found).rate, "needed": fewest, "judged": COUNTED * BLOCK // 4}, {}


def judged(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Decodes the `more.block`th thousand draws for all the images that `needed` is asked about."""
    block = asked.whole("block", COUNTED)
    _judged(asked.scene.key, asked.beta, asked.view.seed, block)
    return {"about": [asked.beta, asked.view.seed], "block": block, "of": COUNTED}, {}


def models(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the mean rate at this KL weight of all VAEs here, as it was measured: about D[P(z|X) || P(z)]."""
    found = []
    for entry in files.list_all():
        if entry.config is None or entry.error or not NEEDS["vae"][0](entry.config):
            continue
        try:
            curve = Curve.load(Curve.beside(entry.path))
        except (SidecarError, OSError):
            continue
        if curve.rate and min(curve.beta) > 0:
            rate = float(np.interp(np.log(asked.beta), np.log(curve.beta), curve.rate))
            found.append({"name": entry.name, "axes": entry.config.latent, "rate": rate})
    return {"about": [asked.beta], "models": found}, {}


def similar(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns Doersch's comparison: squared distances of what lacks a piece and of what is shifted, and log N."""
    made = variants(asked.image, min(asked.view.piece, *asked.model.shape[:2]))
    nearest = _nearest(asked)
    others = np.stack([made.missing, made.half, made.whole, nearest])
    squared = squared_distance(asked.image, others)
    levels = np.round(np.concatenate([made.image[None], others]) * 255).astype(np.uint8)
    return {
        "about": [*_about(asked), asked.view.piece],
        "squared": squared.tolist(),
        "logs": log_gaussian(squared, asked.view.sigma, asked.image.size).tolist(),
        "pixels": asked.image.size,
        "drawn": BLOCK,
    }, {"images": levels}


def _about(asked: Asked[View]) -> list[object]:
    view = asked.view
    return [view.image, asked.beta, view.seed, view.origin]


def _decoded(asked: Asked[View], block: int) -> tuple[Draws, Likelihood]:
    key, beta, view = asked.scene.key, asked.beta, asked.view
    if view.origin == "prior":
        draws = prior_draws(2, view.seed, block)
        if block < KEPT:
            return draws, _kept(key, beta, view.seed, block)
    elif view.origin == "encoder":
        q = asked.model.encode(asked.image[None], beta)
        draws = encoder_draws(q, view.seed, view.image, block)
    else:
        draws = cell_draws(_cells(key, beta, view.image), view.seed, view.image, block)
    return draws, asked.model.likelihood(draws.z, beta)


@once(KEPT)
def _kept(key: store.Key, beta: float, seed: int, block: int) -> Likelihood:
    """Returns draws from the prior, decoded: for every image."""
    return _decode(key, beta, seed, block)


def _decode(key: store.Key, beta: float, seed: int, block: int) -> Likelihood:
    return store.checkpoint(key).arrays.likelihood(prior_draws(2, seed, block).z, beta)


def _images(key: store.Key) -> list[int]:
    count = len(store.shown(key).images.pixels)
    return [int(image) for image in np.linspace(0, count - 1, JUDGED).round()]


@once(2 * COUNTED)
def _judged(key: store.Key, beta: float, seed: int, block: int) -> Doubles:
    """Returns log P(X|z) of some images at a block of draws from the prior, `(JUDGED, BLOCK)` nats."""
    model = store.checkpoint(key).arrays
    decoded = _kept(key, beta, seed, block) if block < KEPT else _decode(key, beta, seed, block)
    return np.stack([log_likelihood(model, decoded, exact.image_of(key, image)) for image in _images(key)])


@once(4)
def _cells(key: store.Key, beta: float, image: int) -> Cells:
    return posterior_cells(exact.mass_of(key, beta, image))


def _nearest(asked: Asked[View]) -> Floats:
    """Returns the decoded one of a thousand draws from the prior that is nearest to the image."""
    means = _means(asked.scene.key, asked.beta, asked.view.seed)
    nearest: Floats = means[int(squared_distance(asked.image, means).argmin())]
    return nearest


@once(1)
def _means(key: store.Key, beta: float, seed: int) -> Floats:
    return decode(store.checkpoint(key).arrays, prior_draws(2, seed, 0).z, beta)


SCREEN = Screen(
    name="likelihood",
    title="Why P(X) is hard",
    question="How many draws of z does it take to know P(X)?",
    prediction=Prediction(
        "Of 1,000 draws from the prior, how many carry 99 % of the sum?",
        ("Most of them", "About a hundred", "Fewer than fifty"),
    ),
    formula=(
        Term("exact", r"\log P(X)", "the exact log P(X), by quadrature, in nats"),
        r"\approx",
        Term("estimate", r"\log\tfrac1n\sum_{i=1}^{n}", "the estimate from n draws, in nats"),
        Term("carriers", "P(X|z_i)", "the draws that carry 99 % of the sum"),
        r",\;",
        Term("draws", "z_i", "the draws"),
    ),
    why=(
        "P(X) is the mean of P(X|z) over the prior. For most z it is nearly zero: a few draws that happen to fall "
        "where the image could come from carry the whole sum, and before one does, the estimate is far too low.",
        "The remedy is to draw z where P(X|z) is large, from Q(z|X), and to weigh each draw by P(z)/Q(z|X). From "
        "the posterior itself every weight equals P(X), and one draw suffices. Here it is drawn from the quadrature's "
        "small cells, whose size is all that is left of a spread.",
        "The n that is needed grows as exp(D[P(z|X) || P(z)]): an estimate (Chatterjee & Diaconis). On two "
        "axes it is measured: the fewest draws with which half of all estimates are right to within a factor of two. "
        "The divergence adds up over the axes; at 25 nats it is 7e10 draws. What stands for a model is its mean rate, "
        "D[Q(z|X) || P(z)].",
        "A smaller sigma is no way out. To tell a digit that lacks a piece from the digit, sigma must be small, and "
        "then the same digit half a pixel further right is told from it as well, although to us it is the same: by "
        "squared distance it is the farther of the two, so only draws that match almost pixel by pixel count.",
    ),
    sources=(
        Source("Doersch (2016), section 2.1 and figure 3", "https://arxiv.org/abs/1606.05908"),
        Source("Chatterjee & Diaconis (2018): the sample size required", "https://arxiv.org/abs/1511.01437"),
        Source("Burda et al. (2016): importance weights from Q", "https://arxiv.org/abs/1509.00519"),
    ),
    view=View,
    rows=(
        Row(name="picture", codec=OneOf(get_args(Picture)), default=lambda _: "estimate"),
        Row(name="origin", codec=OneOf(get_args(Origin)), default=lambda _: "prior"),
        Row(name="draws", link="n", codec=Whole(1, MOST), default=lambda _: 1000),
        Row(name="sigma", codec=Number(0.01, 1), default=lambda _: 0.2),
        Row(name="piece", codec=Whole(0, 8), default=lambda _: 3),
    ),
    parts={
        "main": main,
        "summed": summed,
        "drawn": drawn,
        "judged": judged,
        "needed": needed,
        "models": models,
        "similar": similar,
    },
)
