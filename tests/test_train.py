"""The Train page without a browser: what it offers, starts, shows and exports."""

from __future__ import annotations

import shlex
import threading
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.test_explore import sent
from vae_explorer import __main__ as command_line
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import Kind, ModelConfig, TrainingConfig
from vae_explorer.figures.training_curves import training_curves
from vae_explorer.jobs import jobs, worker
from vae_explorer.jobs.estimates import Estimate
from vae_explorer.jobs.job import Job, write
from vae_explorer.jobs.records import Order, Status
from vae_explorer.models.autoencoder import build, parameters
from vae_explorer.ui.train import film as training
from vae_explorer.ui.train import forecast
from vae_explorer.ui.train import page as train_page

MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,))


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    monkeypatch.setattr(forecast, "in_process", lambda *_: Estimate(step=1.0, error=0.1, end=2.0, start=3.0))
    forecast.forecasts.clear()
    return tmp_path


def done(name: str = "first", epochs: int = 3, model: ModelConfig = MODEL) -> Job:
    job = jobs.create(name, Order(model=model, training=TrainingConfig(epochs=epochs, batch=50), command="test"))
    worker.work(job)
    return job


def train() -> AppTest:
    def page() -> None:
        from vae_explorer.ui.train.page import page

        page()

    test = AppTest.from_function(page, default_timeout=60).run()
    assert not test.exception, test.exception
    return test


def button(test: AppTest, label: str) -> bool:
    return label in [each.label for each in test.button]


def test_an_empty_list_says_what_to_do() -> None:
    assert "No run yet" in train().info[0].value


def test_the_page_trains_what_was_chosen_beside_itself() -> None:
    test = train()
    test.selectbox(key="train_data").select("digits").run()
    test.number_input(key="train_epochs_digits").set_value(2).run()
    test.selectbox(key="train_kind").select("autoencoder").run()
    next(each for each in test.button if each.label == "Train").click().run()
    assert not test.exception, test.exception
    (job,) = jobs.find_all()
    assert job.name == "my-digits-autoencoder"
    until = time.monotonic() + 60
    while job.alive and time.monotonic() < until:
        time.sleep(0.05)
    assert job.status.state == "done"
    assert job.order.training.epochs == 2
    assert checkpoints.find("my-digits-autoencoder").exists()
    test = train()
    assert test.selectbox(key="train_job").value == job.name
    assert test.text_input[0].value != job.name, "the name proposed is free"


def test_the_command_shown_trains_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    test = train()
    test.selectbox(key="train_data").select("digits").run()
    test.selectbox(key="train_likelihood").select("gaussian").run()
    command = shlex.split(test.code[0].value)
    assert command[:3] == ["python", "-m", "vae_explorer"]
    seen = []
    with monkeypatch.context() as patch:

        def work(job: Job, **_: object) -> Status:
            seen.append((job.order.model, job.order.training))
            return job.status

        patch.setattr(worker, "work", work)
        assert command_line.main(command[3:]) == 0
    next(each for each in test.button if each.label == "Train").click().run()
    (job,) = jobs.find_all()
    job.ask("stop")
    assert seen == [(job.order.model, job.order.training)]
    until = time.monotonic() + 60
    while job.alive and time.monotonic() < until:
        time.sleep(0.05)


def test_a_run_that_is_over_can_be_explored_or_deleted_and_one_stopped_resumed() -> None:
    job = done()
    test = train()
    assert (button(test, "Explore"), button(test, "Delete"), button(test, "Resume")) == (True, True, False)
    stopped = replace(job.status, state="stopped", records=job.status.records[:2])
    write(job.folder / "status.json", asdict(stopped))
    assert button(train(), "Resume")


def test_a_wish_is_followed_before_the_page_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    def part(folder: str) -> None:
        from pathlib import Path

        from vae_explorer.jobs.job import Job
        from vae_explorer.jobs.records import LIVE
        from vae_explorer.ui.train.page import _watch

        job = Job(Path(folder))
        _watch(job, 10_000, job.status.state in LIVE)

    job = jobs.create("live", Order(model=MODEL, training=TrainingConfig(epochs=10_000, batch=50), command="test"))
    ask = Job.ask
    job.start()
    try:
        until = time.monotonic() + 60
        while job.status.state != "training" and time.monotonic() < until:
            time.sleep(0.05)
        monkeypatch.setattr(train_page, "ANSWER", 30.0)  # on a busy machine a job looks late
        monkeypatch.setattr(Job, "ask", lambda self, wish: threading.Timer(0.4, ask, (self, wish)).start())  # slow
        test = AppTest.from_function(part, default_timeout=60, kwargs={"folder": str(job.folder)})
        test.run()
        for label, words in (("Pause", "paused"), ("Resume", "waiting training"), ("Stop", "stopped")):
            next(each for each in test.button if each.label == label).click().run()
            assert not test.exception, test.exception
            assert any(word in shown(test) for word in words.split())
    finally:
        ask(job, "stop")


@pytest.mark.parametrize("part", ["_watch(job, 3, True)", "_judge(job, None)"])
def test_a_job_deleted_in_another_window_draws_the_whole_page_anew(part: str) -> None:
    def page(part: str) -> None:
        from pathlib import Path

        import streamlit as st

        from vae_explorer.jobs.job import Job
        from vae_explorer.ui.train import page as train

        if "drawn" not in st.session_state:
            st.session_state.drawn = True
            eval(part, vars(train), {"job": Job(Path("gone"))})
            st.write("the part goes on")
        st.write("the whole page")

    test = AppTest.from_function(page, kwargs={"part": part}).run()
    assert not test.exception, test.exception
    assert [each.value for each in test.markdown] == ["the whole page"]


def test_a_failure_is_shown_with_its_reason() -> None:
    job = done()
    write(job.folder / "status.json", asdict(replace(job.status, state="failed", message="The disk is full.")))
    assert "The disk is full" in train().error[0].value


def shown(test: AppTest) -> str:
    """All HTML on the page."""
    return " ".join(each.proto.body for each in test.get("html"))


def recorded(job: Job, **changes: Any) -> None:
    """Gives each epoch of a job other figures."""
    records = tuple(replace(each, **changes) for each in job.status.records)
    write(job.folder / "status.json", asdict(replace(job.status, records=records)))


def test_the_doctor_says_of_each_run_what_it_sees() -> None:
    job = done()
    assert "Under-fitting" in shown(train())  # three epochs of a tiny network
    recorded(job, explained=0.5)
    assert "Nothing to complain about" in shown(train())
    recorded(job, axis_rate=(0.001, 0.002))
    assert "Both axes have a rate under 0.01 nats" in shown(train())
    recorded(done("second"), explained=0.5)
    test = train()
    test.selectbox(key="train_other").select("first").run()
    assert "Posterior collapse<small>first</small>" in shown(test)
    assert "Healthy<small>second</small>" in shown(test)


def test_a_diverged_loss_is_the_doctors_and_not_said_twice() -> None:
    job = done()
    failed = replace(job.status, state="failed", message="The loss became nan.", cause="TrainingDiverged")
    write(job.folder / "status.json", asdict(failed))
    test = train()
    assert not test.error
    assert "epoch 3 is the last good one" in shown(test)


def test_the_famous_mistake_is_a_switch_that_says_what_it_does() -> None:
    test = train()
    test.selectbox(key="train_data").select("digits").run()
    test.toggle(key="train_mean").set_value(True).run()
    assert any("averages over 64 pixels" in each.value and "1 acts as 64" in each.value for each in test.caption)
    assert "--reduction mean" in test.code[0].value
    test.selectbox(key="train_kind").select("autoencoder").run()
    assert not test.toggle, "nobody pays for its rate"
    assert "--reduction" not in test.code[0].value


def test_the_time_is_shown_when_it_is_known() -> None:
    test = train()
    test.selectbox(key="train_data").select("digits").run()
    test.number_input(key="train_epochs_digits").set_value(2).run()
    forecast.forecasts().pool.submit(int).result()  # after what was asked before
    captions = [each.value for each in test.run().caption]
    seconds = 3 + 2 * (1297 // 50 + 2)
    assert any(line.startswith(f"About {seconds} s here") for line in captions), captions


def test_an_edited_job_is_named_and_can_be_deleted() -> None:
    done()
    (jobs.folder() / "first" / "status.json").write_text("{")
    test = train()
    assert "first cannot be read" in test.error[0].value
    next(each for each in test.button if each.label == "Delete").click().run()
    assert jobs.find_all() == []


@pytest.mark.parametrize("latent", [1, 2, 3])
def test_the_film_holds_every_epochs_codes_and_images(latent: int) -> None:
    job = done(model=replace(MODEL, latent=latent))
    test = train()
    messages = sent(test)
    film = messages["film"]
    assert film["epochs"] == [1, 2, 3]
    assert film["planned"] == 3
    codes = film["codes"].reshape(3, len(job.labels()), 2)
    shown = np.zeros((len(job.labels()), 2), np.float16)
    shown[:, : min(2, latent)] = job.frame(2).codes[:, :2]
    assert np.array_equal(codes[1], shown)
    assert np.array_equal(film["images"].reshape(3, -1)[2], job.frame(3).images.ravel())
    assert messages["frame"]["epoch"] == 3


def test_a_long_film_begins_with_some_epochs_the_first_and_the_last_among_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "MOST_FRAMES", 4)
    done(epochs=9)
    epochs = sent(train())["film"]["epochs"]
    assert (len(epochs), epochs[0], epochs[-1]) == (4, 1, 9)


def test_curves_show_both_terms_of_both_parts() -> None:
    job = done()
    curve = training.history(job.status.records)
    figure = training_curves({"first": curve, "second": curve})
    assert len(figure.data) == 8
    assert list(figure.data[1].y) == [each.validation_distortion for each in job.status.records]
    assert list(figure.data[3].y) == [each.validation_rate for each in job.status.records]


@pytest.mark.parametrize("kind", ["vae", "multi-rate"])
def test_the_curves_say_at_which_weights_a_multi_rate_model_is_measured(kind: Kind) -> None:
    done(model=replace(MODEL, kind=kind, beta_min=2.0, beta_max=10.0))
    line = "Multi-rate: training images at the KL weights drawn for them, validation images at 2."
    assert (line in [each.value for each in train().caption]) == (kind == "multi-rate")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "under 1 s"), (0.9, "under 1 s"), (5, "5 s"), (600, "10 min"), (7200, "2.0 h")]
)
def test_durations_are_said_as_one_speaks_of_them(seconds: float, text: str) -> None:
    assert training.duration(seconds) == text


@pytest.mark.parametrize("kind", ["multi-rate", "vae", "autoencoder"])
def test_parameters_are_counted_without_making_them(kind: str) -> None:
    config = replace(MODEL, kind=kind)  # type: ignore[arg-type]
    assert parameters(config) == sum(p.numel() for p in build(config, 0).parameters() if p.requires_grad)
