"""The Compare page without a browser: links, what the maps report, and what they are sent."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from scipy.linalg import sqrtm
from streamlit.testing.v1 import AppTest

from tests.test_explore import KINDS, PROVENANCE, runs, sent, unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.exports import GAP, draws_png
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, DuelLimits, DuelView, OnSide, parse
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage, AtPlace

__all__ = ["runs"]  # a fixture

LEFT = Limits(model="ae", latent=2, beta=None, home=(1.0, 0.0, 20.0), images=100, classes=10)
RIGHT = Limits(model="vae", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 4.0), images=100, classes=10)
LIMITS = DuelLimits(sides=(LEFT, RIGHT), spaces=("fitted", "prior"), fields=("density",))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"beta": 0.1, "link": "image", "point": OnSide("left", AtImage(99)), "tab": "gaps", "field": "density"},
        {"point": OnSide("right", AtPlace((0.5, -3.25))), "seed": 12},
        {"ends": (7, 8), "spaces": ("prior", "fitted"), "tab": "path"},
    ],
)
def test_a_link_gives_back_the_view_that_it_was_made_from(changes: dict[str, Any]) -> None:
    view = DuelView(**{"left": "ae", "right": "vae", "beta": 1.0, "spaces": ("fitted", "prior"), **changes})
    assert parse(STATE.link(view), LIMITS) == (view, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("beta", value) for value in ("nan", "1e9", "", "one")),
        *(("z", value) for value in ("1", "1,2,3", "nan,0", "1e6,0")),
        *(("image", value) for value in ("100", "-1", "")),
        *(("ends", value) for value in ("1", "1,2,3", "1,100")),
        *(("spaces", value) for value in ("prior", "prior,round")),
        *(("seed", value) for value in ("-1", "x", "9999999")),
        *(("field", "magic"), ("tab", ""), ("link", "x"), ("side", "top")),
    ],
)
def test_a_bad_value_gives_one_message_and_the_default(name: str, value: str) -> None:
    view, messages = parse({name: value}, LIMITS)
    assert view == STATE.start(LIMITS)
    assert len(messages) == 1
    assert name in messages[0]


def test_the_weight_is_one_that_both_sides_have() -> None:
    assert LIMITS.beta == (0.001, 10.0)
    narrow = Limits(model="n", latent=2, beta=(0.1, 100.0), home=(0.0, 0.0, 4.0), images=100, classes=10)
    assert DuelLimits(sides=(narrow, RIGHT), spaces=("prior", "prior"), fields=()).beta == (0.1, 10.0)
    assert DuelLimits(sides=(LEFT, LEFT), spaces=("fitted", "fitted"), fields=()).beta is None


def test_reports_change_the_view() -> None:
    reported = {
        "point": {"side": "right", "z": [1, -2.5]},
        "beta": 4,
        "link": "image",
        "ends": [3, 4],
        "spaces": ["prior", "prior"],
        "seed": 5,
        "field": "density",
        "tab": "gaps",
    }
    view = STATE.updated(STATE.start(LIMITS), reported, LIMITS)
    assert (view.point, view.beta) == (OnSide("right", AtPlace((1.0, -2.5))), 4.0)
    assert (view.link, view.ends, view.spaces, view.seed) == ("image", (3, 4), ("prior", "prior"), 5)
    assert (view.field, view.tab) == ("density", "gaps")


@pytest.mark.parametrize(
    "reported",
    [
        {"point": {"side": "top", "image": 1}},
        {"point": {"side": "left", "image": 100}},
        {"point": {"side": "right", "z": [1e6, 0]}},
        *({"beta": 11}, {"beta": "1"}, {"ends": [1]}, {"ends": [1, 100]}, {"spaces": ["prior", "x"]}),
        *({"seed": -1}, {"seed": 1.5}, {"field": "magic"}, {"tab": "x"}, {"link": None}),
    ],
)
def test_what_no_map_would_report_changes_nothing(reported: Mapping[str, Any]) -> None:
    assert STATE.updated(STATE.start(LIMITS), reported, LIMITS) == STATE.start(LIMITS)


# The page --------------------------------------------------------------------------------------


def compare(query: Mapping[str, str] = {}, seen: Mapping[str, Any] = {}) -> AppTest:
    def page() -> None:
        from vae_explorer.ui.compare.page import page

        page()

    test = AppTest.from_function(page, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    if seen:
        test.session_state[f"answer-duel-{query['left']}-{query['right']}"] = {"seen": seen}
    test.run()
    assert not test.exception, test.exception
    return test


def pixels_of(png: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


PAIR = {"left": "c-ae", "right": "a-multi"}


def test_both_sides_show_the_same_image(runs: Path) -> None:
    answer = sent(compare({**PAIR, "image": "5", "beta": "0.1"}))["answer"]
    images = data.load("digits", "test")
    assert (pixels_of(answer["original"]) == images.pixels[5]).all()
    for side, name in zip(answer["sides"], (PAIR["left"], PAIR["right"]), strict=True):
        checkpoint = checkpoints.load(runs / f"{name}.safetensors")
        code = encode(checkpoint.arrays, images.pixels[5:6], 0.1).mean
        assert side["z"] == pytest.approx(code[0].tolist(), abs=1e-6)
        assert np.abs(pixels_of(side["decoded"]) - 255 * decode(checkpoint.arrays, code, 0.1)[0]).max() <= 0.5001
        assert side["distortion"] > 0


def test_the_same_point_is_equally_many_standard_deviations_out(runs: Path) -> None:
    answer = sent(compare({**PAIR, "side": "right", "z": "0.5,-0.25"}))["answer"]
    pixels = data.load("digits", "test").pixels
    left, right = (
        encode(checkpoints.load(runs / f"{name}.safetensors").arrays, pixels, 1.0).mean for name in PAIR.values()
    )
    units = (np.array([0.5, -0.25]) - right.mean(0)) / right.std(0)
    assert answer["sides"][1]["z"] == [0.5, -0.25]
    assert answer["sides"][0]["z"] == pytest.approx((left.mean(0) + units * left.std(0)).tolist(), rel=1e-4)
    assert answer["original"] is None


def test_a_seed_gives_the_same_draws_again(runs: Path) -> None:
    one, again, other = (sent(compare({**PAIR, "seed": seed}))["answer"]["noise"] for seed in ("3", "3", "4"))
    assert (one == again).all()
    assert (one != other).any()
    assert one.size == 128


def test_a_report_is_answered(runs: Path) -> None:
    test = compare(PAIR, {"point": {"side": "left", "image": 7}, "beta": 4, "tab": "path"})
    assert test.session_state["duel_view"].image == 7
    assert sent(test)["answer"]["asked"]["beta"] == 4.0


def test_pickers_offer_models_of_the_same_data(runs: Path) -> None:
    test = compare(PAIR)
    assert set(test.selectbox(key="duel_right").options) == set(KINDS)
    test.selectbox(key="duel_left").select("b-vae").run()
    assert not test.exception
    assert test.session_state["duel_view"].left == "b-vae"


def test_a_link_with_an_unknown_model_says_so(runs: Path) -> None:
    (warning,) = compare({"left": "nope", "right": "a-multi", "beta": "nan"}).warning
    assert "nope" in warning.value
    assert "beta" in warning.value


# Models of other numbers of axes ----------------------------------------------------------------


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
UNEQUAL = DuelLimits(sides=(LINE, FIVE), spaces=("fitted", "prior"), fields=())


@pytest.mark.parametrize(("side", "z"), [("left", (0.5,)), ("right", (0.5, -1.0, 0.25, 0.0, 2.0))])
def test_a_links_point_has_the_axes_of_its_side(side: str, z: tuple[float, ...]) -> None:
    view = DuelView(left="line", right="five", point=OnSide(side, AtPlace(z)), spaces=("fitted", "prior"))
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
    assert "field" not in messages
    assert "two latent axes" in messages["tables"]["absent"]
    assert set(test.selectbox(key="duel_right").options) == {*KINDS, "d-line", "e-five", "f-spot"}


def test_a_field_that_cannot_be_computed_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("classifiers need two classes at least")

    monkeypatch.setattr(gap_store, "gap_field", fail)
    duel = Duel(Scene(PAIR["left"]), Scene(PAIR["right"]))
    messages = [
        (name, unpack(message))
        for name, message in duel.fields(DuelView(left=PAIR["left"], right=PAIR["right"], field="doubt"), print)
    ]
    assert [name for name, _ in messages] == ["left", "right"]
    for (_, said), model in zip(messages, PAIR.values(), strict=True):
        title = "Doubt of the network classifier cannot be computed"
        assert said["absent"] == f"{title} for {model}: classifiers need two classes at least."


def test_two_planes_keep_their_gaps(runs: Path) -> None:
    assert sent(compare(PAIR))["tables"]["absent"] is None


def test_an_answer_brings_the_link_of_the_view(runs: Path) -> None:
    answer = sent(compare({**PAIR, "image": "5", "beta": "0.1"}))["answer"]
    query = dict(parse_qsl(answer["link"]))
    assert {"left": "c-ae", "right": "a-multi", "image": "5", "beta": "0.1"}.items() <= query.items()
