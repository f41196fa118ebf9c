"""The divergence of two Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vae_explorer.latent.encoding import encode
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory.codecs import Numbers
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common


@dataclass(frozen=True, kw_only=True)
class View(Common):
    q: tuple[float, ...] = (1.0, 0.0, 0.5, 0.5)  # mean (2) and standard deviation (2) of Q, latent units


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the parts of the divergence, in nats, and Q of the chosen image."""
    mean, std = np.split(np.array(asked.view.q), 2)
    q = encode(asked.model, asked.pixels[asked.view.image : asked.view.image + 1], asked.beta)
    parts = {"means": 0.5 * (mean**2).sum(), "widths": 0.5 * (std**2 - 1).sum(), "logs": -np.log(std).sum()}
    header: Header = {name: float(value) for name, value in parts.items()}
    return header | {"kl": sum(header.values()), "image": [*q.mean[0].tolist(), *q.std[0].tolist()]}, {}


SCREEN = Screen(
    name="kl",
    title="KL of Gaussians",
    question="What does it cost to believe something else than the prior?",
    prediction=Prediction("Which costs more?", ("A mean one sigma off", "A width halved", "Both the same")),
    formula=(
        Term("kl", r"D[Q\,\|\,P]", "the divergence of Q from the prior, in nats"),
        "=",
        Term("means", r"\tfrac12\sum_d\mu_d^2", "what the mean costs, in nats"),
        "+",
        Term("widths", r"\tfrac12\sum_d(\sigma_d^2-1)", "what a wide Q costs, in nats"),
        "-",
        Term("logs", r"\sum_d\log\sigma_d", "what a narrow Q costs, in nats"),
    ),
    why=("Both are Gaussian, so the integral has a closed form.",),
    sources=(Source("Kingma & Welling (2014), appendix B", "https://arxiv.org/abs/1312.6114"),),
    needs="vae",
    view=View,
    rows=(Row(name="q", codec=Numbers(-8, 8, 4), default=lambda _: (1.0, 0.0, 0.5, 0.5)),),
    parts={"main": main},
)
