"""The decoder's sigma and the KL weight are one knob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from vae_explorer.data import evenly
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import encode
from vae_explorer.measured import curves
from vae_explorer.theory import sigma
from vae_explorer.theory.sigma import RateDistortion
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

FROM_PRIOR = 2  # images drawn from the model
MEASURED = 300  # test images, where no curve was measured before
POINTS = 9  # KL weights of such a curve
OBJECTIVES = (
    "trained",
    "half",
    "plain",
)  # what multiplies the squared error in the loss: sigma_0 of the model, 1, 1/sqrt 2


@dataclass(frozen=True, kw_only=True)
class View(Common):
    objective: str = "trained"


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the curve, the best sigma, and images with the noise of this one: at z of Q, and of the prior."""
    model, view, beta = asked.checkpoint.arrays, asked.view, asked.beta
    scale = sigma.scale_of(model)
    width = sigma.sigma_of(beta, scale)
    random = np.random.default_rng((view.seed, view.image))
    q = encode(model, asked.pixels[view.image : view.image + 1], beta)
    epsilon = random.standard_normal((1 + FROM_PRIOR, model.axes), np.float32)
    z = np.concatenate([q.mean + q.std * epsilon[:1], epsilon[1:]])
    shown = sigma.draw(model, z, beta, width, (view.seed, view.image, 1))
    measured = curves.find(asked.checkpoint)
    header: Header = {"scale": scale, "pixels": asked.pixels[0].size, "sigma": width, "z": z.tolist(), "curve": None}
    if measured is not None:
        curve = sigma.of_curve(measured, asked.scene.config, scale)
        header["curve"] = said(curve) | {"part": measured.part}
    return header, {
        "original": asked.pixels[view.image],
        "means": PICTURES.levels(shown.mean),
        "samples": PICTURES.levels(shown.sample),
    }


def point(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Measures one KL weight of a model without a measured curve: the page asks for one after the other."""
    model, scale = asked.checkpoint.arrays, sigma.scale_of(asked.checkpoint.arrays)
    low, high = asked.scene.config.beta_min, asked.scene.config.beta_max
    weights = np.geomspace(low, high, POINTS).tolist()
    k = asked.whole("k", POINTS)
    (found,) = sigma.measure(model, evenly(asked.pixels, MEASURED), [weights[k]], scale, seed=asked.view.seed)
    return {"k": k, "of": POINTS, "point": said(found) | {"part": "test"}}, {}


def said(curve: RateDistortion) -> dict[str, Any]:
    """Returns a curve as JSON, with its best sigma."""
    return {
        "beta": curve.beta.tolist(),
        "squared": curve.squared_error.tolist(),
        "error": curve.error.tolist(),
        "rate": curve.rate.tolist(),
        "images": curve.images,
        "samples": curve.samples,
        "best": sigma.optimum(curve)._asdict(),
    }


SCREEN = Screen(
    name="sigma",
    title="σ and β",
    question="Does a VAE have a regularization parameter?",
    prediction=Prediction(
        "Pixels go from 0 to 1. Which σ of P(X|z) gives these images the best ELBO?",
        ("Less than 0.1", "About 0.2", "More than 0.4"),
    ),
    formula=(
        Term("elbo", r"-\mathrm{ELBO}", "the negative ELBO, in nats an image"),
        "=",
        Term("misfit", r"\frac{E_Q\|X-f(z)\|^2}{2\sigma^2}", "what the squared error costs, in nats an image"),
        "+",
        Term("constant", r"\tfrac P2\log 2\pi\sigma^2", "the normalizing constant of P(X|z), in nats an image"),
        "+",
        Term("rate", r"D[Q\,\|\,P]", "the KL term, in nats an image"),
        r",\quad",
        Term("sigma", r"\sigma^2=\beta\,\sigma_0^2", "the knob: sigma of P(X|z), and the KL weight that stands for it"),
    ),
    why=(
        "Yes: most programs minimize ‖X − f(z)‖²/2σ₀² + β D with a σ₀ that nobody chose. Divided by β, this is "
        "the negative ELBO at σ² = βσ₀², short of its constant, which no weight of the networks can change. So "
        "the KL weight is the decoder's σ under another name: both sliders move the same point. On the left it is"
        " where a line of slope −2σ² touches the curve. A β without its σ₀ says nothing: change what multiplies "
        "the squared error, and the same point has another β.",
        "No: with its constant, the ELBO has a best σ of its own, and nothing is left to choose. Where the "
        "networks stay as they are (dashed) it is the root mean squared error of a pixel; where each σ has the "
        "networks trained for it (solid), it is where σ² = MSE. And with a Bernoulli P(X|z) there is no σ: a "
        "factor before D then has no model behind it. Nor is the prior's width one: N(0, λI) is absorbed by the "
        "first layer of f.",
        "P(X|z) is the image plus noise of σ in each pixel: that is what the model says images look like, and "
        "what “samples of a VAE” leave out, which show f(z). Noise beyond black and white is cut off for the "
        "picture.",
        "The curve is measured at some KL weights of one multi-rate network, and straight in logarithms between them.",
    ),
    sources=(
        Source("Doersch (2016), sections 2.2 and 2.4.3", "https://arxiv.org/abs/1606.05908"),
        Source("Rybkin et al. (2021), calibrated decoders", "https://arxiv.org/abs/2006.13202"),
        Source("Alemi et al. (2018), rate and distortion", "https://arxiv.org/abs/1711.00464"),
        Source("Bae et al. (2023), multi-rate VAE", "https://arxiv.org/abs/2212.03905"),
    ),
    needs="gaussian",
    default="mnist-gaussian-2d",
    view=View,
    rows=(Row(name="objective", codec=OneOf(OBJECTIVES, usual="trained"), default=lambda _: "trained"),),
    parts={"main": main, "point": point},
)
