"""The classes of decoded draws: a classifier whose answers are known, and errors that repetitions confirm."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy import stats

from tests.test_models import config, perturbed
from vae_explorer.latent.gaps.classes import class_entropy, class_grid, class_scores, classes_missing, fidelity, shares
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.latent.model import Floats
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build


def brightest(classes: tuple[int, ...], sharpness: float = 20.0) -> Classifier:
    """Returns a classifier of images of one pixel a class, that names the brightest one."""
    weight = sharpness * np.eye(len(classes), dtype=np.float32)
    layers = [(weight, np.zeros(len(classes), np.float32))]
    return Classifier(layers=layers, temperature=1.0, classes=classes, trained=9, seed=0)


def images(places: list[int], pixels: int, light: float = 1.0) -> Floats:
    """Returns images `(M, 1, pixels)` whose brightest pixel is known."""
    return light * np.eye(pixels, dtype=np.float32)[places][:, None]


def test_shares_are_counted_under_the_labels_of_the_data_set() -> None:
    drawn = np.concatenate([images([0, 0, 2], 3), images([2], 3, 0.01)])  # the last one is nobody's for sure
    found = shares(brightest((1, 4, 5)), drawn, total=7)
    assert found.counts.tolist() == [0, 2, 0, 0, 0, 2, 0]
    assert found.recognised == 0.75
    assert found.missing == (4,), "those that the classifier does not know are not missing"
    assert shares(brightest((1, 4, 5)), drawn).counts.tolist() == [0, 2, 0, 0, 0, 2]


def test_a_class_of_one_in_a_hundred_is_there_and_one_of_less_is_not() -> None:
    drawn = images([0] * 989 + [1] * 10 + [2], 4)
    assert shares(brightest((0, 1, 2, 3)), drawn).missing == (2, 3)
    found = class_scores(brightest((0, 1, 2, 3)), drawn)
    assert found["classes_missing"].value == 2
    assert found["class_entropy"].value == pytest.approx(stats.entropy([0.989, 0.01, 0.001]))


def repeated(p: list[float], draws: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).multinomial(draws, p, 4_000)


def test_the_error_of_missing_classes_is_that_of_repetitions() -> None:
    for p, draws in (([0.0101, 0.0098, 0.012, 0.0077, 0.9604], 10_000), ([0.2] * 5, 1_000), ([0.011, 0.989], 3_000)):
        counts = repeated(p, draws)
        truth = (counts < 0.01 * draws).sum(1).std()
        errors = [classes_missing(each).draws for each in counts[:300]]
        # A single draw's own error stands about what it found and not about the truth.
        assert np.mean(errors) == pytest.approx(truth, rel=0.3, abs=0.01)
    far = classes_missing(np.array([5_000, 5_000, 0]))
    assert far.value == 1
    assert far.draws < 1e-3, "so few in ten thousand are no chance"
    near = classes_missing(np.array([99, 9_901]))
    q = stats.norm.cdf(0.01, 0.0099, math.sqrt(0.0099 * 0.9901 / 10_000))
    assert near.draws == pytest.approx(math.sqrt(q * (1 - q)), rel=0.01)


def test_the_entropy_and_its_error_are_those_of_repetitions() -> None:
    for p, most in (([0.7, 0.2, 0.1], 1.1), ([0.5, 0.49, 0.01], 1.1), ([0.25] * 4, 1.6)):
        counts = repeated(p, 5_000)
        entropies = np.array([stats.entropy(each) for each in counts])
        found = [class_entropy(each) for each in counts[:200]]
        assert [each.value for each in found] == pytest.approx(entropies[:200])
        assert 0.9 < np.mean([each.draws for each in found]) / entropies.std() < most
    assert class_entropy(np.array([50, 50, 50])).value == pytest.approx(math.log(3))
    one = class_entropy(np.array([0, 100]))
    assert one.value == 0
    assert 0 < one.draws < 0.01, "all in a hundred is not all for certain"


def test_fidelity_is_how_often_the_classifier_sees_the_same() -> None:
    found = fidelity(brightest((3, 7)), images([0, 1, 1, 0], 2), images([0, 1, 0, 0], 2, 0.3))
    assert found[:2] == (0.75, 0.0)
    assert found.images == pytest.approx(math.sqrt(4 / 6 * 2 / 6 / 4)), "three of four, as for any other share"


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_each_cell_has_the_probabilities_of_its_own_image(latent: int) -> None:
    model = perturbed(build(config(kind="multi-rate", latent=latent), 0))
    random = np.random.default_rng(0)
    layers = [(random.standard_normal((3, 64), np.float32), random.standard_normal(3, np.float32))]
    classifier = Classifier(layers=layers, temperature=2.0, classes=(0, 2, 3), trained=9, seed=0)
    grid = class_grid(Arrays(model), classifier, (-2.0, 2.0, -1.0, 3.0), 8, 0.3)
    assert grid.shape == (8, 8, 3)
    assert grid.dtype == np.float32
    for row, column in ((0, 0), (1, 6), (7, 3)):
        z = np.zeros((1, latent), np.float32)
        z[0, :2] = [-2 + 4 * (column + 0.5) / 8, 3 - 4 * (row + 0.5) / 8][:latent]
        with torch.inference_mode():
            image = model.likelihood(torch.from_numpy(z), torch.full((1,), 0.3)).mean.flatten(1)
            exact = torch.softmax((image @ torch.from_numpy(layers[0][0]).T + torch.from_numpy(layers[0][1])) / 2, 1)
        assert np.allclose(grid[row, column], exact[0].numpy(), atol=1e-5)
    assert np.allclose(grid.sum(2), 1, atol=1e-5)
    if latent == 1:
        assert np.array_equal(grid, np.repeat(grid[:1], 8, 0))
