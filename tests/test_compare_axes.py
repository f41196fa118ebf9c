"""Two models of other numbers of axes on the Compare page: places, images and draws use all that each has."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import sqrtm

from tests.test_compare import compare, pixels_of
from tests.test_explore import KINDS, PROVENANCE, runs, sent
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.compare.exports import GAP, draws_png
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, parse
from vae_explorer.ui.compare.view import DuelLimits, OnSide
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtPlace

__all__ = ["runs"]  # a fixture


def save(folder: Path, name: str, model: Autoencoder) -> None:
    checkpoints.save(folder / f"{name}.safetensors", model, PROVENANCE)


@pytest.fixture
def solids(runs: Path) -> Path:
    """The folder with three more: of one axis, of five, and one whose codes are one spot on its second axis."""
    for name, axes in (("d-line", 1), ("e-five", 5), ("f-spot", 2)):
        config = ModelConfig(kind="vae", data="digits", shape=(8, 8), encoder=(16,), decoder=(16,), latent=axes)
        model = build(config, seed=1)
        if name == "f-spot":
            with torch.no_grad():
                dict(model.named_parameters())["encoder.head.weight"][1] = 0
        save(runs, name, model)
    return runs


def codes_of(folder: Path, name: str) -> NDArray[np.float32]:
    return encode(checkpoints.load(folder / f"{name}.safetensors").arrays, data.load("digits", "test").pixels, 1.0).mean


LINE = Limits(model="line", latent=1, beta=None, home=(0.0, 0.0, 4.0), images=100, classes=10)
FIVE = Limits(model="five", latent=5, beta=None, home=(0.0, 0.0, 4.0), images=100, classes=10)
UNEQUAL = DuelLimits(sides=(LINE, FIVE), fields=())


@pytest.mark.parametrize(("side", "z"), [("left", (0.5,)), ("right", (0.5, -1.0, 0.25, 0.0, 2.0))])
def test_a_links_point_has_the_axes_of_its_side(side: str, z: tuple[float, ...]) -> None:
    view = replace(STATE.start(UNEQUAL), point=OnSide(side, AtPlace(z)), spaces=("fitted", "prior"))
    assert parse(STATE.link(view), UNEQUAL) == (view, [])
    _, (message,) = parse({"side": side, "z": "1,2"}, UNEQUAL)
    assert "has 2 axes where" in message


@pytest.mark.parametrize(("side", "z"), [("left", (1.5,)), ("right", (1.5, -2.0, 0.0, 0.0, 0.0))])
def test_a_click_is_filled_up_with_zeros(side: str, z: tuple[float, ...]) -> None:
    reported = {"point": {"side": side, "z": [1.5, -2]}}
    assert STATE.updated(STATE.start(UNEQUAL), reported, UNEQUAL).place == z


def test_a_link_to_a_gap_field_of_other_axes_says_why_there_is_none() -> None:
    view, (message,) = parse({"field": "density"}, UNEQUAL)
    assert view.field is None
    assert "two latent axes" in message


def test_an_image_is_decoded_from_its_whole_code(solids: Path) -> None:
    answer = sent(compare({"left": "d-line", "right": "e-five", "image": "5"}))["answer"]
    for side, name in zip(answer["sides"], ("d-line", "e-five"), strict=True):
        code = codes_of(solids, name)[5:6]
        model = checkpoints.load(solids / f"{name}.safetensors").model
        assert side["z"] == pytest.approx(code[0].tolist(), abs=1e-6)
        assert np.abs(pixels_of(side["decoded"]) - 255 * decode(Arrays(model), code, 1.0)[0]).max() <= 0.5001
        assert side["distortion"] > 0


def test_a_place_on_one_map_has_a_place_on_the_other(solids: Path) -> None:
    line, five = (codes_of(solids, name).astype(np.float64) for name in ("d-line", "e-five"))
    pair = {"left": "d-line", "right": "e-five"}
    unit = (0.1 - line.mean()) / line.std()
    left, right = (side["z"] for side in sent(compare({**pair, "z": "0.1"}))["answer"]["sides"])
    assert left == [0.1]
    mean, std = five.mean(0), five.std(0)
    assert right == pytest.approx([mean[0] + unit * std[0], mean[1], 0, 0, 0], rel=1e-4)

    chosen = {**pair, "side": "right", "z": "0.1,0.2,0.3,0,-0.5"}
    left, right = (side["z"] for side in sent(compare(chosen))["answer"]["sides"])
    assert left == pytest.approx([line.mean() + (0.1 - mean[0]) / std[0] * line.std()], rel=1e-4)
    assert right == [0.1, 0.2, 0.3, 0, -0.5]


def test_codes_in_one_spot_give_no_unit(solids: Path) -> None:
    answer = sent(compare({"left": "f-spot", "right": "a-multi", "z": "0,3"}))["answer"]
    spot, other = codes_of(solids, "f-spot"), codes_of(solids, "a-multi")
    assert spot.std(0)[1] < 1e-6, "one spot but for rounding"
    unit = (0 - spot.mean(0)[0]) / spot.std(0)[0]
    wanted = [other.mean(0)[0] + unit * other.std(0)[0], other.mean(0)[1]]
    assert answer["sides"][1]["z"] == pytest.approx(wanted, rel=1e-3)


def test_both_sides_get_the_same_noise_and_the_export_shows_it(solids: Path) -> None:
    test = compare({"left": "d-line", "right": "e-five", "seed": "3", "spaces": "prior,fitted"})
    noise = np.random.default_rng(3).standard_normal((64, 5)).astype(np.float32)
    assert (sent(test)["answer"]["noise"].reshape(64, 5) == noise).all()
    codes = codes_of(solids, "e-five").astype(np.float64)
    root = np.real(sqrtm(np.cov(codes.T, ddof=0)))
    picture = np.asarray(
        Image.open(io.BytesIO(draws_png(Duel(Scene("d-line"), Scene("e-five")), test.session_state["duel_view"])))
    )
    for corner, name, z in ((0, "d-line", noise[:, :1]), (64 + GAP, "e-five", codes.mean(0) + noise @ root)):
        decoded = 255 * decode(checkpoints.load(solids / f"{name}.safetensors").arrays, z.astype(np.float32), 1.0)
        for index in (0, 13, 63):
            x, y = corner + 8 * (index % 8), 8 * (index // 8)
            assert np.abs(picture[y : y + 8, x : x + 8] - decoded[index]).max() < 0.51


@pytest.mark.parametrize("names", [("d-line", "a-multi"), ("e-five", "e-five"), ("e-five", "f-spot")])
def test_gaps_of_other_axes_are_absent_and_a_sentence_says_why(solids: Path, names: tuple[str, str]) -> None:
    test = compare({"left": names[0], "right": names[1]}, {"tab": "gaps", "field": "density"})
    messages = sent(test)
    assert not {"draft", "field", "near", "classes"} & messages.keys()
    assert "two latent axes" in messages["tables"]["absent"]
    assert set(test.selectbox(key="duel_right").options) == {*KINDS, "d-line", "e-five", "f-spot"}
