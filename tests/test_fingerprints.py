"""A model knows its images: others under the same name are said to be others, on the command line and on the screen."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.test_models import config
from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import TrainingConfig
from vae_explorer.data import PARTS, DataError, Images, changed, fingerprint, load, registry
from vae_explorer.data.bundled import mnist_sample
from vae_explorer.jobs.runs import Run, train
from vae_explorer.training.engine import Epoch

SMALL = ["--encoder", "8", "--decoder", "8", "--batch", "20"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path))
    return tmp_path


def keep(folder: Path, seed: int) -> None:
    """Makes the data set `shards/mine` of 40 images a part, another one for each seed."""
    shutil.rmtree(folder / "shards", ignore_errors=True)
    random = np.random.RandomState(seed)
    parts = {part: random.randint(0, 256, (40, 6, 6)).astype(np.uint8) for part in PARTS}
    data.cut("mine", lambda part: Images(parts[part], np.arange(40) % 2, ("a", "b"), "mine"), 100)


def test_every_pixel_every_label_their_order_and_the_shape_count_and_nothing_else() -> None:
    images = load("digits", "test")
    first = fingerprint(images)
    for k in (0, 150, 299):
        pixels, labels = images.pixels.copy(), images.labels.copy()
        pixels[k, 3, 4] ^= 1
        labels[k] = (labels[k] + 1) % 10
        assert fingerprint(images._replace(pixels=pixels)) != first
        assert fingerprint(images._replace(labels=labels)) != first
    assert fingerprint(images._replace(pixels=images.pixels[::-1], labels=images.labels[::-1])) != first
    assert fingerprint(images._replace(pixels=images.pixels.reshape(-1, 4, 16))) != first
    fortran = np.asfortranarray(images.pixels)
    assert fingerprint(images._replace(pixels=fortran, labels=images.labels.astype(np.int32))) == first
    assert fingerprint(images._replace(source="elsewhere", names=tuple("abcdefghij"))) == first
    assert len({fingerprint(load("digits", part)) for part in PARTS}) == 3


def test_figures_of_other_images_are_refused_unless_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(folder, 0)
    assert main(["train", "--name", "m", "--data", "shards/mine", "--epochs", "1", *SMALL]) == 0
    kept = checkpoints.load(folder / "runs" / "m.safetensors").provenance.images
    assert kept == {part: fingerprint(load("shards/mine", part)) for part in ("validation", "test")}
    assert main(["evaluate", "m", "--json"]) == 0
    keep(folder, 0)
    assert main(["evaluate", "m", "--json"]) == 0, "the same images, uploaded again"
    keep(folder, 1)
    capsys.readouterr()
    for command in (["evaluate", "m"], ["evaluate", "m", "--json"], ["curve", "m"], ["gaps", "m"]):
        assert main(command) == 2
        said = capsys.readouterr()
        assert "shards/mine has changed since the model was trained" in said.err
        assert said.out == ""
    assert sorted(each.name for each in (folder / "runs").glob("m.*")) == ["m.safetensors"]
    assert main(["evaluate", "m", "--json", "--other-images"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert "has changed since" in result["warning"]
    assert len(result["results"]) == 1
    assert main(["evaluate", "m", "--other-images"]) == 0
    assert "has changed since" in capsys.readouterr().out


def test_a_run_goes_on_with_the_images_that_it_began_with_alone(folder: Path) -> None:
    keep(folder, 0)
    path = folder / "run.safetensors"
    settings = TrainingConfig(epochs=4, batch=20)
    model = config(data="shards/mine", shape=(6, 6), encoder=(8,), decoder=(8,))
    seen: list[int] = []

    def note(epoch: Epoch) -> None:
        seen.append(epoch.number)

    train(Run.fresh(model, settings, "first"), path, note, lambda: len(seen) == 2)
    keep(folder, 1)
    with pytest.raises(DataError, match=r"has changed since.*begin a new one"):
        train(Run.resumed(path), path, note, lambda: False)
    keep(folder, 0)
    train(Run.resumed(path), path, note, lambda: False)
    assert seen == [1, 2, 3, 4]


def test_images_in_memory_are_known_by_all_their_parts(folder: Path) -> None:
    assert main(["train", "--name", "d", "--data", "digits", "--epochs", "1", *SMALL]) == 0
    kept = checkpoints.load(folder / "runs" / "d.safetensors").provenance.images
    assert kept == {part: fingerprint(load("digits", part)) for part in PARTS}


def test_a_sample_may_stand_for_the_whole_set_and_nothing_else_may(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = checkpoints.load(checkpoints.SHIPPED / "mnist-ae-2d.safetensors").provenance.images
    sample, sampled = mnist_sample("test"), {"test": fingerprint(mnist_sample("test"))}
    assert shipped["test"] != sampled["test"]
    assert changed("mnist", "test", sample, shipped) is None, "the full set is not here: the sample, as the screen says"
    monkeypatch.setattr(registry, "downloadable", lambda _: False)
    other = sample._replace(pixels=255 - sample.pixels)
    assert changed("mnist", "test", other, sampled) is None, "trained on the sample, and the full set came"
    assert "mnist has changed" in str(changed("mnist", "test", other, shipped))
    assert changed("mnist", "test", other, {}) is None, "an older file: nobody knows"


@pytest.mark.parametrize("name", ["digits", "circles"])
def test_the_shipped_models_know_the_images_that_are_always_here(name: str) -> None:
    kept = checkpoints.load(checkpoints.SHIPPED / f"{name}-vae-2d.safetensors").provenance.images
    for part in PARTS:
        assert kept[part] == fingerprint(load(name, part))
