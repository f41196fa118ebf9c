"""What the pages share: a view that outlives its model, deletions that can be undone, examples for the first visit."""

from __future__ import annotations

import io
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.test_explore import APP, PROVENANCE, app, runs  # noqa: F401  (a fixture)
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import CheckpointError
from vae_explorer.config import ModelConfig
from vae_explorer.data import DataError, own
from vae_explorer.models.autoencoder import build
from vae_explorer.ui.data import example
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE, View
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage, AtPlace

SLIDER = Limits(model="slider", latent=2, beta=(0.01, 5), home=(0, 0, 4), images=100, classes=10)
PLAIN = Limits(
    model="plain", latent=2, beta=None, home=(3, 0, 9), images=100, classes=10, layers=("atlas", "density", "classes")
)
SEEN = View(
    model="slider",
    beta=2.0,
    point=AtImage(7, (0.5, -0.5)),
    hidden=(1, 4),
    layers=("density", "posteriors"),
    window=(0.0, 0.0, 1.0),
    pins=(AtImage(3), AtPlace((0.5, 0.5)), AtImage(9)),
    other=2,
    path="slerp",
    tab="compare",
)
PINS = (AtImage(3), AtImage(9))
MEANT = {"point": AtImage(7), "hidden": (1, 4), "pins": PINS, "other": 1, "path": "slerp", "tab": "compare"}


def test_another_model_of_the_same_images_keeps_all_that_means_the_same_there() -> None:
    """Not the zoom, the draw of a posterior and points of another latent space."""
    assert STATE.carried(SEEN, SLIDER, PLAIN, same=True) == View(model="plain", layers=("density",), **MEANT)  # type: ignore[arg-type]
    narrow = replace(SLIDER, model="narrow", beta=(0.1, 1))
    expected = View(model="narrow", beta=1.0, layers=("density", "posteriors"), **MEANT)  # type: ignore[arg-type]
    assert STATE.carried(SEEN, SLIDER, narrow, same=True) == expected


def test_a_layer_that_the_last_model_lacked_is_shown_where_it_usually_is() -> None:
    last = View(model="plain", layers=("density",))
    assert STATE.carried(last, PLAIN, SLIDER, same=True).layers == ("density", "prior")
    without = View(model="slider", beta=1.0, layers=("density",))
    assert STATE.carried(without, SLIDER, replace(SLIDER, model="other"), same=True).layers == ("density",)


def test_other_images_take_weight_layers_and_tab_alone() -> None:
    few = replace(SLIDER, model="few", images=5, classes=3)
    kept = View(model="few", beta=2.0, layers=SEEN.layers, path="slerp", tab="compare")
    assert STATE.carried(SEEN, SLIDER, few, same=False) == kept
    same = STATE.carried(SEEN, SLIDER, few, same=True)
    assert (same.image, same.hidden, same.pins, same.other) == (0, (1,), (AtImage(3),), None)


def test_explore_keeps_the_image_and_compare_begins_at_it(runs: Path) -> None:  # noqa: F811
    test = app({"model": "a-multi", "image": "5", "beta": "0.1", "tab": "path"})
    test.selectbox(key="model").select("c-ae").run()
    assert test.session_state["view"] == View(model="c-ae", point=AtImage(5), tab="path")
    kept: Any = {name: test.session_state[name] for name in ("view", "seen", "carried")}
    compared = page("compare", kept)
    assert compared.session_state["duel_view"].image == 5
    assert {compared.session_state["duel_left"], compared.session_state["duel_right"]} == {"a-multi", "c-ae"}


def page(name: str, state: dict[str, Any] | None = None) -> AppTest:
    """Opens one page of the app by itself."""
    source = f"from vae_explorer.ui.{name}.page import page\npage()"
    test = AppTest.from_string(source, default_timeout=60)
    for key, value in (state or {}).items():
        test.session_state[key] = value
    test.run()
    assert not test.exception, test.exception
    return test


# Deleting --------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of runs with one model and what was measured of it, and an empty data folder."""
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    config = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,))
    for name in ("mine", "mine.2"):
        checkpoints.save(tmp_path / "runs" / f"{name}.safetensors", build(config, seed=0), PROVENANCE)
        (tmp_path / "runs" / f"{name}.curve.json").write_text("{}")
    return tmp_path


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_model_goes_with_its_measurements_and_comes_back_whole(home: Path) -> None:
    before = listing(home / "runs")
    test = page("train")
    test.button(key="shelf_delete_mine").click().run()
    assert sorted(listing(home / "runs")) == ["mine.2.curve.json", "mine.2.safetensors"]
    assert [entry.name for entry in checkpoints.list_all() if entry.name.startswith("mine")] == ["mine.2"]
    assert any("The model mine was deleted" in each.value for each in test.markdown)
    test.button(key="undo").click().run()
    assert not test.exception
    assert listing(home / "runs") == before
    assert "undo" not in [button.key for button in test.button]


def test_an_undo_that_cannot_be_says_so_and_keeps_what_has_come_since(home: Path) -> None:
    test = page("train")
    test.button(key="shelf_delete_mine").click().run()
    shutil.copy(home / "runs" / "mine.2.safetensors", home / "runs" / "mine.safetensors")
    newer = listing(home / "runs")
    test.button(key="undo").click().run()
    assert "cannot come back" in test.error[0].value
    assert listing(home / "runs") == newer


def test_a_shipped_model_cannot_be_deleted(home: Path) -> None:
    assert not [button.key for button in page("train").button if button.key == "shelf_delete_digits-ae-2d"]
    with pytest.raises(CheckpointError, match="came with the program"):
        checkpoints.delete("digits-ae-2d")
    with pytest.raises(CheckpointError, match="no model"):
        checkpoints.delete("../runs/mine")
    assert checkpoints.find("digits-ae-2d").is_file()


def test_a_data_set_can_be_brought_back(home: Path) -> None:
    upload = own.read(example.archive())
    own.add("mine", upload, own.Choices(), origin="example.zip", progress=lambda _: None)
    test = page("data")
    test.button(key="data_delete_mine").click().run()
    assert "mine" not in data.names()
    test.button(key="undo").click().run()
    assert data.load("mine", "train").pixels.shape == (70, 32, 32)


@pytest.mark.parametrize(
    "error", [DataError("gone it is"), CheckpointError("gone it is"), FileNotFoundError("gone it is")]
)
def test_images_or_a_model_that_vanish_under_the_page_are_told(
    runs: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
) -> None:
    def fails(*_: Any, **__: Any) -> bytes:
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(Scene, "answer", fails)
        test = app()
        assert "gone it is" in test.error[0].value
        assert not test.exception
    test.run()
    assert not test.error


# The first visit -------------------------------------------------------------------------------


def test_the_example_is_a_zip_that_the_page_data_reads_as_it_says() -> None:
    with zipfile.ZipFile(io.BytesIO(example.archive())) as file:
        names = file.namelist()
        with file.open(names[0]) as picture:
            assert Image.open(picture).size == (32, 32)
    assert len(names) == 100
    assert sorted({name.split("/")[1] for name in names}) == list("0123456789")
    upload = own.read(example.archive())
    assert np.bincount(upload.labels).tolist() == [10] * 10
    assert upload.names == tuple("0123456789")


def test_the_example_run_is_one_that_can_be_started(home: Path) -> None:
    from vae_explorer.ui.train import recipe

    name, order = recipe.example()
    assert name == "my-digits-example"
    assert order.model.data == "digits"
    assert f"--name {name}" in order.command
    assert "Train the example" in [button.label for button in page("train").button]


def test_a_download_says_how_much_it_brings() -> None:
    """The archives' sizes in bytes, as their servers state them."""
    sizes = {
        "mnist": 9_912_422 + 28_881 + 1_648_877 + 4_542,
        "fashion-mnist": 26_421_880 + 29_515 + 4_422_102 + 5_148,
        "kmnist": 18_165_135 + 29_497 + 3_041_136 + 5_120,
        "emnist": 561_753_746,
    }
    for name, size in sizes.items():
        assert data.megabytes(name) == round(size / 1e6)
