"""All images on the map, own files' names and own numbers: against the zip that they were uploaded in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from tests.test_explore import APP, PROVENANCE, unpack
from tests.test_own_data import zipped
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.data import own
from vae_explorer.data.modality import PICTURES
from vae_explorer.latent.encoding import encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.explore import exports
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE, View, parse, shifted
from vae_explorer.ui.shell import store
from vae_explorer.ui.shell.direct import routes
from vae_explorer.ui.state.points import AtImage, AtPlace

NAME, COUNT = "tall", 60
CONFIG = ModelConfig(kind="multi-rate", data="bars", shape=(8, 8), encoder=(8,), decoder=(8,))


def model() -> Autoencoder:
    """Returns an untrained model whose codes lie well apart."""
    made = build(CONFIG, seed=0)
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if "encoder.head" in name:
                weight.mul_(12)
    return made


def make(folder: Path) -> None:
    """Makes a data set and a model: bars as high as their number says; every fifth has no weight."""
    files: dict[str, bytes] = {}
    rows = ["file,class,height,weight"]
    for k in range(COUNT):
        image = np.zeros((8, 8), np.uint8)
        image[: 1 + k % 8, : 1 + k // 8] = 200 + k % 50
        files[f"bar {k:02}.png"] = PICTURES.exported(image)
        rows.append(f"bar {k:02}.png,{'low' if k % 8 < 4 else 'high'},{1 + k % 8},{'' if k % 5 == 0 else k / 10}")
    files["labels.csv"] = "\n".join(rows).encode()
    data.add("bars", own.read(zipped(files)), own.Choices(), "=bars.zip", lambda _: None)
    checkpoints.save(folder / "runs" / f"{NAME}.safetensors", model(), PROVENANCE)


@pytest.fixture(autouse=True)
def bars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    make(tmp_path)
    store.forget_images()
    yield
    store.forget_images()


def table(file: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.removeprefix("\ufeff"), newline="")))


def test_the_table_of_all_images_leads_back_to_every_file() -> None:
    scene = Scene(NAME, data.ALL)
    rows = table(exports.codes_csv(scene, STATE.start(scene.limits)))
    assert sorted(row["file"] for row in rows) == [f"bar {k:02}.png" for k in range(COUNT)]
    counts = {part: len(data.load("bars", part).labels) for part in data.PARTS}
    parts = [row["part"] for row in rows]
    assert parts == [
        *["training"] * counts["train"],
        *["validation"] * counts["validation"],
        *["test"] * counts["test"],
    ]
    pixels = np.stack([image for part in data.PARTS for image in data.load("bars", part).pixels])
    mean = encode(Arrays(model()), pixels, 1.0).mean
    for row, code in zip(rows, mean, strict=True):
        k = int(row["file"][4:6])
        assert (float(row["height"]), row["class"]) == (1 + k % 8, "low" if k % 8 < 4 else "high")
        assert row["weight"] == ("" if k % 5 == 0 else str(k / 10))
        assert [float(row["mean_1"]), float(row["mean_2"])] == pytest.approx(code.tolist(), abs=1e-4)
    assert [row["file"] for row in table(exports.codes_csv(Scene(NAME), STATE.start(Scene(NAME).limits)))] == [
        row["file"] for row in rows if row["part"] == "test"
    ]


def test_the_map_is_sent_parts_files_and_numbers() -> None:
    scene = Scene(NAME, data.ALL)
    world = unpack(scene.world())
    assert (world["part"], len(world["labels"]), world["columns"]) == ("all", COUNT, ["height", "weight"])
    for k, file in enumerate(world["files"]):
        number = int(file[4:6])
        assert world["column0"][k] == 1 + number % 8
        assert np.isnan(world["column1"][k]) == (number % 5 == 0)
        shown = scene.said(replace(STATE.start(scene.limits), point=AtImage(k)))
        assert (shown["file"], shown["part"]) == (file, ("training", "validation", "test")[world["parts"][k]])
    plain = unpack(Scene(NAME).world())
    assert ("parts" in plain, plain["part"], plain["files"]) == (False, "test", list(data.load("bars", "test").files))


def test_links_name_the_images_and_the_colours() -> None:
    limits = Scene(NAME, data.ALL).limits
    view = replace(STATE.start(limits), point=AtImage(COUNT - 1), column="weight")
    query = STATE.link(view)
    assert (query["part"], query["colour"]) == ("all", "weight")
    assert parse(query, limits) == (view, [])
    other, messages = parse({**query, "colour": "![x](y)"}, limits)
    assert (other.column, len(messages)) == (None, 1)


def test_another_choice_of_images_keeps_what_is_still_there() -> None:
    few, many = Scene(NAME).limits, Scene(NAME, data.ALL).limits
    before = COUNT - few.images
    seen = View(
        model=NAME,
        beta=0.5,
        point=AtImage(3),
        pins=(AtImage(1), AtPlace((0.5, 0.0)), AtImage(2)),
        other=2,
        column="height",
    )
    moved = shifted(seen, before, many)
    assert (moved.image, moved.pins, moved.other, moved.part) == (
        before + 3,
        (AtImage(before + 1), AtPlace((0.5, 0.0)), AtImage(before + 2)),
        2,
        "all",
    )
    assert replace(shifted(moved, -before, few), part="test") == seen
    lost = shifted(replace(moved, point=AtImage(0), pins=(AtImage(0), AtImage(before + 2)), other=1), -before, few)
    assert (lost.image, lost.pins, lost.other) == (0, (AtImage(2),), 0)


def test_answers_past_the_rerun_know_both_choices() -> None:
    client = TestClient(Starlette(routes=routes()))
    last = {"model": NAME, "beta": "1", "image": str(COUNT - 1)}
    assert client.get("/answer", params=last).status_code == 400
    assert client.get("/answer", params={**last, "part": "all"}).json()["part"] == "test"
    assert client.get("/answer", params={**last, "part": "train"}).status_code == 400


def test_the_switch_shows_all_images_of_the_same_view() -> None:
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params.update({"model": NAME, "image": "2", "beta": "0.5"})
    page.run()
    assert not page.exception
    file = Scene(NAME).images.files[2]
    page.toggle(key="all_images").set_value(True).run()
    assert not page.exception
    view = page.session_state["view"]
    assert (view.part, view.beta, Scene(NAME, data.ALL).images.files[view.image]) == ("all", 0.5, file)
    page.toggle(key="all_images").set_value(False).run()
    assert page.session_state["view"] == replace(view, part="test", point=AtImage(2))


@pytest.mark.parametrize(("part", "on"), [("all", True), ("test", False), ("![x](y)", False)])
def test_a_link_begins_with_its_images(part: str, on: bool) -> None:
    page = AppTest.from_file(APP, default_timeout=60)
    page.query_params.update({"model": NAME, "part": part, "image": "5"})
    page.run()
    assert page.toggle(key="all_images").value is on
    assert page.session_state["view"].part == ("all" if on else "test")
    assert len(page.warning) == (part not in ("all", "test"))
