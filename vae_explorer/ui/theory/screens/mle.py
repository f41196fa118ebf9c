"""Maximum likelihood: what training does to P(X), of digits and of what is none."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from cachetools import LRUCache, cached
from numpy.typing import NDArray

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles, Floats
from vae_explorer.theory import likelihood_over_training as over_training
from vae_explorer.theory import training_states
from vae_explorer.theory.likelihood_over_training import Decoded
from vae_explorer.theory.training_states import States, StatesError
from vae_explorer.ui.shell.caches import lasting, once
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.state.words import Refused
from vae_explorer.ui.theory.codecs import Flag, Numbers, Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

TILES, SIDE = 12, 60  # of the atlas, and cells of the field, along an axis
HALF = 4.0  # latent units: what is seen of the plane
EVERY = 4  # of the training images one in so many is averaged over
LAST = training_states.STATES - 1


@dataclass(frozen=True, kw_only=True)
class View(Common):
    moment: int = 0  # which state of the training
    drawn: tuple[float, ...] = ()  # pixels of the scribble that are white, 0 to 63
    average: bool = False  # whether the field is that of many training images, or of the chosen one


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns a state's atlas, the chosen digit and what is made of it, log P(X) of each in nats, and the posterior."""
    states, moment, view = _states(), _moment(asked), asked.view
    images = _images(view.image, view.seed, view.drawn)
    log_px, error = _log_px(moment, view.image, view.seed, view.drawn, _fine)
    density = (
        _average(moment).density
        if view.average
        else _density(moment, training_states.normalised(images[:1]), np.array(log_px[:1]))
    )
    tiles = over_training.shares(density, TILES, (2 * HALF / SIDE) ** 2)
    busiest = np.sort(tiles.ravel())[::-1]
    header: Header = {
        "moment": moment,
        "steps": list(states.steps),
        "names": list(_names(view)),
        "logPx": list(log_px),
        "error": error,
        "even": over_training.uniform(images[0].size),
        "half": HALF,
        "busy": int(np.searchsorted(np.cumsum(busiest), 0.5 * busiest.sum())) + 1,  # tiles that hold half of the mass
        "over": len(_training()) if view.average else 1,
        "about": _about(view),
    }
    atlas = PICTURES.levels(states.at(moment).decode(_centres(TILES), 1.0))
    shown = PICTURES.sheet(atlas)
    arrays: Arrays = {"atlas": shown, "images": images, "density": density.astype(np.float32)}
    return header, arrays | {"shares": tiles.astype(np.float32).ravel()}


def track(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns log P(X) of the same images at the state that `more.moment` says, in nats."""
    moment, view = asked.whole("moment", len(_states().steps)), asked.view
    log_px, _ = _log_px(moment, view.image, view.seed, view.drawn, _decoded)
    return {"moment": moment, "logPx": list(log_px), "about": _about(view)}, {}


def averages(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns mean log P(X) of test and of training digits at the state that `more.moment` says, nats, with errors."""
    moment = asked.whole("moment", len(_states().steps))
    found = _average(moment)
    counts = {"tested": len(_part("test")), "trained": len(_training())}
    return {"moment": moment, "test": list(found.test), "train": list(found.train), **counts}, {}


def verdicts(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns in words what training has done, up to the state that is shown, to each of the images."""
    moment, view = _moment(asked), asked.view
    before, after = (_log_px(at, view.image, view.seed, view.drawn, _decoded)[0] for at in (0, moment))
    pixels = _images(view.image, view.seed, view.drawn)[0].size
    mean = _average(moment).test.mean
    words = [
        over_training.verdict(old, new, over_training.uniform(pixels), mean)
        for old, new in zip(before, after, strict=True)
    ]
    return {"moment": moment, "words": words, "about": _about(view)}, {}


class _Averages(NamedTuple):
    """Over many digits, at one state."""

    test: over_training.Average
    train: over_training.Average
    density: Doubles  # of the training images' posteriors, at the field's cells


@lasting
@once(1)
def _kept(modified: int) -> States:  # noqa: ARG001  (another file is read anew)
    return training_states.read()


def _states() -> States:
    try:
        return _kept(training_states.PATH.stat().st_mtime_ns)
    except (OSError, StatesError) as error:  # the page is told neither file nor path
        raise Refused(
            "The states of the training are missing or damaged. Make them again, in the program's folder: "
            f"{training_states.COMMAND}"
        ) from error


def _moment(asked: Asked[View]) -> int:
    return min(asked.view.moment, len(_states().steps) - 1)


def _about(view: View) -> list[Any]:
    """Returns what the images depend on: answers about others are not mixed."""
    return [view.image, view.seed, list(view.drawn)]


def _names(view: View) -> tuple[str, ...]:
    """Returns what the images are called, in their order."""
    digit = training_states.images("test").pixels[view.image]
    return ("as it is", *over_training.no_digits(digit, view.seed), *(["drawn"] if view.drawn else []))


@once(256)
def _images(image: int, seed: int, drawn: tuple[float, ...]) -> NDArray[np.uint8]:
    """Returns a test digit, what is made of it, and the scribble where there is one, `(N, 8, 8)`."""
    digit = training_states.images("test").pixels[image]
    images = [digit, *over_training.no_digits(digit, seed).values()]
    if drawn:
        scribble = np.zeros(digit.size, np.uint8)
        scribble[np.array(drawn).astype(int)] = 255
        images.append(scribble.reshape(digit.shape))
    return np.stack(images)


@cached(LRUCache(4096), key=lambda *asked: asked[:4], condition=threading.Condition())
def _log_px(
    moment: int, image: int, seed: int, drawn: tuple[float, ...], decoded: Callable[[int], Decoded]
) -> tuple[tuple[float, ...], float]:
    """Returns log P(X) of the images at a state, nats, and the largest error of the rule."""
    found = over_training.log_px(decoded(moment), training_states.normalised(_images(image, seed, drawn)))
    return tuple(found.log_px.tolist()), float(found.error.max())


def _decoded(moment: int) -> Decoded:
    return over_training.decoded(_states().at(moment), _rule(over_training.FINE))


@lasting
@once(2)
def _fine(moment: int) -> Decoded:
    """Returns a state's decoded nodes, 10 MB: of those that are shown, not of all that a curve passes."""
    return _decoded(moment)


@once(64)
def _average(moment: int) -> _Averages:
    at = over_training.decoded(_states().at(moment), _rule(over_training.COARSE))
    test, train = (over_training.log_px(at, x).log_px for x in (_part("test"), _training()))
    density = _density(moment, _training(), train)
    return _Averages(over_training.average(test), over_training.average(train), density)


def _density(moment: int, x: Floats, log_px: Doubles) -> Doubles:
    """Returns the posterior's density, averaged over images, at the field's cells."""
    at = over_training.decoded(_states().at(moment), over_training.points(_centres(SIDE)))
    return over_training.posterior(at, x, log_px)


@once(2)
def _part(name: str) -> Floats:
    return training_states.normalised(training_states.images(name).pixels)


def _training() -> Floats:
    return _part("train")[::EVERY]


@lasting
@once(2)
def _rule(side: int) -> over_training.Plane:
    return over_training.plane(side)


def _centres(side: int) -> Floats:
    """Returns the centres of the cells of what is seen, row by row from the top."""
    at = HALF * ((np.arange(side) + 0.5) / side * 2 - 1)
    x, y = np.meshgrid(at, -at)
    return np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)


SCREEN = Screen(
    name="mle",
    title="Maximum likelihood",
    question="What does training do to P(X), of digits and of what is no digit?",
    prediction=Prediction(
        "After training, which is likelier: this digit moved by one pixel, or turned upside down?",
        ("Moved by one pixel", "Upside down", "Within 1 nat of each other"),
    ),
    formula=(
        Term("digit", r"\log P_\theta(X)", "log P(X) of the digit at this step, in nats, by quadrature"),
        r"=\log\int",
        Term("atlas", r"P_\theta(X|z)", "what the decoder makes of z: the images on the plane", live=False),
        r"P(z)\,dz",
        Term("average", r"\tfrac1N\sum_n\log P_\theta(X_n)", "the average over the test digits, in nats"),
        r"\;\;\gg\;\;",
        Term("none", r"\log P_\theta(\text{no digit})", "log P(X) of the image that is picked below, in nats"),
        r"\nabla_\theta\log P_\theta(X)=\int",
        Term("posterior", r"P_\theta(z|X)", "each place's share of the gradient; the number: the tiles that hold half"),
        r"\nabla_\theta\log P_\theta(X|z)\,dz",
    ),
    why=(
        "Training looks for the weights that make the training images likely. Nothing is said about other images, but "
        "the probabilities of all 2^64 black and white images of 8 x 8 pixels sum to one: what digits gain, others "
        "lose. At first all are about equally likely, 2^-64 each or -44.4 nats.",
        "The gradient of log P(X) is that of log P(X|z), averaged over the posterior P(z|X) (Fisher's identity): only "
        "places that already make something like X have a say, and they come to make more of it. So images settle "
        "somewhere on the plane.",
        "Likely is not the same as digit-like. A digit that is moved by one pixel can be hardly more likely than noise "
        "of equal odds, for none like it was among the training images, while one that is turned over may pass for "
        "another digit. And some test digits remain unlikely to the end.",
        "The images are scikit-learn's digits, white from grey level 128 of 255 on, and the model is a VAE of two axes "
        "with a Bernoulli likelihood, trained on 1,297 of them and kept at 32 of 7,500 steps. Black and white, so that "
        "P(X) is a true probability. It is the exact log P(X) by quadrature, not the bound that was trained. Averages: "
        "300 test digits; of the training digits every fourth.",
    ),
    sources=(
        Source("Doersch (2016): Tutorial on Variational Autoencoders, section 1", "https://arxiv.org/abs/1606.05908"),
        Source("Kingma & Welling (2014): Auto-Encoding Variational Bayes", "https://arxiv.org/abs/1312.6114"),
        Source(
            "Nalisnick et al. (2019): Do Deep Generative Models Know What They Don't Know?",
            "https://arxiv.org/abs/1810.09136",
        ),
    ),
    needs="digits",
    default="digits-vae-2d",
    view=View,
    rows=(
        Row(name="moment", codec=Whole(0, LAST), default=lambda _: 0),
        Row(name="drawn", codec=Numbers(0, 63, most=64), default=lambda _: ()),
        Row(name="average", codec=Flag(), default=lambda _: False),
    ),
    parts={"main": main, "track": track, "averages": averages, "verdicts": verdicts},
)
