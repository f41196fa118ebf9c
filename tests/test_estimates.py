"""The time of a run, announced from half a second of it."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.jobs import estimates
from vae_explorer.jobs.estimates import Estimate, EstimateError, in_process, time_run
from vae_explorer.models.autoencoder import build
from vae_explorer.training import engine as training
from vae_explorer.ui.train import forecast
from vae_explorer.ui.train.forecast import Forecasts, Measurement

MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,))
SETTINGS = TrainingConfig(epochs=3, batch=50)
STEP = 0.04  # seconds on the fake clock


class Clock:
    """Time that passes only where a test says so; the real one depends on what else the machine does."""

    def __init__(self) -> None:
        self.now = 100.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(estimates, "time", clock)
    monkeypatch.setattr(training, "time", clock)
    return clock


@pytest.fixture
def seen(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Makes each step of training take a known time, its first ones longer; returns the batches that it saw."""
    seen: list[int] = []
    step = training._step

    def timed(model: Any, optimizer: Any, pixels: Any, *others: Any) -> Any:
        seen.append(len(pixels))
        clock.now += 10 * STEP if len(seen) <= 2 else STEP
        return step(model, optimizer, pixels, *others)

    monkeypatch.setattr(training, "_step", timed)
    return seen


def test_steps_are_those_of_training_and_the_first_ones_do_not_count(seen: list[int]) -> None:
    estimate = time_run(MODEL, SETTINGS, 1000, 100, seconds=1.0)
    assert set(seen) == {50}
    assert estimate.step == pytest.approx(STEP)
    assert estimate.error == pytest.approx(0, abs=1e-9)
    assert len(seen) == pytest.approx(estimates.WARM_UP + 1 / STEP, abs=2)


def test_a_machine_whose_speed_varies_makes_the_estimate_uncertain(
    seen: list[int], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = training._step

    def unsteady(*arguments: Any) -> Any:
        clock.now += STEP if clock.now > 102 else 0
        return step(*arguments)

    monkeypatch.setattr(training, "_step", unsteady)
    estimate = time_run(MODEL, SETTINGS, 1000, 100, seconds=2.0)
    assert STEP < estimate.step < 2 * STEP
    assert 0.5 * STEP < estimate.error < 2 * STEP


def test_what_lies_between_two_epochs_is_no_step_but_an_epochs_end(
    seen: list[int], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = training.evaluate

    def evaluate(*arguments: Any, **options: Any) -> Any:
        clock.now += 0.3
        return usual(*arguments, **options)

    monkeypatch.setattr(training, "evaluate", evaluate)  # fit's own, after every three steps
    monkeypatch.setattr(estimates, "evaluate", evaluate)
    monkeypatch.setattr(estimates, "LOOP", 3)
    estimate = time_run(MODEL, SETTINGS, 150, 2000, seconds=2.0)
    assert estimate.step == pytest.approx(STEP)
    assert estimate.end == pytest.approx(0.3 * 2000 / estimates.TRIED)


def test_a_run_is_its_start_its_steps_and_its_epochs_ends() -> None:
    estimate = Estimate(step=0.5, error=0.1, end=2.0, start=3.0)
    assert estimate.epoch(1000, 100) == 10 * 0.5 + 2
    assert estimate.run(1000, TrainingConfig(epochs=4, batch=100)) == pytest.approx((3 + 4 * 7, 4 * 10 * 0.1))
    assert estimate.epoch(7, 100) == 2.5  # fewer images than a batch are one step


def test_the_estimate_of_an_epoch_is_what_training_then_takes(seen: list[int]) -> None:
    estimate = time_run(MODEL, SETTINGS, 600, 100)
    some = estimates._images(np.random.default_rng(0), 600, MODEL)
    epochs = training.fit(build(MODEL, 0), some, some, SETTINGS)
    assert [each.seconds for each in epochs] == pytest.approx([12 * estimate.step] * 3)


def test_it_is_measured_in_a_process_of_its_own_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    begun = time.perf_counter()
    estimate = in_process(MODEL, SETTINGS, 1297, 200)
    took = time.perf_counter() - begun
    assert 0 < estimate.start < took
    assert estimate.step > 0
    assert estimate.error >= 0
    assert list(tmp_path.iterdir()) == []


def test_a_measurement_that_fails_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(estimates, "PATIENCE", 0.01)
        with pytest.raises(EstimateError, match="took longer"):
            in_process(MODEL, SETTINGS, 10, 10)
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(EstimateError, match="/nowhere/python"):
        in_process(MODEL, SETTINGS, 10, 10)


@pytest.mark.parametrize("images", [1, 60, 1000])
def test_few_images_are_measured_too(images: int, seen: list[int]) -> None:
    assert time_run(MODEL, SETTINGS, images, 1).step == pytest.approx(STEP)
    assert set(seen) == {min(50, images)}


def done(estimate: Estimate | EstimateError) -> Future[Estimate]:
    future: Future[Estimate] = Future()
    if isinstance(estimate, Estimate):
        future.set_result(estimate)
    else:
        future.set_exception(estimate)
    return future


def test_the_line_says_the_range_and_what_else_was_at_work() -> None:
    estimate = Estimate(step=0.01, error=0.001, end=1.0, start=3.0)
    settings = TrainingConfig(epochs=10, batch=100)
    line = forecast.words(Measurement(done(estimate), ()), settings, 10_000)
    assert line == "About 23 s here (22 s to 24 s), 2 s an epoch."
    line = forecast.words(Measurement(done(replace(estimate, error=0.1)), ()), settings, 10_000)
    assert "(up to 2 min)" in line  # 23 s, give or take 90 s: "under 1 s" would say that it may be instant
    line = forecast.words(Measurement(done(estimate), ("other",)), settings, 10_000)
    assert "while other trained" in line
    line = forecast.words(Measurement(done(replace(estimate, load=2.0)), ()), settings, 10_000)
    assert "kept the machine busy" in line
    assert "Timing" in forecast.words(Measurement(Future(), ()), settings, 10_000)
    assert "no memory" in forecast.words(Measurement(done(EstimateError("no memory")), ()), settings, 10_000)


def test_a_choice_is_measured_once_and_again_when_the_machine_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ModelConfig] = []

    def instant(model: ModelConfig, *_: Any) -> Estimate:
        asked.append(model)
        return Estimate(step=1.0, error=0.0, end=0.0)

    monkeypatch.setattr(forecast, "in_process", instant)
    known = Forecasts()
    first = known.ask(MODEL, SETTINGS, (100, 10), ["other"])
    assert known.ask(MODEL, replace(SETTINGS, epochs=99, seed=5), (100, 10), ["other"]) is first
    assert known.ask(replace(MODEL, beta=3.0), SETTINGS, (100, 10), ["other"]) is first
    alone = known.ask(MODEL, SETTINGS, (100, 10), [])
    assert alone is not first
    assert known.ask(MODEL, SETTINGS, (100, 10), ["other"]) is alone, "a better figure than one beside another job"
    assert known.ask(replace(MODEL, latent=5), SETTINGS, (100, 10), []) is not alone
    known.pool.shutdown()
    assert len(asked) == 3


def test_a_measurement_that_failed_is_done_again_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[ModelConfig] = []

    def fails_once(model: ModelConfig, *_: Any) -> Estimate:
        asked.append(model)
        if len(asked) == 1:
            raise EstimateError("no memory")
        return Estimate(step=1.0, error=0.0, end=0.0)

    monkeypatch.setattr(forecast, "in_process", fails_once)
    known = Forecasts()
    first = known.ask(MODEL, SETTINGS, (100, 10), [])
    assert isinstance(first.estimate.exception(), EstimateError)
    assert known.ask(MODEL, SETTINGS, (100, 10), []) is first, "not at every look"
    now = time.monotonic()
    monkeypatch.setattr(forecast.time, "monotonic", lambda: now + forecast.AGAIN + 1)  # type: ignore[attr-defined]
    second = known.ask(MODEL, SETTINGS, (100, 10), [])
    assert second.estimate.result().step == 1.0
    monkeypatch.setattr(forecast.time, "monotonic", lambda: now + 1e6)  # type: ignore[attr-defined]
    assert known.ask(MODEL, SETTINGS, (100, 10), []) is second, "a good one stays"
    known.pool.shutdown()
