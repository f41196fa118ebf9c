"""The doctor: each illness on a real run that has it, and none on runs that are well."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vae_explorer import checked
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.jobs import jobs, worker
from vae_explorer.jobs.doctor import UNUSED, examine
from vae_explorer.jobs.findings import RISE, Finding, losses
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.records import Order, Record, Status

SMALL = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(64,), decoder=(64,))
SETTINGS = TrainingConfig(epochs=8, batch=50, learning_rate=4e-3)
LEARNED = {"kind": "autoencoder", "latent": 16, "likelihood": "gaussian-learned"}
WIDE = {"encoder": (512, 256), "decoder": (256, 512)}

ORDERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "vae": ({}, {}),
    "autoencoder": ({"kind": "autoencoder"}, {}),
    "multi-rate": ({"kind": "multi-rate"}, {}),
    "heavy": ({"beta": 64.0}, {}),
    "mean": ({}, {"reduction": "mean"}),
    "mean, multi-rate": ({"kind": "multi-rate"}, {"reduction": "mean"}),
    "by heart": (LEARNED | WIDE, {"epochs": 40, "weight_decay": 0.0}),
    "no number": ({}, {"learning_rate": 1e30, "clip": 1e9, "warmup": 0.01}),  # two layers' product: beyond float32
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Job]]:
    """Runs that are trained when first asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_EXPLORER_RUNS", str(tmp_path_factory.mktemp("runs")))

        class Runs(dict[str, Job]):
            def __missing__(self, name: str) -> Job:
                model, training = ORDERS[name]
                order = Order(model=replace(SMALL, **model), training=replace(SETTINGS, **training), command="test")
                self[name] = jobs.create(name.replace(",", ""), order)
                worker.work(self[name])
                return self[name]

        yield Runs()


def found(job: Job) -> list[Finding]:
    return examine(job.order, job.status)


def names(findings: list[Finding]) -> list[str]:
    return [each.name for each in findings]


@pytest.mark.parametrize("name", ["vae", "autoencoder", "multi-rate"])
def test_a_run_that_is_well_is_said_to_be_with_its_numbers(name: str, trained: dict[str, Job]) -> None:
    job = trained[name]
    (finding,) = found(job)
    last = job.status.records[-1]
    assert finding.name == "healthy"
    assert f"{last.validation_objective:.2f} nats" in finding.why
    assert "8 of 8 epochs" in finding.seen
    if last.axis_rate:
        assert f"{last.axis_rate[0]:.2f}" in finding.why


@pytest.mark.parametrize("name", ["vae", "autoencoder", "multi-rate"])
def test_a_run_that_is_well_was_never_called_ill(name: str, trained: dict[str, Job]) -> None:
    job = trained[name]
    for epochs in range(1, 9):
        status = replace(job.status, state="training", records=job.status.records[:epochs])
        assert names(examine(job.order, status)) == ["too early" if epochs < 4 else "healthy"], epochs
    assert examine(job.order, Status(state="waiting", records=())) == []


def test_axes_that_carry_nothing_are_a_posterior_collapse(trained: dict[str, Job]) -> None:
    job = trained["heavy"]
    (finding,) = found(job)
    assert finding.name == "posterior collapse"
    assert finding.seen.startswith("Both axes")
    assert "below 64" in finding.remedy
    # Independently: the decoder of a collapsed model draws one image, whatever it is shown.
    images = job.frame(8).images.astype(int)
    assert abs(images - images[0]).max() <= 8
    assert abs(trained["vae"].frame(8).images.astype(int) - images[0]).max() > 60


def test_one_axis_that_carries_nothing_is_told_from_the_others(trained: dict[str, Job]) -> None:
    job = trained["vae"]
    stuck = [replace(each, axis_rate=(2.0, UNUSED / 2)) for each in job.status.records]
    (finding,) = examine(job.order, replace(job.status, records=tuple(stuck)))
    assert finding.name == "posterior collapse"
    assert finding.seen.startswith("1 of 2 axes")
    stuck[-1] = replace(stuck[-1], axis_rate=(2.0, 0.1))  # it is waking up
    assert names(examine(job.order, replace(job.status, records=tuple(stuck)))) == ["healthy"]


@pytest.mark.parametrize("name", ["mean", "mean, multi-rate"])
def test_the_famous_mistake_is_recognised_with_its_effective_weight(name: str, trained: dict[str, Job]) -> None:
    job = trained[name]
    assert names(found(job)) == ["loss scale", "posterior collapse"]
    assert "effective one is 64" in found(job)[0].seen  # beta 1 on 8 x 8 pixels
    before = Status(state="waiting", records=())
    assert names(examine(job.order, before)) == ["loss scale"], "seen before the first epoch"


def test_the_mistake_at_a_weight_divided_by_the_pixels_is_as_good_as_the_sum(trained: dict[str, Job]) -> None:
    model, training = replace(SMALL, beta=1 / 64), replace(SETTINGS, reduction="mean")
    job = jobs.create("mended", Order(model=model, training=training, command="test"))
    worker.work(job)
    last, plain, mistaken = (each.status.records[-1] for each in (job, trained["vae"], trained["mean"]))
    ours, summed, collapsed = (
        each.validation_distortion + float(each.validation_rate or 0) for each in (last, plain, mistaken)
    )
    assert abs(ours - summed) < (collapsed - summed) / 3, "how far two runs that are well lie apart is up to rounding"
    at_the_weight_set = last.validation_distortion + float(last.validation_rate or 0) / 64
    assert last.validation_objective == pytest.approx(at_the_weight_set, abs=1e-3)


def test_an_autoencoder_pays_for_no_rate_whatever_the_reduction(trained: dict[str, Job]) -> None:
    job = trained["autoencoder"]
    order = replace(job.order, training=replace(SETTINGS, reduction="mean"))
    assert names(examine(order, job.status)) == ["healthy"]


def test_a_validation_loss_that_rises_while_training_falls_is_over_fitting(trained: dict[str, Job]) -> None:
    job = trained["by heart"]
    (finding,) = found(job)
    assert finding.name == "over-fitting"
    validation = [each.validation_objective for each in job.status.records]
    best = min(range(len(validation)), key=validation.__getitem__)
    assert f"best at epoch {best + 1}, {validation[best]:.2f} nats" in finding.seen
    rise = sum(validation[-3:]) / 3 - validation[best]
    assert rise > RISE
    assert f"is {rise:.2f} nats worse" in finding.seen
    before = replace(job.status, records=job.status.records[: best + 1])
    assert names(examine(job.order, before)) == ["healthy"]


def test_a_loss_that_is_no_number_is_named_with_the_last_good_epoch(trained: dict[str, Job]) -> None:
    job = trained["no number"]
    assert job.status.state == "failed"
    (finding,) = found(job)
    assert finding.name == "diverged"
    assert "in epoch 1; no epoch was whole" in finding.seen
    well = trained["vae"]
    status = replace(well.status, state="failed", cause="TrainingDiverged")
    assert "in epoch 9; epoch 8 is the last good one" in examine(well.order, status)[0].seen
    disk = replace(well.status, state="failed", cause="CheckpointError", message="no space")
    assert "diverged" not in names(examine(well.order, disk))


@pytest.mark.parametrize("name", ["vae", "autoencoder", "multi-rate"])
def test_files_of_before_the_doctor_are_read_and_not_called_ill(name: str, trained: dict[str, Job]) -> None:
    job = trained[name]
    path = job.folder / "status.json"
    kept = path.read_text()
    values = json.loads(kept)
    del values["cause"], values["pca"], values["linear"], values["ladder"]
    for each in values["records"]:
        del each["axis_rate"], each["objective"], each["explained"]
    path.write_text(json.dumps(values))
    try:
        assert names(found(job)) == ["healthy"]
        assert job.status.records[0].axis_rate is None
    finally:
        path.write_text(kept)


def test_a_record_keeps_the_rate_of_each_axis_and_their_sum_is_the_rate(trained: dict[str, Job]) -> None:
    for record in trained["vae"].status.records:
        assert isinstance(record.axis_rate, tuple)
        # digits has 200 validation images, and the film shows all of them
        assert sum(record.axis_rate) == pytest.approx(float(record.validation_rate or 0), abs=2e-3)
    assert trained["autoencoder"].status.records[-1].axis_rate is None
    assert checked.convert(json.loads(json.dumps(record.__dict__)), Record) == record


def test_the_training_objective_is_the_recorded_one_at_the_weight_that_was_trained(trained: dict[str, Job]) -> None:
    for name in ("vae", "autoencoder", "multi-rate"):
        job = trained[name]
        records = job.status.records
        train, validation = losses(job.order, records)
        assert train == pytest.approx([each.objective for each in records])
        assert validation == pytest.approx([each.validation_objective for each in records])
    job = trained["mean"]
    train, validation = losses(job.order, job.status.records)
    for ours, record in zip(validation, job.status.records, strict=True):
        assert ours == pytest.approx(record.validation_distortion + 64 * float(record.validation_rate or 0))
    for ours, record in zip(train, job.status.records, strict=True):
        expected = record.distortion + 64 * float(record.rate or 0)
        assert ours == pytest.approx(expected, abs=0.01)  # 64 times a difference of float32


def test_findings_are_sentences_for_the_screen(trained: dict[str, Job], tmp_path: Path) -> None:
    for name in ORDERS:
        for finding in found(trained[name]):
            for text in (finding.seen, finding.why, finding.remedy):
                assert not text or (text[0].isupper() and text.endswith(".")), text
            assert not any(word in " ".join(finding[1:]) for word in ("nan", "None"))
