"""KL between Gaussians: closed form and Monte Carlo, both directions, and what the images of a model cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vae_explorer.theory import gaussians
from vae_explorer.theory.gaussians import Best, Gaussian
from vae_explorer.ui.shell import store
from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory.codecs import Number, Numbers, Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

NARROW, WIDE = 0.02, 4.0  # standard deviations of Q, latent units
FAR = 4.0  # of Q's mean from 0 on an axis
BINS = 48
CUT = 0.999  # share of the images that the histogram shows; the others count in its last bin
TARGETS = ("prior", "mixture")


@dataclass(frozen=True, kw_only=True)
class View(Common):
    mean: tuple[float, ...] = (1.0, 0.0)  # of Q, latent units
    s1: float = 0.5  # its standard deviations
    s2: float = 0.8
    p: str = "prior"
    apart: float = 3.0  # distance between the means of P's components, where P is a mixture
    draws: int = 1000


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns both divergences in nats, the running estimate of D[Q||P], and the posterior of the chosen image."""
    view = asked.view
    mean, std = np.array(view.mean), np.array([view.s1, view.s2])
    q, mixed = gaussians.diagonal(mean, std), view.p == "mixture"
    p = gaussians.pair(view.apart) if mixed else None
    run = gaussians.monte_carlo(q, p or gaussians.standard(2), view.draws, view.seed)
    header: Header = {"estimate": float(run.estimate[-1]), "error": float(run.error[-1]), "image": _posterior(asked)}
    if p is not None:
        found = _best(view.apart)
        header |= {
            "kl": gaussians.reverse_kl(q, p),
            "forward": gaussians.forward_kl(p, q),
            "shares": p.weights.tolist(),
            "components": [_ellipse(Gaussian(*each)) for each in zip(p.means, p.covariances, strict=True)],
            "best_forward": _ellipse(found.forward),
            "best_reverse": [_ellipse(each) for each in found.reverse],
            "least_forward": found.forward_kl,
            "least_reverse": list(found.reverse_kl),
        }
    else:
        means, widths, logs = gaussians.rate_terms(mean, std).sum(0).tolist()
        forward = gaussians.divergence(gaussians.standard(2), q).total
        header |= {"kl": means + widths + logs, "means": means, "widths": widths, "logs": logs, "forward": forward}
    arrays = {"n_draws": run.n, "running": run.estimate, "errors": run.error}
    return header, {name: each.astype(np.float32) for name, each in arrays.items()}


def rates(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns a histogram of the KL of all test images on each axis, and their means, in nats."""
    each = gaussians.image_rates(store.encoding(asked.scene.key, asked.beta))
    edges = np.linspace(0, float(np.quantile(each, CUT)), BINS + 1)
    counts = np.stack([np.histogram(axis.clip(None, edges[-1]), edges)[0] for axis in each.T])
    header: Header = {"images": len(each), "means": each.mean(0).tolist(), "own": each[asked.view.image].tolist()}
    return header | {"beta": asked.beta}, {"edges": edges.astype(np.float32), "counts": counts.astype(np.float32)}


def _posterior(asked: Asked[View]) -> list[float]:
    """Returns mean and standard deviation of Q(z|X) of the chosen image on the first two axes, four numbers."""
    q = store.posterior(asked.scene.key, asked.view.image, asked.beta)
    mean, std = (np.atleast_2d(each)[0].tolist() for each in q)
    return [*[*mean, 0.0][:2], *[*std, 1.0][:2]]  # a model of one axis: the second is the prior's


@lru_cache(maxsize=64)
def _best(apart: float) -> Best:
    return gaussians.best(gaussians.pair(apart), full=False)


def _ellipse(q: Gaussian) -> list[float]:
    """Returns mean and standard deviations of a Gaussian with independent axes."""
    std: NDArray[np.float64] = np.sqrt(np.diag(q.covariance))
    return [*q.mean.tolist(), *std.tolist()]


SCREEN = Screen(
    name="kl",
    title="KL of Gaussians",
    question="What does it cost, in nats, that Q is not P?",
    prediction=Prediction(
        "P is N(0, I). Which costs more?", ("A mean one sigma off", "A width halved", "Both the same")
    ),
    formula=(
        Term("kl", r"D[Q\,\|\,P]", "the divergence of Q from P, an average over Q, in nats"),
        "=",
        Term("means", r"\tfrac12\sum_d\mu_d^2", "what Q's mean costs, in nats"),
        "+",
        Term("widths", r"\tfrac12\sum_d(\sigma_d^2-1)", "what Q's width costs, in nats; less than 0 for a narrow one"),
        Term("logs", r"-\sum_d\log\sigma_d", "what a narrow Q costs, in nats; less than 0 for a wide one"),
        r"\qquad",
        Term("forward", r"D[P\,\|\,Q]", "the other direction, an average over P, in nats"),
    ),
    why=(
        "A VAE's loss has the term D[Q(z|X) || P(z)]. Both are Gaussian, so the integral over Q of log Q - log P has a "
        "closed form, and needs no draws. The dots are the same integral by draws from Q: the band is two standard "
        "errors wide to either side, and narrows with the root of n.",
        "The width's two parts pull against each other: half of sigma squared less one falls as Q narrows, minus log "
        "sigma rises, without bound; their sum is least, 0, at sigma = 1. So a width of zero, a point as a "
        "deterministic autoencoder's code, costs infinitely much.",
        "D[Q||P] averages over Q: where Q is, P must not be small, so of two far modes the best Q takes one. D[P||Q] "
        "averages over P: the best Q must cover all of it, and has P's mean and variances. A VAE's bound on log P(X) "
        "falls short by D[Q(z|X) || P(z|X)], the direction that seeks a mode.",
    ),
    sources=(
        Source(
            "Kingma & Welling (2014), Auto-Encoding Variational Bayes, appendix B", "https://arxiv.org/abs/1312.6114"
        ),
        Source("Doersch (2016), Tutorial on Variational Autoencoders, equation 7", "https://arxiv.org/abs/1606.05908"),
        Source(
            "Minka (2005), Divergence Measures and Message Passing",
            "https://www.microsoft.com/en-us/research/publication/divergence-measures-and-message-passing/",
        ),
    ),
    needs="vae",
    view=View,
    rows=(
        Row(name="mean", codec=Numbers(-FAR, FAR, 2), default=lambda _: (1.0, 0.0)),
        Row(name="s1", codec=Number(NARROW, WIDE), default=lambda _: 0.5),
        Row(name="s2", codec=Number(NARROW, WIDE), default=lambda _: 0.8),
        Row(name="p", codec=OneOf(TARGETS, usual="prior"), default=lambda _: "prior"),
        Row(name="apart", codec=Number(0.0, 6.0), default=lambda _: 3.0),
        Row(name="draws", codec=Whole(1, 100_000), default=lambda _: 1000),
    ),
    parts={"main": main, "rates": rates},
)
