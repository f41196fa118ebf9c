"""Gap tables: whole, honest where a measure does not exist, and never shown where they do not belong."""

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
from scipy.spatial import distance
from torch import nn

from tests.test_models import config, perturbed
from tests.test_training import provenance
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.checkpoints.sidecars import SidecarError, digest
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import Images
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.latent.gaps import MEASURES, Judges, Score, draw, fit_judges, fit_mixture, pool
from vae_explorer.latent.gaps.classes import class_entropy, classes_missing
from vae_explorer.latent.gaps.holes import fit_density, hole_share
from vae_explorer.latent.gaps.information import split_rate
from vae_explorer.latent.gaps.recognition import JUDGES, paths, recognisable_path, recognisable_share
from vae_explorer.latent.gaps.round_trip import displacement, round_trip
from vae_explorer.latent.gaps.scores import all_scores, real_clouds
from vae_explorer.latent.gaps.smoothness import squared_speeds, steepness
from vae_explorer.measured import gap_tables
from vae_explorer.measured.gap_tables import REAL, GapTable, measure_gaps
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build

PIXELS = np.random.RandomState(0).randint(0, 256, (40, 8, 8)).astype(np.uint8)
IMAGES = Images(PIXELS, (PIXELS.mean((1, 2)) > 128).astype(np.int64), ("dark", "bright"), "forty images")
GREY = PIXELS.astype(np.float32) / np.float32(255)
DRAWS = 120


@pytest.fixture(scope="module")
def judges() -> list[Judges]:
    return [fit_judges(IMAGES, IMAGES, seed) for seed in (0, 7)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    return tmp_path


def kept(folder: Path, model: Autoencoder, name: str = "mine") -> Checkpoint:
    path = folder / f"{name}.safetensors"
    checkpoints.save(path, model, provenance(TrainingConfig()))
    return checkpoints.load(path)


def wide(kind: str = "vae", **changes: Any) -> Autoencoder:
    return perturbed(build(config(kind=kind, **changes), 0))


def collapsed() -> Autoencoder:
    """Returns a VAE that sends every image to the prior, and every z to one image, half grey."""
    model = build(config(), 0)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()
        assert isinstance(model.encoder.head, nn.Linear)
    return model


def test_a_table_holds_each_measure_averaged_over_the_seeds(folder: Path, judges: list[Judges]) -> None:
    checkpoint = kept(folder, wide("multi-rate"))
    seen: list[float] = []
    table = measure_gaps(checkpoint, IMAGES, judges, betas=[1.0, 0.1], draws=DRAWS, show=seen.append)
    assert (table.beta, table.seeds, table.images, table.draws) == ((0.1, 1.0), (0, 7), 40, DRAWS)
    assert (table.source, table.part, table.trained) == ("forty images", "test", 40)
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(1)
    assert list(table.scores) == ["prior", "fitted"]
    assert all(list(rows) == list(MEASURES) for rows in table.scores.values())
    encoding = encode(checkpoint.arrays, PIXELS, 1.0)
    for sampling in table.scores:
        draws = [draw(sampling, encoding.mean, DRAWS, seed) for seed in (0, 7)]
        holes = pool([hole_share(fit_density(encoding.mean), z) for z in draws])
        images = [decode(checkpoint.arrays, z, 1.0) for z in draws]
        shares = pool([recognisable_share(each, "knn", z) for each, z in zip(judges, images, strict=True)])
        assert table.scores[sampling]["holes"][1] == pytest.approx(holes)
        assert table.scores[sampling]["recognised_knn"][1] == pytest.approx(shares)
    splits = [split_rate(encoding, DRAWS, seed) for seed in (0, 7)]
    information = pool([split and split.mutual_information for split in splits])
    assert table.scores["prior"]["mutual_information"][1] == pytest.approx(information)
    assert table.scores["prior"]["mutual_information"] == table.scores["fitted"]["mutual_information"]
    assert table == measure_gaps(checkpoint, IMAGES, judges, betas=[1.0, 0.1], draws=DRAWS), "the same draws again"


def test_every_score_of_a_model_stands_under_its_own_name(judges: list[Judges]) -> None:
    """Pixels are compared with pixels, features with features, each sampling with its own draws."""
    model, clouds = wide(), real_clouds(PIXELS, judges[0])
    encoding = encode(Arrays(model), PIXELS, 1.0)
    found = all_scores(Arrays(model), 1.0, PIXELS, encoding, fit_density(encoding.mean), clouds, judges[0], DRAWS)
    for sampling, scores in found.items():
        z = draw(sampling, encoding.mean, DRAWS, 0)
        images = decode(Arrays(model), z, 1.0)
        own = (scores["round_trip_median"], scores["round_trip_90"], scores["smoothness"])
        assert own[:2] == round_trip(displacement(Arrays(model), z, 1.0), encoding.mean)
        assert own[2] == steepness(squared_speeds(Arrays(model), z, 1.0), encoding.mean)
        walked = decode(Arrays(model), paths(encoding.mean, 0).reshape(-1, 2), 1.0)
        for judge in JUDGES:
            assert scores[f"path_recognised_{judge}"] == recognisable_path(judges[0], judge, walked)
        said = [
            judges[0].probabilities("mlp", each).argmax(1)
            for each in (images, GREY, decode(Arrays(model), encoding.mean, 1.0))
        ]
        counts = np.bincount(said[0], minlength=2)
        assert (scores["classes_missing"], scores["class_entropy"]) == (classes_missing(counts), class_entropy(counts))
        assert scores["fidelity"] is not None
        assert scores["fidelity"].value == (said[1] == said[2]).mean()
        split = split_rate(encoding, DRAWS, 0)
        assert split is not None
        assert (scores["mutual_information"], scores["kl_to_prior"]) == split
        for space, points in (("pixels", lambda each: each.reshape(len(each), -1)), ("features", judges[0].features)):
            real, fake = points(PIXELS.astype(np.float32) / np.float32(255)), points(images)
            radii = np.sort(distance.cdist(real, real), 1)[:, 5]
            precision = scores[f"precision_{space}"]
            assert precision is not None
            near = (distance.cdist(fake, real) <= radii * (1 + 1e-6)).any(1).mean()
            assert precision.value == pytest.approx(near, abs=0.01)


def test_an_autoencoder_has_no_rate_to_split(folder: Path, judges: list[Judges]) -> None:
    table = measure_gaps(kept(folder, wide("autoencoder")), IMAGES, judges[:1], draws=DRAWS)
    assert table.beta == (0.0,)
    missing = {name for name, row in table.scores["fitted"].items() if row == (None,)}
    assert missing == {"kl_to_prior", "mutual_information"}
    assert all(score.error > 0 for name, (score,) in table.scores["fitted"].items() if score and "density" not in name)


def test_an_autoencoder_is_sampled_from_a_mixture_of_its_training_codes_too(folder: Path, judges: list[Judges]) -> None:
    checkpoint, other = kept(folder, wide("autoencoder")), PIXELS[::-1] // 2
    train = IMAGES._replace(pixels=np.concatenate([PIXELS, other]))
    table = measure_gaps(checkpoint, IMAGES, judges[:1], train=train, draws=DRAWS)
    assert list(table.scores) == ["prior", "fitted", "mixture"]
    assert (table.together, table.together_part) == (80, "train")
    mixture = fit_mixture(encode(checkpoint.arrays, train.pixels, 0.0).mean)
    assert table.mixture == mixture
    codes = encode(checkpoint.arrays, PIXELS, 0.0).mean
    holes = hole_share(fit_density(codes), draw("mixture", codes, DRAWS, 0, mixture))
    assert table.scores["mixture"]["holes"][0] == pytest.approx(holes)
    table.save(gap_tables.sidecar(checkpoint.path))
    assert gap_tables.find(checkpoint) == table


def test_information_is_that_of_all_training_images_and_says_where_it_is_a_bound(
    folder: Path, judges: list[Judges]
) -> None:
    checkpoint = kept(folder, wide())
    train = IMAGES._replace(pixels=np.concatenate([PIXELS, PIXELS[::-1] // 2]))
    table = measure_gaps(checkpoint, IMAGES, judges[:1], train=train, draws=DRAWS)
    split = split_rate(encode(checkpoint.arrays, train.pixels, 1.0), DRAWS, 0)
    assert split is not None
    assert table.scores["prior"]["kl_to_prior"][0] == pytest.approx(split.kl_to_prior)
    for name in ("kl_to_prior", "mutual_information"):
        assert table.bounds[name] == (split.mutual_information.value > math.log(80) - 3,)
    near = replace(table, together=round(math.exp(split.mutual_information.value + 2.9)))
    far = replace(table, together=round(math.exp(split.mutual_information.value + 3.1)))
    assert (near.bounds["kl_to_prior"], far.bounds["mutual_information"]) == ((True,), (False,))


def test_a_collapsed_vae_gets_honest_answers(folder: Path, judges: list[Judges]) -> None:
    checkpoint = kept(folder, collapsed())
    table = measure_gaps(checkpoint, IMAGES, judges, draws=DRAWS)
    prior, fitted = (table.at(1.0, sampling) for sampling in ("prior", "fitted"))
    for name in ("round_trip_median", "round_trip_90", "smoothness"):
        assert prior[name] is None, "no unit, or nothing changes"
    assert prior["holes"] is not None
    assert fitted["holes"] is not None
    assert (prior["holes"].value, fitted["holes"].value) == (1, 0)
    for name in ("kl_to_prior", "mutual_information"):
        score = prior[name]
        assert score is not None
        assert score.value == pytest.approx(0, abs=1e-6)
    table.save(gap_tables.sidecar(checkpoint.path))
    assert gap_tables.find(checkpoint) == table


@pytest.mark.parametrize("latent", [1, 3, 6])
def test_other_numbers_of_axes_and_twenty_images(latent: int, folder: Path, judges: list[Judges]) -> None:
    twenty = Images(PIXELS[:20], IMAGES.labels[:20], IMAGES.names, "twenty images")
    checkpoint = kept(folder, wide(latent=latent))
    table = measure_gaps(checkpoint, twenty, judges[:1], draws=50)
    scores = table.at(1.0, "prior")
    assert all(score is not None and math.isfinite(score.value + score.error) for score in scores.values())
    assert all(score.error > 0.01 for score in map(scores.get, ("recall_pixels", "coverage_pixels")) if score)
    with pytest.raises(ValueError, match="20 images and draws at least, not 19"):
        measure_gaps(checkpoint, twenty._replace(pixels=PIXELS[:19]), judges, draws=50)


def test_fewer_draws_than_images_are_compared_with_as_many(folder: Path, judges: list[Judges]) -> None:
    table = measure_gaps(kept(folder, wide()), IMAGES, judges[:1], draws=25)
    assert table.images == 40
    assert all(row[0] is not None for row in table.scores["prior"].values())


def test_the_real_images_are_judged_too(folder: Path, judges: list[Judges]) -> None:
    table = measure_gaps(kept(folder, wide()), IMAGES, judges, draws=DRAWS)
    assert table.real.keys() == set(REAL)
    grey = PIXELS.astype(np.float32) / np.float32(255)
    shares = [(each.probabilities("mlp", grey).max(1) >= 0.9).mean() for each in judges]
    assert table.real["recognised_mlp"].value == pytest.approx(np.mean(shares))
    assert table.real["recognised_mlp"].images > 0


def test_the_kl_weights_are_those_that_the_model_knows() -> None:
    def ladder(**changes: Any) -> tuple[float, ...]:
        return gap_tables.ladder(ModelConfig(data="digits", shape=(8, 8), **changes))

    assert ladder(kind="autoencoder") == (0.0,)
    assert ladder(kind="vae", beta=0.7) == (0.7,)
    assert ladder(kind="multi-rate") == gap_tables.LADDER
    assert ladder(kind="multi-rate", beta_min=0.05, beta_max=3.0) == (0.1, 0.3, 1.0, 2.0)
    assert ladder(kind="multi-rate", beta_min=0.4, beta_max=0.9) == (0.4, 0.9)


@pytest.fixture
def checkpoint(folder: Path) -> Checkpoint:
    return kept(folder, wide("multi-rate"))


@pytest.fixture
def table(checkpoint: Checkpoint) -> GapTable:
    rows: dict[str, tuple[Score | None, ...]] = {
        name: (Score(0.5, 0.1, 0.2), Score(len(name), 0.0, 0.0), None) for name in MEASURES
    }
    return GapTable(
        weights=digest(checkpoint.model),
        source="forty images",
        part="test",
        images=40,
        draws=100,
        seeds=(0, 1),
        trained=40,
        together=90,
        together_part="train",
        mixture=None,
        beta=(0.01, 0.1, 1.0),
        scores={"prior": rows, "fitted": rows},
        real={name: Score(0.9, 0.0, 0.01) for name in REAL},
    )


def test_the_nearest_rung_is_shown(table: GapTable) -> None:
    assert table.at(0.02, "prior")["holes"] == table.scores["prior"]["holes"][0]
    assert table.at(0.05, "prior")["holes"] == table.scores["prior"]["holes"][1], "nearest as a ratio"
    assert table.at(0.0, "prior")["holes"] == table.scores["prior"]["holes"][0]
    assert table.at(50.0, "prior")["holes"] is None
    assert replace(table, beta=(0.0, 0.5, 1.0)).at(0.0, "fitted")["holes"] == Score(0.5, 0.1, 0.2)


def test_saved_then_found_is_equal(checkpoint: Checkpoint, table: GapTable, folder: Path) -> None:
    assert gap_tables.find(checkpoint) is None
    path = gap_tables.sidecar(checkpoint.path)
    table.save(path)
    assert path == folder / "mine.gaps.json"
    assert gap_tables.load(path) == table
    assert gap_tables.find(checkpoint) == table
    with torch.no_grad():
        next(checkpoint.model.parameters()).view(-1)[0] += 1e-6
    assert gap_tables.find(kept(folder, checkpoint.model)) is None
    path.unlink()
    path.mkdir()
    with pytest.raises(SidecarError, match=r"mine\.gaps\.json cannot be written"):
        table.save(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda values: values.pop("source"), "the field source is missing"),
        (lambda values: values.update(extra=1), "nobody knows the fields extra"),
        (lambda values: values.update(part=3), "part: expected text"),
        (lambda values: values.update(images=19), "images: expected a whole number from 20 up"),
        (lambda values: values.update(draws=True), "draws: expected a whole number, got yes"),
        (lambda values: values.update(seeds=[]), "seeds: expected"),
        (lambda values: values.update(beta=[1.0, 0.1, 0.01]), "beta: expected rising"),
        (lambda values: values.update(beta=[0.1, 1.0]), "expected 2 scores"),
        (lambda values: values["scores"].pop("prior"), "scores: expected fitted, prior"),
        (lambda values: values.update(scores=[]), "scores: expected"),
        (lambda values: values["scores"]["prior"].pop("holes"), "prior: expected"),
        (lambda values: values["scores"]["prior"].update(holes=None), "scores: expected a list, got nothing"),
        (
            lambda values: values["scores"]["prior"].update(holes=[[1, 2], None, None]),
            "scores: expected a list of length 3",
        ),
        (
            lambda values: values["scores"]["prior"].update(holes=[[1, 2, math.nan]] * 3),
            "scores: expected a number from 0",
        ),
        (
            lambda values: values["scores"]["prior"].update(holes=[[1, -2, 1]] * 3),
            "scores: expected a number from 0.0 up",
        ),
        (
            lambda values: values["scores"]["prior"].update(holes=["one"] * 3),
            "scores: expected a list or nothing, got text",
        ),
        (lambda values: values.update(mixture=[[1.0], [[0.0, 0.0]], [[1.0, 0.0]]]), "mixture: expected weights, means"),
        (
            lambda values: values.update(mixture=[[0.7, 0.7], [[0.0], [0.0]], [[1.0], [1.0]]]),
            "mixture: expected weights",
        ),
        (lambda values: values.update(mixture=[[1.0], [[0.0]], []]), "mixture: expected a row a component"),
        (lambda values: values.update(mixture="one"), "mixture: expected a list or nothing, got text"),
        (lambda values: values.update(mixture=[[1.0], [[0.0]], [[1.0]]]), "scores: expected fitted, mixture, prior"),
        (lambda values: values.update(real={}), "real: expected recognised"),
        (lambda values: values["real"].update(recognised_mlp=None), "real: expected a list, got nothing"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_by_name(
    checkpoint: Checkpoint, table: GapTable, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    path = gap_tables.sidecar(checkpoint.path)
    values = json.loads(json.dumps(table.to_json()))
    change(values)
    path.write_text(json.dumps(values))
    with pytest.raises(SidecarError, match=message) as error:
        gap_tables.load(path)
    assert str(path) in str(error.value)
    assert "python -m vae_explorer gaps mine" in str(error.value)
    assert gap_tables.find(checkpoint) is None


def test_the_command_measures_and_keeps(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = kept(folder, wide("autoencoder")), kept(folder, wide(latent=3), "other")
    assert main(["gaps", "mine", str(made[1].path), "--seeds", "2"]) == 0
    output = capsys.readouterr()
    assert output.out.split() == [str(folder / "mine.gaps.json"), str(folder / "other.gaps.json")]
    assert "mine: 100%" in output.err
    found = [gap_tables.find(checkpoint) for checkpoint in made]
    assert [(table.images, table.draws, table.seeds) for table in found if table] == [(300, 10_000, (0, 1))] * 2
    assert main(["gaps", "nobody"]) == 2
    assert "There is no model 'nobody'" in capsys.readouterr().err
    for odd in ("0", "-1", "one", "101", ""):
        with pytest.raises(SystemExit):
            main(["gaps", "mine", f"--seeds={odd}"])
        assert "--seeds" in capsys.readouterr().err


@pytest.mark.parametrize("path", sorted(checkpoints.SHIPPED.glob(f"*{checkpoints.SUFFIX}")), ids=lambda path: path.stem)
def test_every_shipped_model_has_its_table(path: Path) -> None:
    checkpoint = checkpoints.load(path)
    table = gap_tables.find(checkpoint)
    assert table is not None, f"measure it: python -m vae_explorer gaps {path.stem}"
    assert table.beta == gap_tables.ladder(checkpoint.config)
    assert (table.draws, len(table.seeds)) == (10_000, 3)
    mean = table.at(1.0, "prior")
    if checkpoint.config.kind != "autoencoder":
        information, gap = mean["mutual_information"], mean["kl_to_prior"]
        assert information is not None
        assert gap is not None
        assert 0 < information.value < math.log(table.together)
        assert gap.value > 0
