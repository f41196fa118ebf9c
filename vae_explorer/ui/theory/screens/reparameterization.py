"""The reparameterization trick: one image forward and back, two estimators' noise, and steps along them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles, Floats
from vae_explorer.theory import reparameterization as theory
from vae_explorer.theory.reparameterization import Back, Draws, Exact, Pass, Q
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory.codecs import Flag, Numbers, Whole
from vae_explorer.ui.theory.screen import BREAK, Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

WAYS = ("reparameterized", "sampled", "score")
LAST_DRAW = 999_999
HISTOGRAM = LAST_DRAW + 1  # the draw that the histograms' epsilons are
FURTHEST = theory.FURTHEST


@dataclass(frozen=True, kw_only=True)
class View(Common):
    way: str = WAYS[0]
    draw: int = 0  # which epsilon
    q: tuple[float, ...] = ()  # mean and log variance of a Q that steps have moved; the encoder's unless given
    baseline: bool = False


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns one pass forward and back, and the objective integrated over Q."""
    encoder, q = _both(asked)
    found = _pass(asked, q)
    exact = _exact(asked)
    header: Header = {
        **{name: getattr(found, name) for name in ("log_p", "rate", "objective", "encoder_norm", "decoder_norm")},
        **{name: getattr(found, name).tolist() for name in ("epsilon", "z", "at_z")},
        "q": _lists(found.q),
        "std": found.q.std.tolist(),
        "encoder": _lists(encoder),
        "moved": len(asked.view.q) == 2 * asked.model.axes,
        "from_log_p": _lists(found.from_log_p),
        "from_rate": _lists(found.from_rate),
        "pixels_norm": float(np.sqrt(np.square(found.at_pixels, dtype=np.float64).sum())),
        "exact": _said(exact),
    }
    arrays = {"x": asked.pixels[asked.view.image], "f": found.image, "at_pixels": found.at_pixels}
    return header, {name: np.ascontiguousarray(each).ravel() for name, each in arrays.items()}


def draws(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns 1,000 single-sample gradients by the first axis of Q's mean, by both estimators."""
    exact = _exact(asked)
    baseline = exact.log_p if asked.view.baseline else 0.0
    found, epsilon = _draws(*_where(asked), asked.view.seed)
    found = theory.less(found, _q(*_where(asked)), epsilon, baseline)
    first = {name: getattr(found, name)[:, 0] for name in ("reparameterized", "score")}
    variances = {name: float(each.var(ddof=1)) for name, each in first.items()}
    header: Header = {
        "exact": float(exact.back.mean[0]),
        "means": {name: float(each.mean()) for name, each in first.items()},
        "variances": variances,
        "ratio": variances["score"] / variances["reparameterized"] if variances["reparameterized"] else None,
        "baseline": baseline,
    }
    return header, {name: each.astype(np.float32) for name, each in first.items()}


def step(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns where a step along the gradient of the pass that is shown takes Q; the objective before and after."""
    _, q = _both(asked)
    found = _pass(asked, q)
    total = Back(*(a + b for a, b in zip(found.from_log_p, found.from_rate, strict=True)))
    moved = tuple(float(f"{value:.6g}") for value in np.concatenate(theory.step(q, total)))  # as the state says it
    then = Asked(asked.scene, replace(asked.view, q=moved), asked.more)
    before, after = _exact(asked).objective, _exact(then).objective
    return {"q": list(moved), "before": before, "after": after, "size": theory.STEP}, {}


def _both(asked: Asked[View]) -> tuple[Q, Q]:
    """Returns the encoder's Q, and the one that is shown."""
    return _q(asked.scene.key, asked.view.image, asked.beta, ()), _q(*_where(asked))


def _where(asked: Asked[View]) -> tuple[store.Key, int, float, tuple[float, ...]]:
    return asked.scene.key, asked.view.image, asked.beta, asked.view.q


# Another epsilon, another way and a baseline leave Q as it was: what is integrated over it is kept.


@once(64)
def _q(of: store.Key, image: int, beta: float, q: tuple[float, ...]) -> Q:
    """Returns what steps have made of Q, where it fits this model; else the encoder's."""
    model = store.checkpoint(of).arrays
    if len(q) != 2 * model.axes:
        return theory.encoded(model, _image(of, image), beta)
    mean, log_var = np.split(np.array(q), 2)
    return Q(mean, log_var.clip(*theory.LOG_VAR))


@once(64)
def _integrated(of: store.Key, image: int, beta: float, q: tuple[float, ...], seed: int) -> Exact:
    model = store.checkpoint(of).arrays
    return theory.exact(model, _image(of, image), _q(of, image, beta, q), beta, (seed, image))


@once(16)
def _draws(of: store.Key, image: int, beta: float, q: tuple[float, ...], seed: int) -> tuple[Draws, Doubles]:
    """Returns single-sample gradients without a baseline, and their epsilons."""
    model = store.checkpoint(of).arrays
    epsilon = theory.epsilons(seed, image, HISTOGRAM, model.axes, theory.DRAWS)
    return theory.single_samples(model, _image(of, image), _q(of, image, beta, q), beta, epsilon), epsilon


def _image(of: store.Key, image: int) -> Floats:
    x: Floats = PICTURES.normalised(store.shown(of).images.pixels[image : image + 1])[0]
    return x


def _exact(asked: Asked[View]) -> Exact:
    return _integrated(*_where(asked), asked.view.seed)


def _pass(asked: Asked[View], q: Q) -> Pass:
    view = asked.view
    epsilon = theory.epsilons(view.seed, view.image, view.draw, asked.model.axes)[0]
    network, way = asked.checkpoint.model, view.way
    return theory.forward_and_back(network, asked.image, asked.beta, epsilon, way, q)  # type: ignore[arg-type]


def _said(exact: Exact) -> Header:
    return {"objective": exact.objective, "log_p": exact.log_p, "error": exact.error, **_lists(exact.back)}


def _lists(of: Q | Back) -> Header:
    return {"mean": of.mean.tolist(), "log_var": of.log_var.tolist()}


SCREEN = Screen(
    name="reparameterization",
    title="Reparameterization",
    question="How does a gradient get past a random draw?",
    prediction=Prediction(
        "Both estimators of the gradient by Q's mean are right on average. How much larger is the variance of the one "
        "that does without a path through z (the score function)?",
        ("About the same", "Some 10 times", "1,000 times"),
    ),
    formula=(
        Term("objective", r"\mathcal L", "the objective with this one z, in nats; at KL weight 1 the ELBO"),
        "=",
        Term("likelihood", r"\log P(X|z)", "how well z explains the image, in nats"),
        r"-\;\beta",
        Term("rate", r"D[Q\,\|\,P]", "what Q costs, in nats"),
        BREAK,
        Term("z", "z_1", "the latent point, first axis"),
        "=",
        Term("mean", r"\mu_1", "Q's mean, first axis"),
        "+",
        Term("std", r"\sigma_1", "Q's standard deviation, first axis"),
        r"\cdot",
        Term("epsilon", r"\epsilon_1", "a standard normal number from outside, first axis"),
    ),
    why=(
        "The encoder's output decides how z is drawn, and a draw has no derivative: if z comes out of a generator of "
        "N(mu, sigma^2), backpropagation stops there, and all that the encoder hears of is D. Q then runs to the "
        "prior. With epsilon from outside, z = mu + sigma epsilon is a function of mu and sigma like any other layer.",
        "There is another unbiased gradient, without a path: log P(X|z) times the gradient of log Q(z) (score "
        "function, REINFORCE). It needs no derivative of the decoder, and knows of log P(X|z) no more than its size. "
        "As that is far from zero for every z, single draws scatter widely. Subtracting a baseline that does not "
        "depend on z (here the exact mean of log P(X|z)) changes no mean and takes most of the noise away.",
        "D has a closed form; its gradient is exact in all three cases. Histograms: 1,000 draws of z, gradient by the "
        "first axis of the mean, the same epsilons for both. Exact: by Gauss-Hermite quadrature over Q on one or two "
        "axes, on more by 1,024 quasi-random draws.",
        "A step adds 0.3 sigma^2 times the gradient to mu and 0.6 times the gradient to log sigma^2, those of the "
        "pass that is shown (natural gradient: a step in latent units would fit one KL weight only). Q is moved for "
        "this image alone; the network stays as it was.",
    ),
    sources=(
        Source("Kingma & Welling (2014), section 2.4", "https://arxiv.org/abs/1312.6114"),
        Source("Rezende, Mohamed & Wierstra (2014)", "https://arxiv.org/abs/1401.4082"),
        Source("Doersch (2016), figure 4", "https://arxiv.org/abs/1606.05908"),
        Source("Williams (1992), REINFORCE", "https://doi.org/10.1007/BF00992696"),
        Source("Mohamed et al. (2020), Monte Carlo gradient estimation", "https://arxiv.org/abs/1906.10652"),
        Source("Amari (1998), natural gradient", "https://doi.org/10.1162/089976698300017746"),
    ),
    needs="vae",
    view=View,
    rows=(
        Row(name="way", codec=OneOf(WAYS, usual=WAYS[0]), default=lambda _: WAYS[0]),
        Row(name="draw", codec=Whole(0, LAST_DRAW), default=lambda _: 0),
        Row(name="q", codec=Numbers(-FURTHEST, FURTHEST), default=lambda _: ()),
        Row(name="baseline", codec=Flag(), default=lambda _: False),
    ),
    parts={"main": main, "draws": draws, "step": step},
)
