"""Recognisable images: what classifiers that know real images alone say of decoded ones."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data import Images
from vae_explorer.latent.gaps.measures import Score, binomial
from vae_explorer.latent.model import Floats

TRAINED = 10_000  # images at most
SURE = 0.9  # probability of one class from which an image counts as recognised
PAIRS = 1_000  # of test images at most, each image in one
STEPS = 10  # points of a path between two
COMPONENTS = 50  # of the images that neighbours are found by
NEIGHBOURS = 10
UNITS = (128, 64)  # of the network's hidden layers

JUDGES = {"mlp": "a small network", "knn": "nearest neighbours"}


@dataclass(frozen=True, kw_only=True)
class Judges:
    """Two calibrated classifiers of one data set's real images."""

    seed: int
    trained: int  # images
    network: Any  # the small network before its calibration
    calibrated: dict[str, Any]  # under the keys of JUDGES

    def probabilities(self, judge: str, images: Floats) -> Floats:
        """Returns the class probabilities `(M, C)` of images `(M, H, W)` in [0, 1]."""
        shares: Floats = self.calibrated[judge].predict_proba(_flat(images)).astype(np.float32)
        return shares

    def features(self, images: Floats) -> Floats:
        """Returns the activations `(M, 64)` of the network's last hidden layer."""
        hidden = _flat(images)
        for weights, bias in list(zip(self.network.coefs_, self.network.intercepts_, strict=True))[:-1]:
            hidden = np.maximum(hidden @ weights + bias, 0).astype(np.float32)
        return hidden


def fit_judges(train: Images, validation: Images, seed: int) -> Judges:
    """Returns classifiers trained on (at most `TRAINED` of) the training images and calibrated on the validation part.

    Both are scikit-learn's. The network has two hidden layers and stops early on a tenth of its
    training images; its probabilities are sharpened or softened by one temperature. The neighbours
    vote by inverse distance between the first principal components; each class's votes become
    probabilities by isotonic regression. Both know the given classes alone: being sure of one of
    them is not the same as a good image.

    Arguments:
        train: Real images and their classes.
        validation: More of them, that neither has seen.
        seed: Of the images chosen, and of the network's first weights and order.

    Raises:
        ValueError: If there are fewer than two classes, or one has no validation images.

    References:
        | On Calibration of Modern Neural Networks (Guo et al., 2017)
        | https://arxiv.org/abs/1706.04599
        | Transforming Classifier Scores into Accurate Multiclass Probability Estimates (Zadrozny & Elkan, 2002)
        | https://doi.org/10.1145/775047.775151
    """
    # Here and not above: their import takes longer than a second.
    from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
    from sklearn.decomposition import PCA  # type: ignore[import-untyped]
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
    from sklearn.neighbors import KNeighborsClassifier  # type: ignore[import-untyped]
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]
    from sklearn.pipeline import make_pipeline  # type: ignore[import-untyped]

    rows = np.random.default_rng(seed).permutation(len(train.pixels))[:TRAINED]
    x, y = _flat(_grey(train.pixels[rows])), train.labels[rows]
    if not can_judge(train._replace(labels=y), validation):
        raise ValueError("classifiers need two classes at least, and validation images of each to be calibrated on")
    network = MLPClassifier(UNITS, batch_size=min(100, len(x)), max_iter=60, random_state=seed)
    if len(x) >= 500:
        network.set_params(early_stopping=True, n_iter_no_change=4)
    components = PCA(min(COMPONENTS, *x.shape), svd_solver="covariance_eigh")
    votes = KNeighborsClassifier(min(NEIGHBOURS, len(x)), weights="distance", algorithm="brute")
    neighbours = make_pipeline(components, votes).fit(x, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 60 rounds are enough
        network.fit(x, y)
    known = np.isin(validation.labels, network.classes_)
    unseen, labels = _flat(_grey(validation.pixels[known])), validation.labels[known]
    every = np.arange(len(labels))  # one fold: the classifiers have seen none of them, however few there are
    methods = {"mlp": (network, "temperature"), "knn": (neighbours, "isotonic")}
    calibrated = {
        name: CalibratedClassifierCV(FrozenEstimator(judge), method=method, cv=[(every, every)]).fit(unseen, labels)
        for name, (judge, method) in methods.items()
    }
    return Judges(seed=seed, trained=len(x), network=network, calibrated=calibrated)


def can_judge(train: Images, validation: Images) -> bool:
    """Says whether classifiers can be fitted: there are two classes at least, with validation images of each."""
    return len(np.unique(train.labels)) > 1 and bool(np.isin(train.labels, validation.labels).all())


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


def _grey(pixels: NDArray[np.uint8]) -> Floats:
    return pixels.astype(np.float32) / np.float32(255)


def _flat(images: Floats) -> Floats:
    return images.reshape(len(images), -1)
