"""The doctor on records that are written here: what it says is the same on every processor."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from sklearn.decomposition import PCA  # type: ignore[import-untyped]

from vae_explorer.config import Likelihood, ModelConfig, TrainingConfig
from vae_explorer.data import load
from vae_explorer.jobs.doctor import examine
from vae_explorer.jobs.records import Order, Record, Rung, Status
from vae_explorer.measured.baselines import best_linear, explained, mean_image

MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8), latent=2, encoder=(16,), decoder=(16,))
WELL = [60.0, 40, 32, 30, 29, 28.5, 28.2, 28.1, 28.05, 28.0]  # log 2 for each of 64 pixels is 44.4


def order(epochs: int = 10, **model: object) -> Order:
    return Order(
        model=replace(MODEL, **model),  # type: ignore[arg-type]
        training=TrainingConfig(epochs=epochs, learning_rate=0.3),
        command="test",
    )


def status(
    train: list[float], validation: list[float] | None = None, rates: tuple[float, ...] = (2.0, 1.0), r2: float = 0.4
) -> Status:
    """A run that is over, with these objectives; the rate is 3 nats."""
    records = tuple(
        Record(
            number=k,
            distortion=loss - 3,
            rate=3.0,
            validation_distortion=held - 3,
            validation_rate=3.0,
            validation_objective=held,
            images_per_second=1.0,
            seconds=1.0,
            seconds_left=0.0,
            objective=loss,
            axis_rate=rates,
            explained=r2,
        )
        for k, (loss, held) in enumerate(zip(train, validation or train, strict=True), 1)
    )
    return Status(state="done", records=records, pca=0.5, linear=0.45)


def names(found: Status, of: Order | None = None) -> list[str]:
    return [each.name for each in examine(of or order(len(found.records)), found)]


def test_a_run_that_is_well_is_healthy() -> None:
    assert names(status(WELL)) == ["healthy"]
    assert names(replace(status(WELL), pca=None, linear=None)) == ["healthy"], "files of before"


@pytest.mark.parametrize(
    ("train", "epoch", "low", "high"),
    [
        ([34.1, 2735.8, 89.9, 34.1, 29.7, 28.2, 28.0, 27.9, 27.8, 27.7], 2, "34.1", "2,735.8"),
        ([529.1, 48.1, 31.6, 29.3, 28.8, 180.0, 90.0, 60.0, 59.9, 59.8], 6, "28.8", "180.0"),  # blew up in epoch 1
        ([60.0, 40, 32, 30, 29, 28, 45, 44, 43.9, 43.8], 7, "28.0", "45.0"),  # lower than it began
        ([60.0, 29, 36, 28, 70, 28, 27.9, 27.8, 27.7, 27.6], 5, "28.0", "70.0"),  # the larger of two
    ],
)
def test_a_jump_is_judged_against_the_best_so_far(train: list[float], epoch: int, low: str, high: str) -> None:
    found = status(train)
    finding = examine(order(), found)[0]
    assert finding.name == "diverged"
    assert f"jumped from {low} to {high} nats in epoch {epoch};" in finding.seen
    assert "learning rate of 0.1 instead of 0.3" in finding.remedy
    assert names(replace(found, state="training"))[0] == "diverged", "while it runs, too"


def test_a_loss_that_blew_up_before_its_first_record_is_seen_by_its_size() -> None:
    train = [9985.9, 58.4, 32.5, 30.4, 29.6, 28.9, 28.9, 28.7, 28.7, 28.7]
    assert "was 9,985.9 nats in epoch 1, where grey images have 44.4" in examine(order(), status(train))[0].seen
    assert names(status(train), order(likelihood="gaussian")) == ["healthy"], "its loss has no such bound"


@pytest.mark.parametrize(
    "train",
    [
        [60.0, 40, 32, 32.4, 30, 30.3, 29, 29.1, 29, 29],  # a little up and down
        [-100.0, -900, -2000, -2100, -2150, -2140, -2160, -2161, -2162, -2162],  # a density
        [8000.0, 6000, 5000, 5020, 4990, 5001, 4980, 4975, 4974, 4974],  # many pixels
        [300.0, 20, 4, 1, 0.2, 0.6, 0.1, 0.05, 0.04, 0.04],  # around 0
        [500.0, 100, 100, 112, 100, 100, 100, 100, 100, 100],  # a tenth of the best, and little of the way down
    ],
)
def test_what_goes_up_a_little_has_not_jumped(train: list[float]) -> None:
    assert names(status(train), order(likelihood="gaussian")) == ["healthy"]


def test_a_run_that_explains_less_than_a_linear_model_is_under_fitting_and_not_collapsed() -> None:
    found = replace(status(WELL, rates=(0.3, 0.001), r2=0.08), pca=0.63, linear=0.6)
    (finding,) = examine(order(), found)
    assert finding.name == "under-fitting"
    assert (
        "explain 8% of the validation images' variance; 2 principal components would explain 63%, 60%" in finding.seen
    )
    assert "lose nothing" not in finding.remedy
    assert names(replace(found, state="training")) == ["posterior collapse"], "it is not over"


@pytest.mark.parametrize(("r2", "linear"), [(0.31, 0.6), (0.0, 0.04)])
def test_what_a_linear_model_cannot_explain_either_is_not_held_against_a_run(r2: float, linear: float) -> None:
    assert names(replace(status(WELL, r2=r2), pca=0.63, linear=linear)) == ["healthy"]


def test_axes_are_counted_by_their_share_of_the_rate() -> None:
    of = order(latent=4)
    (finding,) = examine(of, status(WELL, rates=(3.0, 2.0, 0.05, 0.03)))
    assert finding.name == "posterior collapse"
    assert finding.seen.startswith("2 of 4 axes have a rate under 0.1 nats")
    assert "have 2 in all" in finding.remedy
    assert names(status(WELL, rates=(3.0, 2.0, 0.2, 0.3)), of) == ["healthy"]
    assert names(status(WELL, rates=(0.005, 0.004, 0.001, 0.0)), of) == ["posterior collapse"]


def test_a_run_that_ended_while_falling_is_told_to_train_longer() -> None:
    short = [60.0, 40, 36, 34, 32.5, 31]
    (finding,) = examine(order(6), status(short))
    assert finding.name == "still falling"
    assert "fell by 5.00 nats in the last 3 epochs, to 31.00" in finding.seen
    assert "12 epochs instead of 6" in finding.remedy
    assert names(replace(status(short), state="stopped"), order(10)) == ["healthy"], "it did not come to its end"
    assert names(status([60.0, 32, 31.4, 31.2, 31.1, 31.0]), order(6)) == ["healthy"]


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        ([(0.01, 10, 9), (0.1, 12, 7), (1, 20, 3)], None),
        ([(0.01, 10, 9), (0.1, 10.2, 9.3), (1, 20, 3)], None),  # within what a sample of z varies by
        ([(0.01, 10, 5), (0.1, 12, 7), (1, 20, 3)], "From KL weight 0.01 to 0.1 the rate rises from 5.00 to 7.00"),
        ([(0.1, 22, 7), (1, 20, 3)], "From KL weight 0.1 to 1 the distortion falls from 22.00 to 20.00"),
    ],
)
def test_a_rate_distortion_curve_that_runs_backwards_is_named(
    rungs: list[tuple[float, ...]], words: str | None
) -> None:
    ladder = tuple(Rung(beta=beta, distortion=distortion, rate=rate) for beta, distortion, rate in rungs)
    findings = examine(order(kind="multi-rate"), replace(status(WELL), ladder=ladder))
    assert [each.name for each in findings] == ["backwards" if words else "healthy"]
    assert words is None or words in findings[0].seen


# What a linear model explains ------------------------------------------------------------------


def test_without_a_kl_weight_the_best_linear_model_is_pca() -> None:
    train, held = (load("digits", part).pixels for part in ("train", "validation"))
    x, y = (part.reshape(-1, 64) / 255 for part in (train, held))
    pca = PCA(5).fit(x)
    left = y - pca.inverse_transform(pca.transform(y))
    expected = 1 - (left**2).sum() / ((y - x.mean(0)) ** 2).sum()
    config = replace(MODEL, latent=5, likelihood="gaussian")
    assert best_linear(train, held, config, 0.0) == pytest.approx((expected, expected), abs=1e-6)
    decoded = pca.inverse_transform(pca.transform(y))
    assert explained(held, decoded, mean_image(train)) == pytest.approx(expected, abs=1e-6)
    assert explained(held, np.broadcast_to(x.mean(0), y.shape), mean_image(train)) == pytest.approx(0, abs=1e-9)


def test_a_kl_weight_keeps_the_axes_whose_variance_exceeds_it_in_units_of_the_noise() -> None:
    """Independent pixels: each is an axis, and the closed form is a sum over them."""
    rng = np.random.default_rng(0)
    spreads = np.array([60.0, 30, 10, 2])
    train = (128 + rng.normal(size=(4000, 4)) * spreads).clip(0, 255).round().astype(np.uint8).reshape(-1, 2, 2)
    config = replace(MODEL, shape=(2, 2), latent=4, likelihood="gaussian", scale=20 / 255)
    variance = train.reshape(-1, 4).var(0)
    shrunk = np.maximum(0, 1 - 400 / variance)  # beta 1
    expected = (variance * (1 - (1 - shrunk) ** 2)).sum() / variance.sum()
    assert best_linear(train, train, config, 1.0).linear == pytest.approx(expected, abs=0.01)
    assert best_linear(train, train, config, 1e6).linear == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous-bernoulli", "gaussian", "gaussian-learned"])
def test_a_larger_kl_weight_explains_no_more(likelihood: Likelihood) -> None:
    train, held = (load("digits", part).pixels[:300] for part in ("train", "validation"))
    config = replace(MODEL, latent=8, likelihood=likelihood)
    found = [best_linear(train, held, config, beta).linear for beta in (0.0, 0.1, 1.0, 3.0, 100.0)]
    assert all(a >= b - 1e-3 for a, b in pairwise(found))
    assert found[0] > 0.5
    blank = np.zeros((20, 8, 8), np.uint8)
    assert best_linear(blank, blank, config, 1.0) == (0, 0)
