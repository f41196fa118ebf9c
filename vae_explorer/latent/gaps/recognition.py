"""Recognisable images: what classifiers that know real images alone say of decoded ones."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data import Images
from vae_explorer.latent.gaps.classifier import Classifier, chosen, fit_classifier, flat, grey, known
from vae_explorer.latent.gaps.classifier import can_judge as can_judge
from vae_explorer.latent.gaps.measures import SURE, Score, binomial
from vae_explorer.latent.model import Floats

PAIRS = 1_000  # of test images at most, each image in one
STEPS = 10  # points of a path between two
COMPONENTS = 50  # of the images that neighbours are found by
NEIGHBOURS = 10

JUDGES = {"mlp": "a small network", "knn": "nearest neighbours"}


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Two calibrated classifiers of one data set's real images."""

    network: Classifier
    neighbours: Any  # scikit-learn's, calibrated

    @property
    def seed(self) -> int:
        """Of the images chosen, and of the network."""
        return self.network.seed

    @property
    def trained(self) -> int:
        """Images that both have learned from."""
        return self.network.trained

    def probabilities(self, judge: str, images: Floats) -> Floats:
        """Returns the class probabilities `(M, C)` of images `(M, H, W)` in [0, 1]; the judge is a key of `JUDGES`."""
        if judge == "mlp":
            return self.network.probabilities(images)
        shares: Floats = self.neighbours.predict_proba(flat(images)).astype(np.float32)
        return shares

    def features(self, images: Floats) -> Floats:
        """Returns the activations `(M, 64)` of the network's last hidden layer."""
        return self.network.features(images)


def fit_judges(train: Images, validation: Images, seed: int) -> Judges:
    """Returns classifiers trained on some of the training images and calibrated on the validation part.

    The network is that of `fit_classifier`; the neighbours, scikit-learn's, learn from the same images and vote by
    inverse distance between the first principal components; each class's votes become probabilities by isotonic
    regression. Both know the given classes alone: being sure of one of them is not the same as a good image.

    Arguments:
        train: Real images and their classes.
        validation: More of them, that neither has seen.
        seed: Of the images chosen, and of the network's first weights and order.

    Raises:
        ValueError: If there are fewer than two classes, or one has no validation images.

    References:
        | Transforming Classifier Scores into Accurate Multiclass Probability Estimates (Zadrozny & Elkan, 2002)
        | https://doi.org/10.1145/775047.775151
    """
    # Here and not above: their import takes longer than a second.
    from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]
    from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
    from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    network = fit_classifier(train, validation, seed)
    some = chosen(train, validation, seed)
    x = flat(grey(some.pixels))
    components = PCA(min(COMPONENTS, *x.shape), svd_solver="covariance_eigh")
    votes = KNeighborsClassifier(min(NEIGHBOURS, len(x)), weights="distance", algorithm="brute")
    pipeline = make_pipeline(components, votes).fit(x, some.labels)
    unseen = known(validation, network.classes)
    every = np.arange(len(unseen.labels))  # one fold: they have seen none of them, however few there are
    calibrated = CalibratedClassifierCV(FrozenEstimator(pipeline), method="isotonic", cv=[(every, every)])
    neighbours = calibrated.fit(flat(grey(unseen.pixels)), unseen.labels)
    return Judges(network=network, neighbours=neighbours)


def recognised(judges: Judges, judge: str, images: Floats) -> NDArray[np.bool_]:
    """Says of each decoded image `(M, H, W)` whether a judge gives `SURE` or more to one class."""
    sure: NDArray[np.bool_] = judges.probabilities(judge, images).max(1) >= SURE
    return sure


def recognisable_share(judges: Judges, judge: str, images: Floats) -> Score:
    """Returns the part of decoded draws `(M, H, W)` that a judge recognises; its error is binomial."""
    sure = recognised(judges, judge, images)
    return Score(float(sure.mean()), binomial(float(sure.sum()), len(sure)), 0.0)


def paths(codes: Floats, seed: int) -> Floats:
    r"""Returns points on straight paths between random pairs of codes, `(P, STEPS, D)`.

    .. math:: z = (1 - t) \, a + t \, b, \quad t = \frac{1/2}{10}, \frac{3/2}{10}, \ldots

    No code is an end of two paths, so that paths are independent of each other. The same seed gives
    the same pairs of images for every model.
    """
    pairs = min(PAIRS, len(codes) // 2)
    a, b = codes[np.random.default_rng(seed).permutation(len(codes))[: 2 * pairs]].reshape(2, pairs, 1, -1)
    t = ((np.arange(STEPS, dtype=np.float32) + 0.5) / STEPS)[:, None]
    points: Floats = ((1 - t) * a + t * b).astype(np.float32)
    return points


def recognisable_path(judges: Judges, judge: str, images: Floats) -> Score:
    """Returns the part of paths that a judge recognises, from the images `(P * STEPS, H, W)` on them.

    The error is that of a mean over the paths, each of which counts as one observation; it takes two
    more into account, one all recognised and one not at all, so that it is never zero.
    """
    shares = recognised(judges, judge, images).reshape(-1, STEPS).mean(1)
    deviation = float(np.std([*shares, 0, 1]))
    return Score(float(shares.mean()), 0.0, deviation / math.sqrt(len(shares)))
