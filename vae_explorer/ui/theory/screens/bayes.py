"""Bayes' rule, drawn: prior, likelihood and posterior of one image over the plane, also with pixels hidden."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from vae_explorer.latent.model import Doubles, log_prior
from vae_explorer.theory.bayes import PATTERNS, Pattern, fields, hidden, kl_to_posterior
from vae_explorer.theory.posterior import Moments, moments
from vae_explorer.theory.quadrature import REACH, SIDE, Extent, extent_of, field_of
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.limits import is_number
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.state.words import Refused
from vae_explorer.ui.theory import exact
from vae_explorer.ui.theory.codecs import Number
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

WHOLE: Extent = (-REACH, REACH, -REACH, REACH)  # of the plane
ZOOMED = 48  # cells a side of what is zoomed into
FAR = 30.0  # nats below its peak a field has no ink left


@dataclass(frozen=True, kw_only=True)
class View(Common):
    pattern: Pattern = "half"
    share: float = 0.0
    seen: str = "posterior"


def hiding_of(asked: Asked[View]) -> exact.Hiding:
    return (asked.view.pattern, asked.view.share, asked.view.seed) if asked.view.share else exact.NOTHING


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the three fields over the whole plane, from the decoded one that is kept."""
    key, hiding = asked.scene.key, hiding_of(asked)
    plane = exact.seen_plane(key, asked.beta, hiding)
    blank = exact.image_of(key, asked.view.image, hiding)
    likelihood = field_of(exact.model_of(key, hiding), plane, blank)
    joint = likelihood + log_prior(plane.z).reshape(likelihood.shape)
    q = asked.model.encode(asked.image[None], asked.beta)
    gone = hidden(asked.model.shape, *hiding)
    guessed = asked.model.encode(blank[None], asked.beta)
    seen = {"likelihood": likelihood, "posterior": joint}
    return {
        "about": _about(asked),
        "extent": list(WHOLE),
        "tops": {name: float(field.max()) for name, field in seen.items()},
        "q": [*q.mean[0].tolist(), *q.std[0].tolist()],
        "blank": [*guessed.mean[0].tolist(), *guessed.std[0].tolist()],
        "hidden": int(gone.sum()),
    }, {
        **{name: _below_top(exact.evened(plane, field, WHOLE)) for name, field in seen.items()},
        "image": np.round(asked.image * 255).astype(np.uint8),
        "gone": gone.astype(np.uint8),
    }


def summed(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns P(X), where the posterior lies, and what a Gaussian in its place costs."""
    key, hiding = asked.scene.key, hiding_of(asked)
    found = exact.mass_of(key, asked.beta, asked.view.image, hiding)
    of = moments(found)
    q = asked.model.encode(asked.image[None], asked.beta)
    peak = int(found.log_joint.argmax())
    model = exact.model_of(key, hiding)
    return {
        "about": _about(asked),
        "logPx": found.log_px,
        "error": found.error,
        "decoded": len(found.nodes) + SIDE**2,
        "rate": of.rate,
        "width": _width(of),
        "extent": list(_wider(extent_of(found))),
        "cost": kl_to_posterior(model, asked.image, q, asked.beta, found.log_px),
        "peak": _at(found.nodes[peak].astype(np.float64), float(found.log_joint[peak]), found.log_px),
    }, {}


def zoom(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the three fields where the posterior lies, each cell's decoded for itself."""
    key, hiding = asked.scene.key, hiding_of(asked)
    found = exact.mass_of(key, asked.beta, asked.view.image, hiding)
    extent = _wider(extent_of(found))
    on = exact.window(key, asked.beta, extent, ZOOMED, hiding)
    prior, likelihood, posterior = fields(exact.model_of(key, hiding), on, asked.image, found.log_px)
    seen = {"prior": prior, "likelihood": likelihood, "posterior": posterior}
    tops = {name: float(field.max()) for name, field in seen.items()}
    arrays: Arrays = {name: _below_top(field) for name, field in seen.items()}
    return {"about": _about(asked), "extent": list(extent), "tops": tops}, arrays


def at(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the rule's terms at `more.z`, as logarithms, in nats."""
    place = asked.more.get("z")
    if not (isinstance(place, list) and len(place) == 2 and all(is_number(v) and abs(v) <= 100 for v in place)):
        raise Refused("That is no place on the plane.")
    key, hiding = asked.scene.key, hiding_of(asked)
    z = np.array([place], np.float32)
    model = exact.model_of(key, hiding)
    weights, offset = model.likelihood(z, asked.beta)
    log_p = float((weights @ asked.image.ravel() + offset + model.base_measure(asked.image[None]))[0])
    log_px = exact.mass_of(key, asked.beta, asked.view.image, hiding).log_px
    return {"about": _about(asked), **_at(z[0].astype(np.float64), log_p + float(log_prior(z)[0]), log_px)}, {}


def foreseen(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns what the prediction is held against: the posterior with nothing hidden, and with the lower half."""
    key, beta, image = asked.scene.key, asked.beta, asked.view.image
    pair = [moments(exact.mass_of(key, beta, image, hiding)) for hiding in (exact.NOTHING, ("half", 0.5, 0))]
    return {
        "about": [image, beta],
        "widths": [_width(each) for each in pair],
        "rates": [each.rate for each in pair],
    }, {}


def _about(asked: Asked[View]) -> list[object]:
    view = asked.view
    return [view.image, asked.beta, view.pattern, view.share, view.seed]


def _width(of: Moments) -> float:
    """Returns the radius of a circle as large as the posterior's ellipse of one sigma, latent units."""
    return float(max(np.linalg.det(of.covariance), 0.0) ** 0.25)


def _at(z: Doubles, log_joint: float, log_px: float) -> Header:
    prior = -0.5 * float(z @ z) - math.log(2 * math.pi)
    return {
        "z": z.tolist(),
        "prior": prior,
        "likelihood": log_joint - prior,
        "posterior": log_joint - log_px,
        "logPx": log_px,
    }


def _wider(extent: Extent) -> Extent:
    left, right, bottom, top = extent
    room = 0.15 * (right - left)
    return left - room, right + room, bottom - room, top + room


def _below_top(field: Doubles) -> np.ndarray[tuple[int, ...], np.dtype[np.float16]]:
    """Returns how far a field lies below its highest value, nats: what is far below is all the same to the eye."""
    below: np.ndarray[tuple[int, ...], np.dtype[np.float16]] = (
        (field - field.max()).clip(-2 * FAR, 0).astype(np.float16)
    )
    return below


SCREEN = Screen(
    name="bayes",
    title="Bayes' rule",
    question="Which z could have made this image?",
    prediction=Prediction(
        "The lower half of the image is hidden. What becomes of the posterior P(z|X)?",
        ("It stays about as narrow", "It becomes wider", "It becomes the prior"),
    ),
    formula=(
        Term("posterior", "P(z|X)", "the posterior: how likely each z is once the image is seen"),
        "=",
        Term("likelihood", "P(X|z)", "the likelihood: how likely the image is, if z made it"),
        Term("prior", "P(z)", "the prior: how likely each z is before any image is seen"),
        "/",
        Term("evidence", "P(X)", "the volume under the product of the two, over the whole plane"),
        r"\quad",
        Term("q", r"D[Q\|P(z|X)]", "what the encoder's Gaussian costs in place of the posterior, in nats"),
    ),
    why=(
        "Bayes' rule needs a product at every z, which is easy, and its volume over all z, which is not: the volume is "
        "P(X). Here the plane has two axes, so a quadrature finds it to under 0.01 nats. At twenty axes nothing does.",
        "Pixels are independent given z. A hidden pixel is therefore left out of the product: no value is guessed for "
        "it. Fewer factors make the likelihood wider, until with none left the posterior is the prior. The encoder was "
        "never taught that a pixel can be missing: it reads a hidden one as black (the thin ellipse).",
        "Why a Gaussian Q? Its divergence from the prior has a closed form, a draw is its mean plus its width times a "
        "normal number, and the encoder writes both in one pass. The price is the number below the last term: it is "
        "missing from the bound on log P(X), image by image.",
    ),
    sources=(
        Source("Kingma & Welling (2014), section 2", "https://arxiv.org/abs/1312.6114"),
        Source("Doersch (2016), section 2", "https://arxiv.org/abs/1606.05908"),
        Source("Cremer et al. (2018): what a Gaussian costs", "https://arxiv.org/abs/1801.03558"),
    ),
    view=View,
    rows=(
        Row(name="pattern", codec=OneOf(PATTERNS), default=lambda _: "half"),
        Row(name="share", codec=Number(0, 1), default=lambda _: 0.0),
        Row(name="seen", codec=OneOf(("posterior", "whole")), default=lambda _: "posterior"),
    ),
    parts={"main": main, "summed": summed, "zoom": zoom, "at": at, "foreseen": foreseen},
)
