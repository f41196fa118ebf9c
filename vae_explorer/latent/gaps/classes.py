"""Classes: which ones the decoded images are of, by the network classifier, and which ones none is of."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.latent.encoding import decode, plane
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.latent.gaps.measures import MISSING, SURE, Score, binomial
from vae_explorer.latent.model import Floats, Model


class ClassShares(NamedTuple):
    """What a classifier says of many decoded images."""

    counts: NDArray[np.int64]  # (C,)  images by likeliest class, of all classes of the data set
    recognised: float  # share of the images to which it gives `SURE` or more to one class
    missing: tuple[int, ...]  # label indices of the classes that it knows and gives less than `MISSING` of the images


def shares(classifier: Classifier, images: Floats, total: int | None = None) -> ClassShares:
    """Returns which classes decoded images `(M, H, W)` are of, each of its likeliest one.

    Arguments:
        classifier: What says so; a class that it does not know has no images, and is not missing.
        images: One at least.
        total: Classes C of the data set; as many as the classifier's last one needs unless given.
    """
    probabilities = classifier.probabilities(images)
    labels = np.array(classifier.classes)[probabilities.argmax(1)]
    counts = np.bincount(labels, minlength=classifier.classes[-1] + 1 if total is None else total)
    return ClassShares(
        counts.astype(np.int64),
        float((probabilities.max(1) >= SURE).mean()),
        tuple(label for label in classifier.classes if counts[label] < MISSING * len(images)),
    )


def classes_missing(counts: NDArray[np.int64]) -> Score:
    r"""Returns how many classes get less than `MISSING` of the draws, from the number of draws of each, `(C,)`.

    Its error is the standard deviation of the count where each class's share is normal about what was found, with
    its binomial error :math:`\sigma_c`, and independent of the others'; they cannot all be small at once, which
    makes it a little too large:

    .. math::
        \sqrt{\sum_c q_c (1 - q_c)}, \quad q_c = \Phi \left( \frac{0.01 - \hat p_c}{\sigma_c} \right)
    """
    total = int(counts.sum())
    errors = [binomial(float(count), total) for count in counts]
    below = [_normal((MISSING - count / total) / error) for count, error in zip(counts, errors, strict=True)]
    return Score(float((counts < MISSING * total).sum()), math.sqrt(sum(q * (1 - q) for q in below)), 0.0)


def class_entropy(counts: NDArray[np.int64]) -> Score:
    r"""Returns the entropy of the classes' shares, in nats, from the number of draws of each, `(C,)`.

    .. math:: H = -\sum_c \hat p_c \log \hat p_c \le \log C

    Its error is the delta method's, the first term, or the second one, which is left where the first vanishes: all
    shares are alike, and H can only be smaller. There it is up to 1.5 times too large.

    .. math::
        \sigma^2 = \max\left(\frac{\sum_c \hat p_c \log^2 \hat p_c - H^2}{M}, \frac{C - 1}{2 M^2}\right)

    References:
        | On a Statistical Estimate for the Entropy of a Sequence of Independent Random Variables (Basharin, 1959)
        | https://doi.org/10.1137/1104033
    """
    total = int(counts.sum())
    p = counts[counts > 0] / total
    entropy = max(0.0, float(-(p * np.log(p)).sum()))
    spread = max(0.0, float((p * np.log(p) ** 2).sum()) - entropy**2)
    return Score(entropy, math.sqrt(max(spread / total, (len(counts) - 1) / (2 * total**2))), 0.0)


def class_scores(classifier: Classifier, images: Floats) -> dict[str, Score]:
    """Returns the measures of the classes of decoded draws `(M, H, W)`, those that the classifier knows."""
    counts = shares(classifier, images).counts[list(classifier.classes)]
    return {"classes_missing": classes_missing(counts), "class_entropy": class_entropy(counts)}


def fidelity(classifier: Classifier, images: Floats, reconstructions: Floats) -> Score:
    """Returns how often a classifier sees one class in an image `(N, H, W)` and in its reconstruction, likewise.

    What it says of the image counts, not the image's label: its own mistakes are no unfaithfulness. The error is
    binomial over the images.
    """
    same = float((classifier.labels(images) == classifier.labels(reconstructions)).sum())
    return Score(same / len(images), 0.0, binomial(same, len(images)))


def class_grid(
    model: Model, classifier: Classifier, extent: tuple[float, float, float, float], side: int, beta: float
) -> Floats:
    """Returns the class probabilities of decoded images on a grid over the first two latent axes.

    Arguments:
        model: The model; axes beyond the second are held at 0.
        classifier: Whose `classes` are the columns, in their order.
        extent: Left, right, bottom and top of the grid, in latent units; a cell has the values of its centre.
        side: Cells a side.
        beta: The KL weight.

    Returns:
        `(side, side, C)`, the first row at the top; for a model of one axis all rows alike.
    """
    z = plane(model.axes, extent, side)
    rows = z[:1] if model.axes == 1 else z
    probabilities = classifier.probabilities(decode(model, rows.reshape(-1, model.axes), beta))
    grid: Floats = np.broadcast_to(probabilities.reshape(len(rows), side, -1), (side, side, probabilities.shape[1]))
    return np.ascontiguousarray(grid)


def _normal(x: float) -> float:
    """Returns the standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2))
