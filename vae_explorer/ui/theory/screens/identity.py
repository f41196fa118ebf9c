"""The identity behind the ELBO: two sums that balance, and the posterior beside the Gaussian that stands for it."""

from __future__ import annotations

import numpy as np

from vae_explorer.latent.model import log_prior
from vae_explorer.theory.best_gaussian import Gaussian, covering_mixture
from vae_explorer.theory.identity import (
    Gaps,
    best_of,
    cross_entropy,
    encoded,
    expected_log_likelihood,
    gaps,
    log_evidence,
)
from vae_explorer.theory.quadrature import (
    Mass,
    extent_of,
    log_likelihood_field,
)
from vae_explorer.ui.theory import exact
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term, View

SIDE = 96  # cells along an axis of the field
RANKED = 60  # test images that are looked at for the strip, every so many of all


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the right side, which needs no integral over the plane, in nats, and Q."""
    q = encoded(asked.model, asked.image, asked.beta)
    expected = expected_log_likelihood(asked.model, asked.image, asked.beta, q)
    said: Header = {"expected": expected, "rate": q.rate, "elbo": expected - q.rate, "q": _ellipse(q)}
    return said, {"image": asked.image}


def left(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the left side, in nats, and P(z|X) over the square that holds it and Q, relative to its highest."""
    model, image, beta = asked.model, asked.image, asked.beta
    found = exact.mass_of(asked.scene.key, asked.beta, asked.view.image)
    q = encoded(model, image, beta)
    log_weights, components = covering_mixture(found.nodes, found.shares)
    normaliser = log_evidence(model, image, beta, log_weights, components)
    kl = cross_entropy(model, image, beta, q) + normaliser
    extent = _around(found, q)
    field = log_likelihood_field(model, image, beta, extent, SIDE)
    step = (extent[1] - extent[0]) / SIDE
    at = (np.arange(SIDE) + 0.5) * step
    x, y = np.meshgrid(extent[0] + at, extent[3] - at)
    log_joint = field + log_prior(np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)).reshape(SIDE, SIDE)
    density = np.exp(log_joint - log_joint.max()).astype(np.float32)
    said: Header = {"log_px": found.log_px, "kl": kl, "extent": list(extent), "error": found.error}
    return said, {"posterior": density}


def best(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the best Gaussians, and what the gap is made of, in nats."""
    model, image, beta = asked.model, asked.image, asked.beta
    found = exact.mass_of(asked.scene.key, asked.beta, asked.view.image)
    q = encoded(model, image, beta)
    elbo = expected_log_likelihood(model, image, beta, q) - q.rate
    _, components = covering_mixture(found.nodes, found.shares)
    fit = best_of(model, image, beta, q, elbo, found, components)
    said = _said(Gaps(found.log_px, elbo, fit.diagonal_elbo, fit.full_elbo))
    return said | {"diagonal": _ellipse(fit.diagonal), "full": _ellipse(fit.full)}, {}


def ranked(asked: Asked[View]) -> tuple[Header, Arrays]:
    """Returns the gaps of one of the strip's images, in nats, and the image."""
    count = len(asked.pixels)
    index = asked.whole("at", RANKED) * count // RANKED
    image = exact.image_of(asked.scene.key, index)
    found = gaps(asked.model, image, asked.beta, exact.plane_of(asked.scene.key, asked.beta))
    return _said(found) | {"index": index, "of": RANKED}, {"image": image}


def _said(found: Gaps) -> Header:
    return {
        "approximation": found.approximation,
        "full_approximation": found.full_approximation,
        "amortization": found.amortization,
    }


def _ellipse(q: Gaussian) -> list[float]:
    """Returns a Gaussian's centre, its two standard deviations along its own axes, and the angle of the first."""
    values, vectors = np.linalg.eigh(q.covariance)
    angle = float(np.arctan2(vectors[1, 1], vectors[0, 1]))
    return [*q.mean.tolist(), float(np.sqrt(values[1])), float(np.sqrt(values[0])), angle]


def _around(found: Mass, q: Gaussian) -> tuple[float, float, float, float]:
    """Returns the square that holds the posterior's mass, and Q's ellipse of two standard deviations."""
    left_, right, bottom, top = extent_of(found)
    std = 2.5 * np.sqrt(np.diag(q.covariance))
    low = np.minimum([left_, bottom], q.mean - std)
    high = np.maximum([right, top], q.mean + std)
    centre, half = (low + high) / 2, 0.55 * float((high - low).max())
    return (
        float(centre[0] - half),
        float(centre[0] + half),
        float(centre[1] - half),
        float(centre[1] + half),
    )


SCREEN = Screen(
    name="identity",
    title="The identity",
    question="What does the bound that a VAE is trained with leave out?",
    prediction=Prediction(
        "Which is it mostly that the ELBO misses for this image?",
        ("Q is a Gaussian with upright axes", "The encoder misses the best such Q", "Nothing: Q is the posterior"),
    ),
    formula=(
        Term("log_px", r"\log P(X)", "how likely the image is under the model, in nats, by quadrature"),
        "-",
        Term("kl", r"D[Q(z|X)\,\|\,P(z|X)]", "what Q misses of the true posterior, in nats"),
        "=",
        Term("expected", r"E_Q[\log P(X|z)]", "how well the decoder explains the image from Q, in nats"),
        "-",
        Term("rate", r"D[Q(z|X)\,\|\,P(z)]", "what Q costs against the prior, in nats"),
    ),
    why=(
        "Bayes' rule, log P(z|X) = log P(X|z) + log P(z) - log P(X), averaged over any Q gives the identity: nothing "
        "in it is approximate. The right side can be computed; of the left, log P(X) and the true posterior need an "
        "integral over the plane, which two axes allow. Each term here is computed by a rule of its own.",
        "The KL cannot be negative, so the right side is a lower bound, the ELBO. Its gap has two parts. No Gaussian "
        "with upright axes equals the posterior: what the best one misses is the approximation gap. The encoder does "
        "not find the best one for each image: the rest is the amortization gap.",
        "The ELBO here weighs the rate by 1, whatever KL weight the model was trained for.",
    ),
    sources=(
        Source("Kingma & Welling (2014), section 2.2", "https://arxiv.org/abs/1312.6114"),
        Source("Doersch (2016), section 2.1", "https://arxiv.org/abs/1606.05908"),
        Source("Cremer, Li & Duvenaud (2018)", "https://arxiv.org/abs/1801.03558"),
    ),
    needs="plane",
    parts={"main": main, "left": left, "best": best, "ranked": ranked},
)
