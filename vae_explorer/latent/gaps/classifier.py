"""The network classifier: a few matrices that say which class an image is of, fitted to real images alone."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from vae_explorer.data import Images
from vae_explorer.latent.encoding import batches
from vae_explorer.latent.model import Floats

TRAINED = 10_000  # images at most
UNITS = (128, 64)  # of the hidden layers

Layer = tuple[Floats, Floats]  # weight (out, in), bias (out,)


@dataclass(frozen=True, kw_only=True)
class Classifier:
    r"""A dense network with ReLU between its layers, calibrated by one temperature.

    .. math::
        p(c|x) = \operatorname{softmax}(o / T)_c, \quad o = W_L h_{L-1} + b_L, \quad
        h_l = \max(W_l h_{l-1} + b_l, 0), \quad h_0 = x

    It knows `classes` alone: being sure of one of them is not the same as a good image.
    """

    layers: Sequence[Layer]  # float32, the last one's outputs are the logits of `classes`
    temperature: float
    classes: tuple[int, ...]  # label indices, rising
    trained: int  # images
    seed: int  # of the images chosen, the first weights and the order

    def probabilities(self, images: Floats) -> Floats:
        """Returns the probabilities `(M, C)` of `classes`, in their order, of images `(M, H, W[, 3])` in [0, 1]."""
        weight, bias = self.layers[-1]
        parts = []
        for part in batches(images):
            logits = (self.features(part) @ weight.T + bias) / np.float32(self.temperature)
            shares = np.exp(logits - logits.max(1, keepdims=True))
            parts.append(shares / shares.sum(1, keepdims=True))
        return np.concatenate(parts)

    def labels(self, images: Floats) -> NDArray[np.int64]:
        """Returns the likeliest class's label index, `(M,)`."""
        chosen: NDArray[np.int64] = np.array(self.classes, np.int64)[self.probabilities(images).argmax(1)]
        return chosen

    def features(self, images: Floats) -> Floats:
        """Returns the activations `(M, F)` of the last hidden layer."""
        parts = []
        for part in batches(images):
            hidden = flat(part)
            for weight, bias in self.layers[:-1]:
                hidden = hidden @ weight.T
                hidden += bias
                np.maximum(hidden, 0, out=hidden)
            parts.append(hidden)
        return np.concatenate(parts)


def fit_classifier(train: Images, validation: Images, seed: int) -> Classifier:
    """Returns a classifier trained on (at most `TRAINED` of) the training images, calibrated on the validation part.

    The network is scikit-learn's, with hidden layers of `UNITS`; it stops early on a tenth of its training images.
    Its temperature is the likeliest of the validation images. Two classes have one logit there; here the first one's
    is 0.

    Arguments:
        train: Real images and their classes.
        validation: More of them, that it has not seen.
        seed: Of the images chosen, and of the network's first weights and order.

    Raises:
        ValueError: If there are fewer than two classes, or one has no validation images.

    References:
        | On Calibration of Modern Neural Networks (Guo et al., 2017)
        | https://arxiv.org/abs/1706.04599
    """
    # Here and not above: their import takes longer than a second.
    from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
    from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
    from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
    from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

    some = chosen(train, validation, seed)
    x = flat(grey(some.pixels))
    # Counted from 0: scikit-learn's temperature takes labels for columns, wrongly where a class is missing among them.
    classes, places = np.unique(some.labels, return_inverse=True)
    network = MLPClassifier(UNITS, batch_size=min(100, len(x)), max_iter=60, random_state=seed)
    if len(x) >= 500:
        network.set_params(early_stopping=True, n_iter_no_change=4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # 60 rounds are enough
        network.fit(x, places)
    unseen = known(validation, classes)
    every = np.arange(len(unseen.labels))  # one fold: the network has seen none of them, however few there are
    calibrated = CalibratedClassifierCV(FrozenEstimator(network), method="temperature", cv=[(every, every)])
    calibrated.fit(flat(grey(unseen.pixels)), np.searchsorted(classes, unseen.labels))
    (inverse,) = (each.calibrators[0].beta_ for each in calibrated.calibrated_classifiers_)
    layers = [
        (np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32))
        for weight, bias in zip(network.coefs_, network.intercepts_, strict=True)
    ]
    if len(classes) == 2:
        weight, bias = (np.concatenate([np.zeros_like(each), each]) for each in layers[-1])
        layers[-1] = weight, bias
    return Classifier(
        layers=layers,
        temperature=float(1 / inverse),
        classes=tuple(classes.tolist()),
        trained=len(x),
        seed=seed,
    )


def can_judge(train: Images, validation: Images) -> bool:
    """Says whether classifiers can be fitted: there are two classes at least, with validation images of each."""
    return len(np.unique(train.labels)) > 1 and bool(np.isin(train.labels, validation.labels).all())


def chosen(train: Images, validation: Images, seed: int) -> Images:
    """Returns the training images, at most `TRAINED`, that classifiers of a seed learn from.

    Raises:
        ValueError: If there are fewer than two classes, or one has no validation images.
    """
    rows = np.random.default_rng(seed).permutation(len(train.pixels))[:TRAINED]
    some = train._replace(pixels=train.pixels[rows], labels=train.labels[rows])
    if not can_judge(some, validation):
        raise ValueError("classifiers need two classes at least, and validation images of each to be calibrated on")
    return some


def known(images: Images, classes: ArrayLike) -> Images:
    """Returns those of the images whose classes a classifier knows."""
    rows = np.isin(images.labels, classes)
    return images._replace(pixels=images.pixels[rows], labels=images.labels[rows])


def grey(pixels: NDArray[np.uint8]) -> Floats:
    """Returns levels in [0, 1]."""
    return pixels.astype(np.float32) / np.float32(255)


def flat(images: Floats) -> Floats:
    """Returns images as rows, `(M, P)`."""
    return images.reshape(len(images), math.prod(images.shape[1:]))
