"""The frame of the page Theory, on a made-up screen: links, models, questions, exports; each screen's are elsewhere."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from tests.test_explore import PROVENANCE, runs, sent, unpack
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.figures import theme
from vae_explorer.latent.encoding import encode
from vae_explorer.models.autoencoder import build
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import live, vendored
from vae_explorer.ui.shell.carried import Carried
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.table import Row
from vae_explorer.ui.theory import answers, course, exports, page
from vae_explorer.ui.theory.codecs import Flag, Number, Numbers, Whole
from vae_explorer.ui.theory.screen import Arrays, Asked, Header, Prediction, Screen, Source, Term
from vae_explorer.ui.theory.screen import View as Common

__all__ = ["runs"]  # a fixture


@dataclass(frozen=True, kw_only=True)
class View(Common):
    width: float = 1.5
    count: int = 3
    flag: bool = False
    q: tuple[float, ...] = (0.0, 1.0)


def main(asked: Asked[View]) -> tuple[Header, Arrays]:
    mean = encode(asked.model, asked.pixels[asked.view.image : asked.view.image + 1], asked.beta).mean
    said = {"width": asked.view.width, "none": math.nan, "far": {"deep": [1.0, -math.inf]}, "beta": asked.beta}
    return said, {"code": mean, "image": asked.image}


def late(asked: Asked[View]) -> tuple[Header, Arrays]:
    return {"doubled": 2 * asked.whole("at", 10)}, {}


ROWS: tuple[Row[Limits], ...] = (
    Row(name="width", codec=Number(0.5, 4.0), default=lambda _: 1.5),
    Row(name="count", codec=Whole(1, 100_000), default=lambda _: 3),
    Row(name="flag", codec=Flag(), default=lambda _: False),
    Row(name="q", codec=Numbers(-8, 8, 2), default=lambda _: (0.0, 1.0)),
)
WORDS: dict[str, Any] = {
    "title": "Made up",
    "question": "Is it?",
    "formula": (Term("left", "x", "the left side"), "=", Term("right", "y", "the right side")),
    "why": ("Because.",),
    "sources": (Source("A source", "https://example.org"),),
    "view": View,
    "rows": ROWS,
    "parts": {"main": main, "late": late},
    "prediction": Prediction("Which?", ("This", "That", "Neither")),
}
PLANE = Screen(name="made", needs="plane", default="a-multi", **WORDS)
SCREENS = {"made": PLANE, "other": Screen(name="other", needs="gaussian", default="gauss", **WORDS)}


@pytest.fixture
def made(runs: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Untrained models of each kind, and a course of two screens."""
    config = ModelConfig(
        kind="multi-rate", data="digits", shape=(8, 8), encoder=(8,), decoder=(8,), likelihood="gaussian"
    )
    checkpoints.save(runs / "gauss.safetensors", build(config, seed=1), PROVENANCE)
    for each in (course, page, answers):
        monkeypatch.setattr(each, "course", lambda: SCREENS)
    return runs


def theory(query: Mapping[str, str] = {}, seen: Mapping[str, Any] = {}, state: Mapping[str, Any] = {}) -> AppTest:
    def shown() -> None:
        from vae_explorer.ui.theory.page import page

        page()

    test = AppTest.from_function(shown, default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    for name, value in state.items():
        test.session_state[name] = value
    if seen:
        test.session_state["answer-theory"] = {"seen": dict(seen)}
    test.run()
    assert not test.exception, test.exception
    return test


def said(test: AppTest) -> str:
    return " ".join(each.value for each in [*test.warning, *test.error])


def code(name: str, image: int, beta: float) -> np.ndarray:
    model = checkpoints.load(checkpoints.find(name)).arrays
    mean: np.ndarray = encode(model, data.load("digits", "test").pixels[image : image + 1], beta).mean[0]
    return mean


# The page ------------------------------------------------------------------------------------------


def test_it_opens_with_the_first_screen_its_model_and_what_it_says(made: Path) -> None:
    test = theory()
    messages = sent(test)
    assert messages.keys() == {"theory", "answer", "world"}
    assert [each["name"] for each in messages["theory"]["screens"]] == ["made", "other"]
    words = messages["theory"]["screens"][0]
    assert words["formula"] == [
        {"name": "left", "tex": "x", "words": "the left side", "live": True},
        "=",
        {"name": "right", "tex": "y", "words": "the right side", "live": True},
    ]
    assert words["prediction"] == {"question": "Which?", "choices": ["This", "That", "Neither"]}
    answer = messages["answer"]
    assert answer["start"] == {
        "screen": "made",
        "model": "a-multi",
        "image": 0,
        "beta": 1,
        "seed": 0,
        "width": 1.5,
        "count": 3,
        "flag": False,
        "q": [0, 1],
    }
    assert answer["code"] == pytest.approx(code("a-multi", 0, 1.0), abs=1e-6)
    assert (answer["image"].reshape(8, 8) * 255 == data.load("digits", "test").pixels[0]).all()
    assert said(test) == ""


def test_a_link_says_all_and_opens_the_same(made: Path) -> None:
    query = {
        "screen": "made",
        "model": "a-multi",
        "image": "7",
        "beta": "0.1",
        "seed": "5",
        "width": "2.25",
        "count": "9",
    }
    query |= {"flag": "on", "q": "-1.5,2"}
    answer = sent(theory(query))["answer"]
    assert answer["start"]["q"] == [-1.5, 2]
    assert {name: str(value) for name, value in answer["start"].items() if name in ("image", "beta", "width")} == {
        "image": "7",
        "beta": "0.1",
        "width": "2.25",
    }
    assert dict(pair.split("=") for pair in answer["link"].split("&")) == query
    assert answer["code"] == pytest.approx(code("a-multi", 7, 0.1), abs=1e-6)


LIMITS = Limits(model="m", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 4.0), images=300, classes=10)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("image", value) for value in ("300", "-1", "x")),
        *(("beta", value) for value in ("0", "11", "nan")),
        *(("width", value) for value in ("0.4", "4.1", "nan", "inf", "", "1_0")),
        *(("count", value) for value in ("0", "100001", "1.5", "²", "")),
        *(("flag", value) for value in ("off", "1")),
        *(("q", value) for value in ("1", "1,2,3", "9,0", "nan,0", "")),
        *(("seed", value) for value in ("-1", "1000000")),
    ],
)
def test_a_bad_value_is_refused_in_words_and_the_rest_is_shown(name: str, value: str) -> None:
    view, words = PLANE.table.parse({"screen": "made", name: value}, LIMITS)
    assert view == PLANE.table.start(LIMITS)
    assert len(words) == 1
    assert words[0].startswith(f"{name} = ")


@pytest.mark.parametrize(("name", "value"), [("screen", "<b>"), ("model", "none"), ("model", "c-ae"), ("width", "9")])
def test_what_a_link_says_wrong_is_shown_on_the_page(made: Path, name: str, value: str) -> None:
    test = theory({"screen": "made", "seed": "3", name: value})
    assert len(test.warning) == 1
    assert "<" not in said(test)
    start = sent(test)["answer"]["start"]
    assert (start["screen"], start["model"], start["width"], start["seed"]) == ("made", "a-multi", 1.5, 3)


def test_a_model_that_the_screen_cannot_show_is_named_with_one_that_it_can(made: Path) -> None:
    test = theory({"screen": "other", "model": "a-multi"})
    assert "a VAE of two latent axes, any KL weight, and a Gaussian likelihood" in said(test)
    assert "Shown instead: gauss." in said(test)
    assert sent(test)["answer"]["start"]["model"] == "gauss"


def test_where_no_model_fits_the_screen_says_what_it_needs(made: Path) -> None:
    (made / "gauss.safetensors").unlink()
    test = theory({"screen": "other"})
    assert "needs a VAE of two latent axes, any KL weight, and a Gaussian likelihood" in said(test)


def test_another_screen_takes_image_weight_and_seed_along_and_a_model_of_its_own(made: Path) -> None:
    seen = {"screen": "other", "model": "a-multi", "image": 4, "beta": 0.5, "seed": 2}
    start = sent(theory({"screen": "made"}, seen))["answer"]["start"]
    assert {name: start[name] for name in seen} == seen | {"model": "gauss"}


def test_what_explore_showed_comes_along_but_not_over_a_link(made: Path) -> None:
    last = Carried("explore", "digits", 12, 0.25, (), {})
    start = sent(theory(state={"carried": last}))["answer"]["start"]
    assert (start["image"], start["beta"]) == (12, 0.25)
    start = sent(theory({"image": "3"}, state={"carried": last}))["answer"]["start"]
    assert (start["image"], start["beta"]) == (3, 1)


def test_what_was_answered_past_the_rerun_is_not_said_again(made: Path) -> None:
    answer = sent(theory({"screen": "made"}, {"screen": "made", "width": 3, "answered": True}))["answer"]
    assert answer["empty"] is True
    assert "code" not in answer
    assert answer["start"]["width"] == 3


def test_without_the_channel_the_rerun_answers_a_part(made: Path) -> None:
    wants = {"part": "late", "n": 4, "more": {"at": 6}}
    part = sent(theory({"screen": "made"}, {"screen": "made", "answered": True, "wants": wants}))["part"]
    assert (part["doubled"], part["n"]) == (12, 4)
    refused = sent(theory({"screen": "made"}, {"wants": wants | {"more": {"at": 10}}}))["part"]
    assert refused["refused"] == "at is no number from 0 to 9."


WANTS: list[Any] = [
    3,
    {},
    {"part": "none", "n": 1},
    {"part": "late"},
    {"part": ["late"], "n": 1},
    {"part": "late", "n": ""},
]
SEEN: list[dict[str, Any]] = [{"screen": []}, {"screen": "none", "width": "3", "q": [1], "flag": 1, "image": -1}]


def test_what_no_picture_of_ours_says_is_not_answered_and_changes_nothing(made: Path) -> None:
    first = sent(theory({"screen": "made"}))["answer"]["start"]
    for wants in WANTS:
        assert "part" not in sent(theory({"screen": "made"}, {"answered": True, "wants": wants}))
    for seen in SEEN:
        assert sent(theory({"screen": "made"}, {"answered": True, **seen}))["answer"]["start"] == first


# The channel ---------------------------------------------------------------------------------------


def ask(**question: Any) -> dict[str, Any]:
    asked = {"kind": "theory.main", "n": 7, "screen": "made", "model": "a-multi", **question}
    with TestClient(Starlette(routes=live.routes())).websocket_connect("/live") as channel:
        channel.send_text(f"{asked['kind']}\n{json.dumps(asked)}")
        reply: dict[str, Any] = unpack(channel.receive_bytes())
    assert reply["n"] == 7
    return reply


def test_a_part_is_answered_with_what_json_can_say(made: Path) -> None:
    reply = ask(image=5, beta=0.1, width=2)
    assert reply["kind"] == "theory.main"
    assert (reply["width"], reply["none"], reply["far"]) == (2, None, {"deep": [1, None]})
    assert reply["code"] == pytest.approx(code("a-multi", 5, 0.1), abs=1e-6)
    assert "width=2" in reply["link"]
    assert ask(kind="theory.late", more={"at": 4})["doubled"] == 8
    assert ask(model="d-vae" if (made / "d-vae.safetensors").exists() else "b-vae")["beta"] == 4  # its one KL weight


@pytest.mark.parametrize(
    "question",
    [
        {"kind": "theory.none"},
        {"kind": "theory."},
        {"screen": "none"},
        {"screen": ["made"]},
        {"screen": None},
        {"model": "none"},
        {"model": "../pretrained/digits-vae-2d"},
        {"model": None},
        {"model": "c-ae"},
        {"image": 300},
        {"beta": 1e9},
        {"width": 5},
        {"kind": "theory.late", "more": {"at": 10}},
        {"kind": "theory.late", "more": {"at": "1"}},
        {"kind": "theory.late", "more": {"at": True}},
    ],
)
def test_what_is_no_question_of_ours_is_refused(made: Path, question: dict[str, Any]) -> None:
    reply = ask(**question)
    assert reply["kind"] == "refused"
    assert str(made) not in reply["why"]


# Exports, colours, KaTeX ---------------------------------------------------------------------------


def test_all_numbers_of_a_screen_can_be_taken_away(made: Path) -> None:
    scene = Scene("a-multi")
    view = PLANE.table.start(scene.limits)
    rows = list(csv.reader(io.StringIO(exports.numbers_csv(PLANE, scene, view).removeprefix("\ufeff"))))
    assert rows[0] == ["name", "index", "value"]
    found = {(name, index): value for name, index, value in rows[1:]}
    assert found["state.q", "1"] == "1.0"
    assert float(found["far.deep", "0"]) == 1
    assert ("none", "") not in found
    exact = code("a-multi", 0, 1.0)
    assert [float(found["code", f"0,{axis}"]) for axis in (0, 1)] == pytest.approx(exact.tolist(), abs=1e-6)


def test_terms_stand_out_from_both_grounds_as_text() -> None:
    """WCAG 2.2, criterion 1.4.3."""
    for pair in theme.TERMS:
        for colour, ground in zip(pair, theme.GROUNDS, strict=True):
            high, low = sorted((theme.luminance(colour), theme.luminance(ground)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= 4.5, (colour, ground)


def test_katex_comes_with_the_program_and_nothing_else_is_served_with_it() -> None:
    client = TestClient(Starlette(routes=vendored.routes()))
    script = client.get("/katex/katex.min.js")
    assert script.status_code == 200
    assert "javascript" in script.headers["content-type"]
    sheet = client.get("/katex/katex.min.css").text
    fonts = {part.split(")")[0] for part in sheet.split("url(")[1:] if ".woff2" in part.split(")")[0]}
    assert len(fonts) == 20
    for font in fonts:
        assert client.get(f"/katex/{font}").content[:4] == b"wOF2"
    for path in ("../modules.py", "%2e%2e/modules.py", "fonts", ""):
        assert client.get(f"/katex/{path}").status_code == 404
