"""Models whose images are not here, or are others by now: the decoder is shown, in words, and nothing breaks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.test_explore import app, sent, shown
from tests.test_fingerprints import keep
from tests.test_models import config
from tests.test_training import provenance
from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints, probe
from vae_explorer.config import TrainingConfig
from vae_explorer.data import DataError
from vae_explorer.latent.encoding import decode
from vae_explorer.models.autoencoder import build
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.explore import exports
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE, parse
from vae_explorer.ui.shell import store

NAME = "theirs"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path))
    monkeypatch.setattr("vae_explorer.checkpoints.files.SHIPPED", tmp_path / "none")
    store.forget_images()
    yield tmp_path
    store.forget_images()


def save(folder: Path, kept: dict[str, str] | None = None, **changes: Any) -> Path:
    values = {"kind": "multi-rate", "data": "shards/mine", "shape": (6, 6), "encoder": (8,), "decoder": (8,)} | changes
    told = replace(provenance(TrainingConfig()), data="forty cats", images=kept or {})
    path = folder / "runs" / f"{NAME}{checkpoints.SUFFIX}"
    checkpoints.save(path, build(config(**values), 0), told)
    return path


@pytest.mark.parametrize("latent", [1, 2, 3])
@pytest.mark.parametrize("kind", ["autoencoder", "vae", "multi-rate"])
def test_the_decoder_s_plane_is_shown_with_words(folder: Path, kind: str, latent: int) -> None:
    path = save(folder, kind=kind, latent=latent)
    test = app({"model": NAME})
    assert not test.exception
    (error,) = test.error
    assert "forty cats" in error.value
    assert "Data page" in error.value
    assert "No images" in shown(test)
    said = sent(test)["answer"]["said"]
    assert (set(said["point"]), said["of"], said["nearest"]) == ({"z"}, None, "")
    scene, view = Scene(NAME), test.session_state["view"]
    assert scene.limits.images == 0
    assert "density" not in scene.limits.layers
    middle = decode(checkpoints.load(path).arrays, np.zeros((1, latent), np.float32), 1.0)
    assert exports.decoded_png(scene, view) == store.decoded(scene.key, (0.0,) * latent, scene.weight(view))
    assert middle.shape == (1, 6, 6)
    assert exports.codes_csv(scene, view).count("\n") == 1
    assert "plotly" in exports.map_html(scene, view)
    answered, refusals = parse(STATE.link(view), scene.limits)
    assert (answered, refusals) == (view, [])


def test_a_link_to_an_image_that_is_not_here_says_so(folder: Path) -> None:
    save(folder)
    (warning,) = app({"model": NAME, "image": "3", "pins": "0.5,0.5;4"}).warning
    assert warning.value.count("are not here") == 2
    test = app({"model": NAME, "pins": "0.5,0.5;1,1", "tab": "path"})
    assert len(sent(test)["answer"]["pins"]) == 2


def test_compare_says_what_it_lacks(folder: Path) -> None:
    save(folder)
    with pytest.raises(DataError, match=r"compared on images\. Explore shows theirs"):
        Duel(Scene(NAME), Scene(NAME))


def test_a_data_set_that_is_deleted_or_comes_under_an_open_model(folder: Path) -> None:
    save(folder)
    keep(folder, 0)
    test = app({"model": NAME})
    assert sent(test)["answer"]["said"]["point"] is not None
    scene = Scene(NAME)
    assert not scene.outdated
    shutil.rmtree(folder / "shards")
    store.forget_images()  # as the Data page does
    assert scene.outdated
    test.run()
    assert not test.exception
    assert "forty cats" in test.error[0].value
    keep(folder, 0)
    store.forget_images()
    test.run()
    assert not test.exception
    assert not test.error


def test_other_images_under_the_same_name_are_said_to_be_others(folder: Path) -> None:
    keep(folder, 0)
    save(folder, {"test": data.fingerprint(data.load("shards/mine", "test"))})
    test = app({"model": NAME, "image": "3"})
    assert not test.warning
    begun = sent(test)["answer"]["link"]
    assert "data=" in begun
    keep(folder, 1)
    store.forget_images()
    (warning,) = app({"model": NAME}).warning
    assert "has changed since the model was trained" in warning.value
    (warning,) = app(dict(part.split("=") for part in begun.split("&"))).warning
    assert "its image numbers mean others" in warning.value
    assert "data=" not in sent(app({"model": NAME, "z": "0,0"}))["answer"]["link"], "no image is named"


def test_a_file_of_an_older_version_is_said_to_be_one(folder: Path) -> None:
    from tests.test_checkpoints import old

    keep(folder, 0)
    path = save(folder)
    assert "older file" not in Scene(NAME).caption
    old(path)
    assert "older file" in Scene(NAME).caption


def test_no_figure_that_is_no_number_reaches_anybody(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a probe might miss: finite weights, and codes of these images that are not."""
    keep(folder, 0)
    path = save(folder)
    loaded = checkpoints.load(path)
    with torch.no_grad():
        dict(loaded.model.named_parameters())["encoder.head.weight"].fill_(3e38)
    checkpoints.save(path, loaded.model, loaded.provenance)
    monkeypatch.setattr(probe, "ailing", lambda _: None)
    for command in ("evaluate", "curve", "gaps"):
        assert main([command, NAME]) == 2
        said = capsys.readouterr()
        assert "no finite number" in said.err
        assert said.out == ""
    test = app({"model": NAME})
    assert not test.exception
    assert "cannot be shown" in test.error[0].value


def test_weights_beyond_what_the_browser_reads_are_refused_in_words(folder: Path) -> None:
    keep(folder, 0)
    path = save(folder)
    loaded = checkpoints.load(path)
    with torch.no_grad():
        dict(loaded.model.named_parameters())["decoder.out.bias"][0] = 1e6
    checkpoints.save(path, loaded.model, loaded.provenance)
    test = app({"model": NAME})
    assert not test.exception
    assert "65,504" in test.error[0].value.replace("\\", "")
