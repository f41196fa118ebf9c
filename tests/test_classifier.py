"""The network classifier: what scikit-learn's network says, whatever carries it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import special
from sklearn.calibration import CalibratedClassifierCV  # type: ignore[import-untyped]
from sklearn.frozen import FrozenEstimator  # type: ignore[import-untyped]
from sklearn.neural_network import MLPClassifier  # type: ignore[import-untyped]

from tests.test_gaps_images import grey, two_classes
from vae_explorer.data import Images, load
from vae_explorer.latent.gaps.classifier import Classifier, fit_classifier
from vae_explorer.models.dense import dense_plan

LABELS = {2: (3, 8), 3: (1, 4, 5)}  # not those from 0 on, as where a class has no training images


def classes(count: int, seed: int, images: int) -> Images:
    """Returns noise about one grey level a class."""
    random = np.random.RandomState(seed)
    which = random.randint(0, count, images)
    pixels = random.normal(60.0 + 60 * which[:, None, None], 40, (images, 3, 3)).clip(0, 255).astype(np.uint8)
    return Images(pixels, np.array(LABELS[count])[which], tuple("0123456789"), "noise")


def sklearns(train: Images, validation: Images, seed: int) -> tuple[MLPClassifier, CalibratedClassifierCV]:
    """Returns scikit-learn's network, before and after its calibration; its labels count from 0."""
    train, validation = (
        each._replace(labels=np.unique(each.labels, return_inverse=True)[1]) for each in (train, validation)
    )
    x, rows = grey(train).reshape(len(train.pixels), -1), np.random.default_rng(seed).permutation(len(train.pixels))
    network = MLPClassifier(
        (128, 64), batch_size=100, max_iter=60, early_stopping=True, n_iter_no_change=4, random_state=seed
    ).fit(x[rows], train.labels[rows])
    unseen = grey(validation).reshape(len(validation.pixels), -1)
    every = np.arange(len(unseen))
    calibrated = CalibratedClassifierCV(FrozenEstimator(network), method="temperature", cv=[(every, every)])
    return network, calibrated.fit(unseen, validation.labels)


@pytest.mark.parametrize("count", LABELS)
def test_a_classifier_says_what_scikit_learns_network_says(count: int) -> None:
    train, validation, test = classes(count, 0, 900), classes(count, 1, 300), classes(count, 2, 2_500)
    found = fit_classifier(train, validation, seed=3)
    network, calibrated = sklearns(train, validation, seed=3)
    shares = found.probabilities(grey(test))
    assert shares.dtype == np.float32
    assert np.allclose(shares, calibrated.predict_proba(grey(test).reshape(2_500, -1)), atol=2e-6)
    assert found.classes == LABELS[count]
    assert (found.trained, found.seed) == (900, 3)
    assert [(weight.shape, bias.shape) for weight, bias in found.layers] == [
        ((128, 9), (128,)),
        ((64, 128), (64,)),
        ((count, 64), (count,)),
    ]
    hidden = grey(test).reshape(2_500, -1)
    for weight, bias in list(zip(network.coefs_, network.intercepts_, strict=True))[:-1]:
        hidden = np.maximum(hidden @ weight + bias, 0)
    features = found.features(grey(test))
    assert features.dtype == np.float32
    assert np.allclose(features, hidden, atol=1e-4)


def test_the_temperature_is_the_likeliest_of_the_validation_images() -> None:
    train, validation = classes(3, 0, 900), classes(3, 1, 3_000)
    found = fit_classifier(train, validation, seed=0)
    weight, bias = found.layers[-1]
    logits = (found.features(grey(validation)) @ weight.T + bias).astype(np.float64)
    truth = np.searchsorted(found.classes, validation.labels)
    losses = [
        -special.log_softmax(logits / (found.temperature * factor), 1)[np.arange(3_000), truth].mean()
        for factor in (0.97, 1, 1.03)
    ]
    assert losses[1] < min(losses[0], losses[2])


def test_the_likeliest_class_is_named_by_its_label_and_no_images_are_no_labels() -> None:
    found = fit_classifier(classes(3, 0, 900), classes(3, 1, 300), seed=0)
    test = classes(3, 2, 400)
    assert (found.labels(grey(test)) == test.labels).mean() > 0.7
    assert set(found.labels(grey(test)).tolist()) <= set(LABELS[3])
    assert found.probabilities(grey(test)[:0]).shape == (0, 3)


def test_colours_are_pixels_too() -> None:
    train, validation = two_classes(0, 600), two_classes(1, 300)

    def coloured(images: Images) -> Images:
        return images._replace(pixels=np.repeat(images.pixels[..., None], 3, 3))

    found = fit_classifier(coloured(train), coloured(validation), seed=0)
    assert found.probabilities(grey(coloured(two_classes(2, 50)))).shape == (50, 2)


def test_ties_and_logits_beyond_floats_are_no_trouble() -> None:
    weight: NDArray[np.float32] = np.array([[1e30], [1e30], [-1e30]], np.float32)
    found = Classifier(
        layers=[(weight, np.zeros(3, np.float32))], temperature=1.0, classes=(0, 1, 2), trained=1, seed=0
    )
    assert np.allclose(found.probabilities(np.ones((1, 1, 1), np.float32)), [[0.5, 0.5, 0]])


def test_digits_are_told_apart() -> None:
    found = fit_classifier(load("digits", "train"), load("digits", "validation"), seed=0)
    test = load("digits", "test")
    assert (found.labels(grey(test)) == test.labels).mean() > 0.93


def test_a_plan_read_number_by_number_gives_the_probabilities() -> None:
    found, test = fit_classifier(classes(3, 0, 900), classes(3, 1, 300), seed=0), grey(classes(3, 2, 200))
    plan, weights = dense_plan(found)
    assert weights.dtype == np.float16
    assert plan["output"] == "softmax"
    assert plan["classes"] == [1, 4, 5]
    rest, hidden = weights.astype(np.float64), test.reshape(200, -1).astype(np.float64)
    for number, layer in enumerate(plan["layers"]):
        assert layer["modulation"] == 0
        size = layer["inputs"] * layer["outputs"]
        weight, bias, rest = np.split(rest, [size, size + layer["outputs"]])
        hidden = hidden @ weight.reshape(layer["outputs"], layer["inputs"]).T + bias
        if number < len(plan["layers"]) - 1:
            hidden = hidden.clip(0)
    assert len(rest) == 0
    assert np.allclose(special.softmax(hidden, 1), found.probabilities(test), atol=5e-3)
