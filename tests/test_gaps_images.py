"""The gap measures of decoded images: classifiers on data whose classes are known, neighbours by plain loops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special
from scipy.spatial import distance

from tests.test_gaps import normal
from vae_explorer.data import Images
from vae_explorer.latent.gaps import classifier, coverage
from vae_explorer.latent.gaps.coverage import K, Neighbours, cloud, neighbours
from vae_explorer.latent.gaps.measures import jackknife
from vae_explorer.latent.gaps.recognition import (
    JUDGES,
    STEPS,
    Judges,
    fit_judges,
    paths,
    recognisable_path,
    recognisable_share,
    recognised,
)
from vae_explorer.latent.model import Floats

LEVELS, SPREAD = (100.0, 155.0), 55.0  # grey levels of two classes, per pixel of 2 x 2


def two_classes(seed: int, count: int, spread: float = SPREAD) -> Images:
    """Returns images of noise about one of two grey levels: how sure one can be of each is known."""
    random = np.random.RandomState(seed)
    labels = random.randint(0, 2, count)
    pixels = random.normal(np.array(LEVELS)[labels, None, None], spread, (count, 2, 2))
    return Images(pixels.round().clip(0, 255).astype(np.uint8), labels, ("dark", "bright"), "two classes")


def grey(images: Images) -> Floats:
    return images.pixels.astype(np.float32) / np.float32(255)


def bayes(images: Images) -> Floats:
    """Returns the exact probability of the bright class."""
    low, high = LEVELS
    sums = images.pixels.astype(np.float64).sum((1, 2))
    shares: Floats = special.expit((sums - 2 * (low + high)) * (high - low) / SPREAD**2).astype(np.float32)
    return shares


@pytest.fixture(scope="module")
def judges() -> Judges:
    return fit_judges(two_classes(0, 3000), two_classes(1, 2000), seed=0)


@pytest.mark.parametrize("judge", JUDGES)
def test_calibrated_judges_are_as_sure_as_one_can_be(judges: Judges, judge: str) -> None:
    test = two_classes(2, 4000)
    inside = (test.pixels > 0).all((1, 2)) & (test.pixels < 255).all((1, 2))  # clipped ones follow another law
    shares = judges.probabilities(judge, grey(test))[inside]
    exact, labels = bayes(test)[inside], test.labels[inside]
    assert shares.shape == (inside.sum(), 2)
    assert shares.dtype == np.float32
    assert np.allclose(shares.sum(1), 1, atol=1e-5)
    assert np.abs(shares[:, 1] - exact).mean() < 0.1
    sure, right = shares.max(1), shares.argmax(1) == labels
    for low, high in ((0.5, 0.65), (0.65, 0.8), (0.8, 0.9), (0.9, 1.1)):
        chosen = (sure >= low) & (sure < high)
        error = 0.5 / math.sqrt(chosen.sum())
        assert right[chosen].mean() == pytest.approx(sure[chosen].mean(), abs=0.03 + 2 * error)


@pytest.mark.parametrize("judge", JUDGES)
def test_separable_classes_are_recognised_and_what_lies_between_is_not(judge: str) -> None:
    sharp = fit_judges(two_classes(0, 800, 20), two_classes(1, 400, 20), seed=0)
    test = two_classes(2, 500, 20)
    assert recognisable_share(sharp, judge, grey(test)).value == pytest.approx(1, abs=0.04)
    assert (sharp.probabilities(judge, grey(test)).argmax(1) == test.labels).mean() > 0.98
    levels = np.linspace(*LEVELS, 201, dtype=np.float32) / np.float32(255)
    between = np.broadcast_to(levels[:, None, None], (201, 2, 2))
    unsure = ~recognised(sharp, judge, between)
    assert unsure[80:121].any()
    assert not unsure[[0, -1]].any()
    assert unsure.mean() < 0.5


def test_the_share_is_that_of_images_that_one_can_be_sure_of(judges: Judges) -> None:
    test = two_classes(3, 4000)
    sure = np.abs(bayes(test) - 0.5) >= 0.4
    for judge in JUDGES:
        score = recognisable_share(judges, judge, grey(test))
        assert score.value == pytest.approx(sure.mean(), abs=0.06)
        assert score.draws == pytest.approx(math.sqrt(score.value * (1 - score.value) / 4000), rel=0.01)


def test_a_seed_repeats_and_another_one_differs(judges: Judges) -> None:
    images = grey(two_classes(5, 50))
    again, other = (fit_judges(two_classes(0, 3000), two_classes(1, 2000), seed) for seed in (0, 1))
    assert np.array_equal(judges.probabilities("mlp", images), again.probabilities("mlp", images))
    assert not np.allclose(judges.probabilities("mlp", images), other.probabilities("mlp", images))
    assert (judges.seed, other.seed, judges.trained) == (0, 1, 3000)


def test_judges_take_a_part_of_many_images_and_make_do_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    few = fit_judges(two_classes(0, 12, 8), two_classes(1, 20, 8), seed=0)
    assert few.trained == 12
    assert np.allclose(few.probabilities("knn", grey(two_classes(2, 9, 8))).sum(1), 1, atol=1e-5)
    monkeypatch.setattr(classifier, "TRAINED", 600)
    assert fit_judges(two_classes(0, 3000), two_classes(1, 200), seed=0).trained == 600
    one = two_classes(0, 50)
    one = one._replace(labels=np.zeros_like(one.labels))
    for train, validation in (
        (one, two_classes(1, 50)),
        (two_classes(0, 50), one),
        (two_classes(0, 50), two_classes(1, 0)),
    ):
        with pytest.raises(ValueError, match="two classes at least, and validation images of each"):
            fit_judges(train, validation, seed=0)


class Threshold:
    """A judge that is sure of every image that is brighter than a half."""

    seed = 0

    def probabilities(self, judge: str, images: Floats) -> Floats:
        bright = (images.mean((1, 2)) > 0.5).astype(np.float32)
        return np.stack([0.35 + 0.6 * bright, 0.6 - 0.6 * bright], 1).astype(np.float32)


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize("fewest", [1, 2, 4])
def test_a_class_of_a_few_validation_images_is_enough(judge: str, fewest: int) -> None:
    train, validation = two_classes(0, 400, 20), two_classes(1, 60, 20)
    rare = np.flatnonzero(validation.labels == 1)[fewest:]
    few = validation._replace(pixels=np.delete(validation.pixels, rare, 0), labels=np.delete(validation.labels, rare))
    assert (few.labels == 1).sum() == fewest
    judges, test = fit_judges(train, few, seed=0), two_classes(2, 300, 20)
    assert (judges.probabilities(judge, grey(test)).argmax(1) == test.labels).mean() > 0.95


def test_paths_are_straight_and_join_every_code_once() -> None:
    codes = normal(0, 41, 3)
    points = paths(codes, seed=1)
    assert points.shape == (20, STEPS, 3)
    step = points[:, 1] - points[:, 0]
    assert np.allclose(np.diff(points, axis=1), step[:, None], atol=1e-5)
    ends = np.concatenate([points[:, 0] - step / 2, points[:, -1] + step / 2])
    nearest = distance.cdist(ends, codes)
    assert nearest.min(1).max() < 1e-5
    assert len(set(nearest.argmin(1))) == 40
    same, other = paths(2 * codes, seed=1), paths(codes, seed=2)
    assert np.allclose(same, 2 * points), "the same pairs of images for every model"
    assert not np.allclose(other, points)


def test_the_recognised_part_of_a_path_is_what_is_brighter_than_a_half() -> None:
    judge: Any = Threshold()
    codes = np.random.default_rng(0).random((400, 1)).astype(np.float32)
    points = paths(codes, seed=0)
    score = recognisable_path(judge, "mlp", np.broadcast_to(points.reshape(-1, 1, 1), (2000, 2, 2)))
    assert score.value == pytest.approx(0.5, abs=3 * score.error)
    a, b = points[:, 0, 0], points[:, -1, 0]
    length = ((np.maximum(a, b) - 0.5) / np.abs(b - a)).clip(0, 1)
    assert score.value == pytest.approx(length.mean(), abs=0.02)
    assert score.error == pytest.approx(length.std() / math.sqrt(200), rel=0.1)


def by_loops(real: Floats, fake: Floats) -> tuple[float, float, float, float]:
    """Returns precision, recall, density and coverage in float64."""
    between, within = distance.cdist(fake, real), [np.sort(distance.cdist(x, x), 1)[:, K] for x in (real, fake)]
    balls, around = between <= within[0], between <= within[1][:, None]
    return balls.any(1).mean(), around.any(0).mean(), balls.sum() / K / len(fake), balls.any(0).mean()


def values(found: Neighbours) -> list[float]:
    return [score.value for score in found if score]


@pytest.mark.parametrize("block", [7, 1000])
def test_neighbours_equal_plain_loops(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "BLOCK", block)
    for seed, scale in ((0, 1.0), (1, 0.3), (2, 2.0)):
        real, fake = normal(seed, 60, 4), scale * normal(seed + 10, 60, 4) + 0.2
        assert values(neighbours(cloud(real), fake)) == pytest.approx(by_loops(real, fake))


def test_errors_over_the_other_cloud_are_those_of_leaving_out_its_tenths() -> None:
    real, fake = normal(0, 60, 4), normal(1, 60, 4)
    between, within = distance.cdist(fake, real), [np.sort(distance.cdist(x, x), 1)[:, K] for x in (real, fake)]
    balls, around = between <= within[0], between <= within[1][:, None]
    left = [np.arange(60) % 10 != group for group in range(10)]
    found = neighbours(cloud(real), fake)
    assert found.precision is not None
    assert found.precision.images == pytest.approx(jackknife([balls[:, each].any(1).mean() for each in left]))
    assert found.density is not None
    assert found.density.images == pytest.approx(jackknife([balls[:, each].sum() / K / 54 for each in left]), rel=1e-4)
    assert found.recall is not None
    assert found.recall.draws == pytest.approx(jackknife([around[each].any(0).mean() for each in left]))
    assert found.coverage is not None
    assert found.coverage.draws == pytest.approx(jackknife([balls[each].any(0).mean() for each in left]))


@pytest.mark.parametrize(("axes", "away"), [(784, 0.0), (784, 1.0), (64, 1.0), (2, 0.0)])
def test_draws_that_are_the_data_miss_nothing(axes: int, away: float) -> None:
    points = np.random.default_rng(0).random((300, axes), np.float32) + np.float32(away)
    for order in (np.arange(300), np.random.default_rng(1).permutation(300)):  # sums of another order round otherwise
        precision, recall, density, covered = values(neighbours(cloud(points), points[order]))
        assert (precision, recall, covered) == (1, 1, 1)
        assert density >= (K + 1) / K - 1e-6, "each lies in its own ball too, and the K-th neighbour on the border"
        assert density == pytest.approx((K + 1) / K, rel=0.03)


def test_draws_of_the_datas_own_distribution_have_the_known_expectations() -> None:
    found = [neighbours(cloud(normal(seed, 250, 3)), normal(seed + 99, 250, 3)) for seed in range(40)]
    exact = 1 - math.prod((250 - m) / (500 - m) for m in range(1, K + 1))
    for name, expected in (("density", 1.0), ("coverage", exact)):
        scores = np.array([getattr(each, name).value for each in found])
        assert scores.mean() == pytest.approx(expected, abs=3 * scores.std() / math.sqrt(40))
    for name in Neighbours._fields:
        spread = np.std([getattr(each, name).value for each in found])
        errors = [getattr(each, name).error for each in found]
        assert spread / 1.5 < np.mean(errors) < 2.2 * spread, name


def test_draws_far_from_the_data_hit_nothing() -> None:
    far = neighbours(cloud(normal(0, 100, 3)), normal(1, 100, 3) + 100)
    assert values(far) == [0, 0, 0, 0]
    assert far.precision is not None
    assert 0 < far.precision.error < 0.02, "nothing in a hundred is not nothing for certain"
    spread = neighbours(cloud(normal(0, 100, 3)), np.concatenate([normal(1, 50, 3), normal(2, 50, 3) + 100]))
    assert spread.precision is not None
    assert spread.precision.value == pytest.approx(0.5, abs=0.1)


def test_more_draws_than_images_are_averaged_as_many_at_a_time() -> None:
    real, fake = normal(0, 40, 3), 0.7 * normal(1, 130, 3)
    each = [by_loops(real, fake[start : start + 40]) for start in (0, 40, 80)]
    found = neighbours(cloud(real), fake)
    assert values(found) == pytest.approx(np.mean(each, 0))
    with pytest.raises(ValueError, match="as many draws as images are needed: 40, and there are 39"):
        neighbours(cloud(real), fake[:39])
    with pytest.raises(ValueError, match="6 points at least"):
        cloud(real[:5])
