"""What a gradient step averages: single gradients by all weights against the mean of many."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.model import Doubles
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.theory import gradients
from vae_explorer.theory.gradients import Angles, Pool, Spread
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.caches import once
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory.codecs import Whole
from vae_explorer.ui.theory.screen import BREAK, Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

IMAGES, DRAWS = 512, 4  # of the pool: all else is measured against the mean of its gradients
POWERS = 12  # of two: samples of the largest mean
REPETITIONS = 48
IMAGE_POWERS = 7  # of two: draws of z of one image
AT_ONCE = 0.12  # seconds of work that one question does
NETWORKS, SUBJECTS = ("trained", "untrained"), ("pairs", "image")


@dataclass(frozen=True, kw_only=True)
class View(Common):
    power: int = 0  # of two: n
    subject: str = SUBJECTS[0]  # what the arrows are means of
    network: str = NETWORKS[0]


class Result(NamedTuple):
    """What is kept of a pool; its inner products are 33 MB."""

    spread: Spread
    pairs: Angles  # n images with a z each
    images: Angles  # n images, z averaged over the pool's draws
    law: Doubles  # degrees
    pool: Pool  # without its products
    size: int  # gradients


class Work:
    """A pool that is computed a little at every question, whoever asks."""

    def __init__(self, work: Generator[float, None, Result]) -> None:
        self.work, self.lock = work, threading.Lock()
        self.share = 0.0
        self.result: Result | None = None

    def go_on(self, seconds: float) -> None:
        """Works so long, and to the end of the piece that was begun."""
        with self.lock:
            end = time.perf_counter() + seconds
            while self.result is None and time.perf_counter() < end:
                try:
                    self.share = next(self.work)
                except StopIteration as done:
                    self.result, self.share = done.value, 1.0


@once(3)
def _work(of: store.Key, beta: float, seed: int, network: str) -> Work:
    return Work(_measured(of, beta, seed, network))


def _measured(of: store.Key, beta: float, seed: int, network: str) -> Generator[float, None, Result]:
    pixels = store.shown(of).images.pixels
    chosen = np.random.default_rng((seed, 0)).permutation(len(pixels))[:IMAGES]
    epsilon = np.random.default_rng((seed, 1)).standard_normal(
        (len(chosen), DRAWS, _network(of, network).config.latent)
    )
    work = gradients.pool(_network(of, network), PICTURES.normalised(pixels[np.sort(chosen)]), epsilon, beta)
    pool = yield from work
    samples = 2 ** np.arange(POWERS + 1)
    spread = gradients.spread(pool)
    pairs = gradients.minibatches(pool.products, samples, REPETITIONS, seed)
    yield 1.0
    images = gradients.minibatches(gradients.averaged(pool), samples, REPETITIONS, seed)
    less = pool._replace(products=np.empty((0, 0)))
    return Result(spread, pairs, images, gradients.law(spread, samples), less, len(pool.products))


@once(64)
def _image(of: store.Key, beta: float, seed: int, network: str, image: int) -> Angles | None:
    """Returns one image's gradients with many z; nothing while there is no pool to hold them against."""
    result = _work(of, beta, seed, network).result
    if result is None:
        return None
    x = PICTURES.normalised(store.shown(of).images.pixels[image : image + 1])[0]
    model = _network(of, network)
    epsilon = np.random.default_rng((seed, 2, image)).standard_normal((2**IMAGE_POWERS, model.config.latent))
    samples = 2 ** np.arange(IMAGE_POWERS + 1)
    return gradients.one_image(model, x, epsilon, beta, result.pool, samples, seed)


def _network(of: store.Key, network: str) -> Autoencoder:
    """Returns the trained network, or the same one before training: the weights that its seed draws."""
    checkpoint = store.checkpoint(of)
    return checkpoint.model if network == NETWORKS[0] else build(checkpoint.config, checkpoint.provenance.training.seed)


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns angles and norms of means of n gradients, or how far the pool has come."""
    view, of = asked.view, asked.scene.key
    work = _work(of, asked.beta, view.seed, view.network)
    result = work.result
    if result is None:
        return {"share": work.share}, {}
    image = _image(of, asked.beta, view.seed, view.network, view.image)
    assert image is not None
    spread = result.spread
    header: Header = {
        "share": 1.0,
        "norm": spread.norm,
        "noise": spread.noise,
        "from_images": spread.from_images,
        "critical": spread.critical,
        "law": result.law.tolist(),
        "weights": result.pool.weights,
        "size": result.size,
        "draws": result.pool.draws,
        "pairs": _quantiles(result.pairs),
        "images": _quantiles(result.images),
        "image": _quantiles(image),
    }
    arrows = {"pairs": result.pairs, "image": image}
    arrays = {f"{name}_{which}": getattr(each, which)[:, :REPETITIONS].astype(np.float32).ravel()
              for name, each in arrows.items() for which in ("degrees", "ratio")}  # fmt: skip
    return header, arrays


def pool(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Works on the pool for a while; returns the share that is done."""
    work = _work(asked.scene.key, asked.beta, asked.view.seed, asked.view.network)
    work.go_on(AT_ONCE)
    return {"share": work.share, "done": work.result is not None}, {}


def _quantiles(angles: Angles) -> Header:
    """Returns the 10 %, 50 % and 90 % quantile of the angle, and the median norm, for each n."""
    low, middle, high = np.quantile(angles.degrees, (0.1, 0.5, 0.9), axis=1)
    ratio = np.median(angles.ratio, 1)
    names = ("samples", "low", "middle", "high", "ratio")
    return {name: each.tolist() for name, each in zip(names, (angles.samples, low, middle, high, ratio), strict=True)}


SCREEN = Screen(
    name="gradient",
    title="A gradient step",
    question="One image, one z: does its gradient point the right way?",
    prediction=Prediction(
        "How far off the whole gradient does the gradient of one image and one z point, in this trained network?",
        ("Under 30\u00b0", "About 60\u00b0", "Nearly 90\u00b0"),
    ),
    formula=(
        Term("step", r"g_n=\frac1n\sum_i\nabla_\theta\big(\log P(X_i|z_i)-\beta D_i\big)",
             "mean of n gradients; its median norm, in norms of the whole gradient"),
        BREAK,
        Term("whole", r"G=\mathbb E\,g_1", "the whole gradient: the mean over all images and z; its norm"),
        Term("angle", r"\angle(g_n,G)", "angle between them, median and 10 to 90 %, in degrees"),
        r"\approx",
        Term("law", r"\arctan\sqrt{\tfrac{\operatorname{tr}\Sigma}{n\,|G|^2}}",
             "what noise that falls with the root of n makes of it, in degrees"),
        BREAK,
        Term("image", r"\angle(\nabla_\theta E_z[\cdot],G)",
             "the angle of one image's own gradient, z averaged: more z do not help, in degrees"),
        Term("average", r"\frac{\operatorname{tr}\operatorname{Cov}_X E_z\,g}{\operatorname{tr}\Sigma}",
             "the images' share of the noise: what is left with z averaged out"),
    ),
    why=(
        "Training maximises a mean over all images X and all z. A step takes a few X, one z for each, and follows the "
        "gradient of log P(X|z) - beta D there: right on average, and nearly at right angles to the truth if taken "
        "alone. With n samples the noise falls with the root of n; at n = tr Sigma / |G|^2 noise and signal are "
        "equally long and the angle is 45 degrees: about there larger batches stop to pay.",
        "Before training the images agree on where to go, and a handful of them suffices. Once trained, what they "
        "agree on has been done; what is left is mostly what they disagree on, and the learning rate has to fall "
        "instead. Drawing more z for one image averages the smaller noise: the curve of one image stays where this "
        "image's own gradient points. That is why a batch has many images and one z each.",
        "Measured, not modelled: the gradient by every weight and bias of encoder and decoder, for 512 images of the "
        "test part (all, where there are fewer) with 4 z each. G is the mean of these; a mean of n draws pairs of them "
        "with replacement, 48 times for each n. No gradient is written out: a layer's is an outer product, so that "
        "inner products of gradients are products of inner products. Arrows have their true angle to G and their true "
        "length; of all the directions at right angles to G the paper has one, and every other arrow is put below. "
        "Before training: the weights that the training's seed draws. The loss has no weighting by beta.",
    ),
    sources=(
        Source("Kingma & Welling (2014), section 2.3", "https://arxiv.org/abs/1312.6114"),
        Source("Doersch (2016), section 2.2", "https://arxiv.org/abs/1606.05908"),
        Source("McCandlish et al. (2018), the gradient noise scale", "https://arxiv.org/abs/1812.06162"),
        Source("Goodfellow (2015), per-example gradients", "https://arxiv.org/abs/1510.01799"),
    ),
    needs="vae",
    view=View,
    rows=(
        Row(name="power", codec=Whole(0, POWERS), default=lambda _: 0),
        Row(name="subject", codec=OneOf(SUBJECTS, usual=SUBJECTS[0]), default=lambda _: SUBJECTS[0]),
        Row(name="network", codec=OneOf(NETWORKS, usual=NETWORKS[0]), default=lambda _: NETWORKS[0]),
    ),
    parts={"main": main, "pool": pool},
)  # fmt: skip
