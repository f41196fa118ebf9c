"""Curves: closed forms, the figures of `evaluate`, and files that are never shown where they do not belong."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from tests.test_models import config, perturbed
from tests.test_training import provenance
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import TrainingConfig
from vae_explorer.data import Images
from vae_explorer.measured import curves, evaluation
from vae_explorer.measured.curves import Curve, CurveError, measure_curve
from vae_explorer.measured.evaluation import evaluations
from vae_explorer.models.autoencoder import Autoencoder, build

PIXELS = np.random.RandomState(0).randint(0, 256, (40, 8, 8)).astype(np.uint8)
TWO = {"beta": [1, 2], "distortion": [1, 2], "distortion_error": [0, 0], "rate": [1, 2], "nll": None, "nll_error": None}
IMAGES = Images(PIXELS, np.zeros(40, np.int64), ("one",), "forty images")


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "DRAWS", 100)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    return tmp_path


def kept(folder: Path, model: Autoencoder, name: str = "mine") -> Checkpoint:
    path = folder / f"{name}.safetensors"
    checkpoints.save(path, model, provenance(TrainingConfig()))
    return checkpoints.load(path)


def wide(kind: str = "vae", **changes: Any) -> Autoencoder:
    """Returns a model whose posteriors are wide enough for a coarse grid."""
    return perturbed(build(config(kind=kind, **changes), 0))


def blind(mean: float, log_std: float) -> Autoencoder:
    """Returns a VAE that sends every image to one posterior, and every z to one image, half grey."""
    model = build(config(), 0)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        head = model.encoder.head
        assert isinstance(head, nn.Linear)
        head.bias.copy_(torch.tensor([mean, 2 * mean, log_std, 3 * log_std]))
    return model


def test_a_model_that_sees_nothing_has_closed_forms(folder: Path) -> None:
    curve = measure_curve(kept(folder, blind(0.5, -0.25)), IMAGES)
    bits = 64 * math.log(2)
    first = 0.5 * (0.5**2 + math.exp(-0.5) - 1) + 0.25
    second = 0.5 * (1.0**2 + math.exp(-1.5) - 1) + 0.75
    assert curve.distortion == pytest.approx([bits])
    assert curve.nll == pytest.approx([bits], abs=1e-3)
    assert curve.axis_rate is not None
    assert curve.axis_rate[0] == pytest.approx((first, second), rel=1e-5)
    assert curve.rate == pytest.approx([first + second], rel=1e-5)
    assert curve.beta == (1.0,)


def test_a_multi_rate_model_gives_the_rows_of_evaluate(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "POINTS", 3)
    monkeypatch.setattr(curves, "DRAWS", evaluation.DRAWS)
    checkpoint = kept(folder, wide("multi-rate"))
    seen: list[float] = []
    curve = measure_curve(checkpoint, IMAGES, show=seen.append)
    rows = list(evaluations(checkpoint.model, IMAGES, [0.001, 0.1, 10.0]))
    assert curve.beta == (0.001, 0.1, 10.0)
    assert curve.rate == pytest.approx([row.rate for row in rows], rel=1e-5)
    assert curve.nll == pytest.approx([row.nll for row in rows], rel=1e-5)
    assert curve.nll_error == pytest.approx([row.nll_error for row in rows], rel=1e-5)
    assert curve.distortion == pytest.approx([row.distortion for row in rows]), "evaluate prints what the curve shows"
    assert curve.distortion_error == pytest.approx([row.distortion_error for row in rows])
    assert curve.axis_rate is not None
    assert curve.rate == pytest.approx([sum(row) for row in curve.axis_rate])
    assert {len(row) for row in curve.axis_rate} == {2}
    assert (curve.source, curve.part, curve.target) == ("forty images", "test", "grey")
    assert (curve.images, curve.samples, curve.nll_images) == (40, 1000, 40)
    assert seen == pytest.approx([1 / 3, 2 / 3, 1])
    assert curve == measure_curve(checkpoint, IMAGES), "the same draws again"


def test_the_distortion_averages_over_all_its_draws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "DRAWS", 40 * 250)
    checkpoint = kept(folder, wide(latent=1))
    curve = measure_curve(checkpoint, IMAGES)
    x, ones = torch.from_numpy(PIXELS).float() / 255, torch.ones(40)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    with torch.inference_mode():
        q = checkpoint.model.posterior(x, ones)
        each = [checkpoint.model.likelihood(q.mean + float(u) * q.stddev, ones).log_prob(x) for u in nodes]
    distortion, shares = -torch.stack(each).double().numpy(), weights / weights.sum()
    mean = shares @ distortion
    standard_error = np.sqrt((shares @ (distortion - mean) ** 2).mean() / (40 * 250))
    assert curve.samples == 250
    assert curve.distortion[0] == pytest.approx(mean.mean(), abs=3 * standard_error)
    assert curve.distortion_error[0] == pytest.approx(standard_error, rel=0.25)


def test_what_a_model_does_not_have_is_none(folder: Path) -> None:
    point = measure_curve(kept(folder, wide("autoencoder")), IMAGES)
    assert (point.rate, point.axis_rate, point.beta, point.samples) == (None, None, (0.0,), 1)
    assert point.distortion_error == (0,)
    assert (point.nll, point.nll_error, point.nll_images) == (None, None, 0)
    deep = measure_curve(kept(folder, wide(latent=3, likelihood="gaussian", beta=0.3)), IMAGES)
    assert (deep.nll, deep.nll_error, deep.nll_images) == (None, None, 0)
    assert (deep.target, deep.beta) == ("density", (0.3,))
    assert deep.axis_rate is not None
    assert len(deep.axis_rate[0]) == 3


def test_a_quick_curve_takes_images_from_all_over_the_part(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "QUICK_IMAGES", 14)
    checkpoint = kept(folder, wide())
    curve = measure_curve(checkpoint, IMAGES, quick=True)
    assert (curve.images, curve.samples, curve.nll, curve.nll_images) == (14, 2, None, 0)
    every_third = IMAGES._replace(pixels=PIXELS[::3])
    assert curve.rate == pytest.approx(
        [row.rate for row in evaluations(checkpoint.model, every_third, [1.0])], rel=1e-5
    )


def test_the_kl_weights_are_four_a_decade_and_round() -> None:
    betas = curves.betas(config(kind="multi-rate"))
    assert len(betas) == 17
    assert betas[::4] == (0.001, 0.01, 0.1, 1.0, 10.0)
    assert np.allclose(np.diff(np.log10(betas)), 0.25)
    ends = curves.betas(config(kind="multi-rate", beta_min=0.3, beta_max=0.7))
    assert (ends[0], ends[-1]) == (0.3, 0.7)


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    return kept(folder, wide())


@pytest.fixture
def curve(checkpoint: Checkpoint) -> Curve:
    return replace(measure_curve(checkpoint, IMAGES, quick=True), nll=(50.5,), nll_error=(0.01,), nll_images=40)


def test_saved_then_found_is_equal(checkpoint: Checkpoint, curve: Curve, folder: Path) -> None:
    assert curves.find(checkpoint) is None
    path = curves.sidecar(checkpoint.path)
    curve.save(path)
    assert path == folder / "mine.curve.json"
    assert curves.load(path) == curve
    assert curves.find(checkpoint) == curve
    assert sorted(each.name for each in folder.iterdir()) == ["mine.curve.json", "mine.safetensors"]
    assert [entry.name for entry in checkpoints.list_all() if entry.path.parent == folder] == ["mine"]
    old = folder / "old"
    old.hardlink_to(path)
    nothing = replace(curve, rate=None, axis_rate=None, nll=None, nll_error=None)
    nothing.save(path)
    assert curves.load(path) == nothing
    assert curves.load(old) == curve, "whoever was reading goes on with a whole file"


def test_a_curve_of_other_weights_is_not_found(checkpoint: Checkpoint, curve: Curve, folder: Path) -> None:
    curve.save(curves.sidecar(checkpoint.path))
    with torch.no_grad():
        next(checkpoint.model.parameters()).view(-1)[0] += 1e-6
    assert curves.find(kept(folder, checkpoint.model)) is None


@pytest.mark.parametrize("change", [{"beta": 2.0}, {"likelihood": "continuous-bernoulli"}, {"data": "circles"}])
def test_a_curve_of_another_configuration_is_not_found(
    checkpoint: Checkpoint, curve: Curve, folder: Path, change: dict[str, Any]
) -> None:
    curve.save(curves.sidecar(checkpoint.path))
    checkpoint.model.config = replace(checkpoint.config, **change)
    assert curves.find(kept(folder, checkpoint.model)) is None, "the same weights, and another model"


def test_a_figure_that_was_changed_is_not_taken_for_a_measured_one(checkpoint: Checkpoint, curve: Curve) -> None:
    path = curves.sidecar(checkpoint.path)
    curve.save(path)
    values = json.loads(path.read_text())
    values["images"] += 1
    path.write_text(json.dumps(values))
    with pytest.raises(CurveError, match="changed after it was measured"):
        curves.load(path)
    del values["digest"]
    path.write_text(json.dumps(values))
    with pytest.raises(CurveError, match="older version"):
        curves.load(path)
    assert curves.find(checkpoint) is None
    with pytest.raises(CurveError, match="not finite"):
        replace(curve, distortion=(math.inf,)).save(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("source"), "the field source is missing"),
        (lambda values: values.update(extra=1), "nobody knows the fields extra"),
        (lambda values: values.update(source=3), "source: expected text"),
        (lambda values: values.update(images=True), "images: expected a whole number, got yes"),
        (lambda values: values.update(samples=0), "samples: expected a whole number from 1 up"),
        (lambda values: values.update(beta=[]), "beta: expected"),
        (lambda values: values.update(beta=1.0), "beta: expected"),
        (lambda values: values.update(beta=[2.0, 1.0]), "beta: expected rising"),
        (lambda values: values.update(beta=[-1.0]), r"beta\[0\]: expected a number from 0.0 up"),
        (lambda values: values.update(distortion=None), "distortion: expected"),
        (lambda values: values.update(distortion=["1"]), r"distortion\[0\]: expected a number, got text"),
        (lambda values: values.update(rate=[1.0, 2.0]), "rate: expected 1 of them"),
        (lambda values: values.update(nll=[math.nan]), r"nll\[0\]: expected a finite number"),
        (lambda values: values.update(nll=[10**400]), r"nll\[0\]: expected a number that a float holds"),
        (lambda values: values.update(axis_rate=[[]]), "axis_rate: expected"),
        (lambda values: values.update(axis_rate=[[1.0], [2.0]]), "axis_rate: expected 1 of them"),
        (lambda values: values.update(TWO, axis_rate=[[1], [1, 2]]), "axis_rate: expected rows of one length"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_name(
    checkpoint: Checkpoint, curve: Curve, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = curves.sidecar(checkpoint.path)
    values = json.loads(json.dumps(curve.to_json()))
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(CurveError, match=message) as error:
        curves.load(path)
    assert str(path) in str(error.value)
    assert "python -m vae_explorer curve mine" in str(error.value)
    assert curves.find(checkpoint) is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"1" * 5000])
def test_a_broken_file_is_as_good_as_none(checkpoint: Checkpoint, content: bytes) -> None:
    path = curves.sidecar(checkpoint.path)
    path.write_bytes(content)
    assert curves.find(checkpoint) is None
    path.unlink()
    path.mkdir()
    assert curves.find(checkpoint) is None


def test_what_cannot_be_written_leaves_the_old_file(
    checkpoint: Checkpoint, curve: Curve, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = curves.sidecar(checkpoint.path)
    curve.save(path)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CurveError, match=r"mine\.curve\.json cannot be written .*No space.*Choose"):
        replace(curve, images=1).save(path)
    assert curves.load(path) == curve
    assert len(list(folder.iterdir())) == 2
    with pytest.raises(CurveError, match="cannot be written"):
        curve.save(folder / "gone" / path.name)


def test_the_command_measures_and_keeps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = kept(folder, wide()), kept(folder, wide(latent=3), "other")
    assert main(["curve", "mine", str(made[1].path)]) == 0
    output = capsys.readouterr()
    assert output.out.split() == [str(folder / "mine.curve.json"), str(folder / "other.curve.json")]
    assert "mine: 100%" in output.err
    found = [curves.find(checkpoint) for checkpoint in made]
    assert [curve.images for curve in found if curve] == [300, 300]
    assert main(["curve", "nobody"]) == 2
    assert "There is no model 'nobody'" in capsys.readouterr().err


def test_the_command_says_where_it_cannot_write(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept(folder, wide(latent=3))
    (folder / "mine.curve.json").mkdir()
    assert main(["curve", "mine"]) == 2
    assert "mine.curve.json cannot be written" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize("path", sorted(checkpoints.SHIPPED.glob(f"*{checkpoints.SUFFIX}")), ids=lambda path: path.stem)
def test_every_shipped_model_has_its_curve(path: Path) -> None:
    curve = curves.find(checkpoints.load(path))
    assert curve is not None, f"measure it: python -m vae_explorer curve {path.stem}"
    if curve.rate:
        assert curve.nll is not None
        assert curve.nll_error is not None
        for distortion, rate, nll, error in zip(curve.distortion, curve.rate, curve.nll, curve.nll_error, strict=True):
            assert nll - error <= distortion + rate
