"""The Compare page without a browser: links, what the maps report, and what they are sent."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.test_explore import KINDS, runs, sent
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import STATE, parse
from vae_explorer.ui.compare.view import DuelLimits, DuelView, OnSide
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage, AtPlace

__all__ = ["runs"]  # a fixture

LEFT = Limits(model="ae", latent=2, beta=None, home=(1.0, 0.0, 20.0), images=100, classes=10)
RIGHT = Limits(model="vae", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 4.0), images=100, classes=10)
LIMITS = DuelLimits(sides=(LEFT, RIGHT), fields=("density", "round_trip", "class"))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"beta": 0.1, "link": "point", "point": OnSide("left", AtImage(99)), "tab": "gaps", "field": "density"},
        {"point": OnSide("right", AtPlace((0.5, -3.25))), "seed": 12, "spot": ("right", 8), "field": None},
        {"ends": (7, 8), "spaces": ("prior", "fitted"), "tab": "path", "marks": ()},
        {"tab": "class", "field": "class", "towards": 9, "marks": ("names", "shapes"), "hidden": (0, 4)},
        {"tab": "table", "windows": ((1.0, 0.0, 0.5), None)},
    ],
)
def test_a_link_gives_back_the_view_that_it_was_made_from(changes: dict[str, Any]) -> None:
    view = replace(STATE.start(LIMITS), **changes)
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
        *(("spot", value) for value in ("left", "left,0", "left,9", "top,1", "left,1,2", "left,\u00b2", "")),
        *(("towards", value) for value in ("10", "-1", "x", "")),
        *(("marks", value) for value in ("names,stars", "")),
        *(("zoom", value) for value in ("1,0,0.5", "1,0~", "~0,0,0", "~~")),
        *(("field", "magic"), ("field", ""), ("tab", ""), ("link", "x"), ("side", "top")),
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
    assert DuelLimits(sides=(narrow, RIGHT), fields=()).beta == (0.1, 10.0)
    assert DuelLimits(sides=(LEFT, LEFT), fields=()).beta is None


def test_of_ranges_that_share_nothing_each_side_takes_the_weight_that_is_nearest(runs: Path) -> None:
    low, high = (
        Limits(model="n", latent=2, beta=beta, home=(0.0, 0.0, 4.0), images=100, classes=10)
        for beta in ((0.1, 0.4), (5.0, 9.0))
    )
    limits = DuelLimits(sides=(low, high), fields=())
    assert limits.beta == (0.1, 9.0)
    assert STATE.start(limits).beta == 1
    duel = Duel(Scene("a-multi"), Scene("a-multi"))
    for side, beta in zip(duel.sides, ((0.1, 0.4), (5.0, 9.0)), strict=True):
        side.limits = replace(side.limits, beta=beta)
    assert duel.weights(DuelView(left="a-multi", right="a-multi", beta=1.0)) == (0.4, 5.0)


def test_a_page_opens_with_the_image_the_prior_and_the_round_trip() -> None:
    start = STATE.start(LIMITS)
    assert (start.link, start.spaces, start.field, start.tab) == ("image", ("prior", "prior"), "round_trip", "sample")
    assert (start.marks, start.spot, start.towards) == (("names",), None, None)
    assert STATE.start(DuelLimits(sides=(LEFT, RIGHT), fields=("density",))).field == "density"
    assert STATE.start(DuelLimits(sides=(LEFT, RIGHT), fields=())).field is None
    view, messages = parse({"field": "none", "marks": "none"}, LIMITS)
    assert (view.field, view.marks, messages) == (None, (), [])


def test_a_field_that_needs_classes_is_refused_where_there_are_none() -> None:
    """Images of one class have no classifier: neither its doubt nor its classes can colour a plane."""
    plain = DuelLimits(sides=(LEFT, RIGHT), fields=("density", "round_trip"))
    for field in ("doubt", "class"):
        view, (message,) = parse({"field": field}, plain)
        assert view == STATE.start(plain)
        assert message.startswith(f"field = {field} is none of density, round_trip.")


def test_reports_change_the_view() -> None:
    reported = {
        "point": {"side": "right", "z": [1, -2.5]},
        "beta": 4,
        "link": "point",
        "ends": [3, 4],
        "spaces": ["fitted", "prior"],
        "seed": 5,
        "field": "density",
        "spot": ["right", 3],
        "towards": 7,
        "marks": ["shapes"],
        "tab": "table",
    }
    view = STATE.updated(STATE.start(LIMITS), reported, LIMITS)
    assert (view.point, view.beta) == (OnSide("right", AtPlace((1.0, -2.5))), 4.0)
    assert (view.link, view.ends, view.spaces, view.seed) == ("point", (3, 4), ("fitted", "prior"), 5)
    assert (view.field, view.spot, view.towards) == ("density", ("right", 3), 7)
    assert (view.marks, view.tab) == (("shapes",), "table")
    none = STATE.updated(view, {"field": None, "spot": None, "towards": None, "marks": []}, LIMITS)
    assert (none.field, none.spot, none.towards, none.marks) == (None, None, None, ())


@pytest.mark.parametrize(
    "reported",
    [
        {"point": {"side": "top", "image": 1}},
        {"point": {"side": "left", "image": 100}},
        {"point": {"side": "right", "z": [1e6, 0]}},
        *({"beta": 11}, {"beta": "1"}, {"ends": [1]}, {"ends": [1, 100]}, {"spaces": ["prior", "x"]}),
        *({"seed": -1}, {"seed": 1.5}, {"field": "magic"}, {"tab": "x"}, {"link": None}),
        *({"spot": spot} for spot in (["left", 0], ["left", 9], ["top", 1], ["left", True], ["left"], "left,1")),
        *({"towards": towards} for towards in (10, -1, True, "1", 1.0)),
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


def test_two_planes_keep_their_gaps(runs: Path) -> None:
    assert sent(compare(PAIR))["tables"]["absent"] is None


def test_an_answer_brings_the_link_of_the_view(runs: Path) -> None:
    answer = sent(compare({**PAIR, "image": "5", "beta": "0.1"}))["answer"]
    query = dict(parse_qsl(answer["link"]))
    assert {"left": "c-ae", "right": "a-multi", "image": "5", "beta": "0.1"}.items() <= query.items()
