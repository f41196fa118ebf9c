"""What stands over Compare's maps, and what Explore and Compare hand each other."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from streamlit.testing.v1 import AppTest

from tests.test_compare import compare
from tests.test_explore import PROVENANCE, runs, sent, shown
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.models.autoencoder import build
from vae_explorer.ui.compare.titles import title, training
from vae_explorer.ui.state.points import AtImage, AtPlace

__all__ = ["runs"]  # a fixture

Kind = Literal["autoencoder", "vae", "multi-rate"]


def config(kind: Kind, beta: float) -> ModelConfig:
    return ModelConfig(kind=kind, data="digits", shape=(8, 8), encoder=(16,), decoder=(16,), beta=beta)


def plain(html: str) -> str:
    """The words of a piece of HTML, one line of it a line."""
    return unescape(re.sub(r"<[^>]*>", "", re.sub(r"<br>|</p>|</h2>", "\n", html))).strip()


# Titles ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "beta", "words"),
    [
        ("autoencoder", 1.0, "Autoencoder: trained only to copy"),
        ("autoencoder", 4.0, "Autoencoder: trained only to copy"),
        ("vae", 1.0, "VAE: trained to copy and to fill N(0, I)"),
        ("vae", 4.0, "VAE: trained to copy and to fill N(0, I), KL weight 4"),
        ("vae", 0.05, "VAE: trained to copy and to fill N(0, I), KL weight 0.05"),
        ("multi-rate", 4.0, "VAE: trained to copy and to fill N(0, I)"),
    ],
)
def test_a_title_says_what_a_model_was_trained_for(kind: Kind, beta: float, words: str) -> None:
    assert title(config(kind, beta)) == words


@pytest.mark.parametrize(
    ("left", "right"), [("c-ae", "a-multi"), ("b-vae", "b-vae"), ("c-ae", "c-ae"), ("a-multi", "c-ae")]
)
def test_each_map_has_its_own_models_title_in_its_sides_colour(runs: Path, left: str, right: str) -> None:
    """Also for two of a kind, and for one twice."""
    words = {
        "c-ae": "Autoencoder: trained only to copy",
        "b-vae": "VAE: trained to copy and to fill N(0, I), KL weight 4",
        "a-multi": "VAE: trained to copy and to fill N(0, I)",
    }
    found = re.findall(r'<h2 class="side (\w+)">(.*?)</h2>', shown(compare({"left": left, "right": right})))
    assert found == [("left", words[left]), ("right", words[right])]


def trained(noise: float, weight_decay: float) -> checkpoints.Provenance:
    return replace(PROVENANCE, training=TrainingConfig(noise=noise, weight_decay=weight_decay))


def test_what_both_were_trained_with_is_said_once() -> None:
    assert plain(training((trained(0, 0), trained(0, 0)))) == "Both were trained with no noise, no weight decay."
    words = plain(training((trained(0.3, 1e-4), trained(0.3, 1e-4))))
    assert words.startswith("Both were trained with noise 0.3 on its input, weight decay 0.0001.")
    lines = plain(training((trained(0.3, 0), trained(0, 0.05)))).splitlines()
    assert lines == [
        "Beside their objectives, they were trained with",
        "noise 0.3 on its input, no weight decay",
        "no noise, weight decay 0.05",
    ]


def test_the_page_says_how_both_were_trained(runs: Path) -> None:
    for name, noise in (("left", 0.25), ("right", 0.0)):
        checkpoints.save(runs / f"{name}.safetensors", build(config("vae", 1.0), seed=0), trained(noise, 0.01))
    words = plain(shown(compare({"left": "left", "right": "right"})))
    assert words.index("noise 0.25 on its input, weight decay 0.01") < words.index("no noise, weight decay 0.01")


# Explore, Compare, Explore -------------------------------------------------------------------------


class Session:
    """One session of both pages; what a map reports is put where the browser would leave it."""

    def __init__(self, first: str = "explore", **query: str) -> None:
        def page() -> None:
            import streamlit as st

            from vae_explorer.ui import compare, explore

            pages = {"explore": explore, "compare": compare}
            __import__(f"vae_explorer.ui.{st.session_state.page}.page")
            pages[st.session_state.page].page.page()

        self.test = AppTest.from_function(page, default_timeout=60)
        self.go(first, **query)

    def go(self, page: str, **query: str) -> Any:
        """Opens a page as the navigation does, without a query, or by a link; returns its view."""
        self.test.query_params.clear()
        for name, value in query.items():
            self.test.query_params[name] = value
        self.test.session_state["page"] = page
        self.test.run()
        assert not self.test.exception, self.test.exception
        return self.view(page)

    def view(self, page: str) -> Any:
        return self.test.session_state["view" if page == "explore" else "duel_view"]

    def report(self, page: str, **seen: Any) -> Any:
        view = self.view(page)
        name = view.model if page == "explore" else f"duel-{view.left}-{view.right}"
        self.test.session_state[f"answer-{name}"] = {"seen": seen}
        self.test.run()
        assert not self.test.exception, self.test.exception
        return self.view(page)


def test_image_weight_hidden_classes_and_zoom_go_from_explore_to_compare_and_back(runs: Path) -> None:
    session = Session(model="a-multi", image="5", beta="0.1", hide="3,4", zoom="0.5,-0.25,1")
    there = session.go("compare")
    assert {there.left, there.right} == {"a-multi", "b-vae"}
    k = (there.left, there.right).index("a-multi")
    assert (there.image, there.beta, there.hidden) == (5, 0.1, (3, 4))
    assert there.windows[k] == (0.5, -0.25, 1.0)
    assert there.windows[1 - k] is None
    answer = sent(session.test)["answer"]
    assert answer["start"]["point"]["image"] == 5
    assert (answer["start"]["beta"], answer["start"]["hidden"]) == (0.1, [3, 4])

    windows = [None, None]
    windows[k] = [1.0, 1.0, 0.75]  # type: ignore[call-overload]
    session.report("compare", point={"side": "right", "image": 9}, beta=2, hidden=[7], windows=windows)
    back = session.go("explore")
    assert (back.model, back.image, back.beta) == ("a-multi", 9, 2.0)
    assert (back.hidden, back.window) == ((7,), (1.0, 1.0, 0.75))

    session.report("explore", point={"image": 11}, beta=0.5, hidden=[], window=None)
    again = session.go("compare")
    assert (again.image, again.beta, again.hidden, again.windows) == (11, 0.5, (), (None, None))
    assert (again.left, again.right) == (there.left, there.right)


def test_explore_that_is_opened_after_compare_begins_at_its_image(runs: Path) -> None:
    session = Session("compare", left="c-ae", right="a-multi", image="7", beta="0.5", hide="2", zoom="~0.5,0.5,1")
    explored = session.go("explore")
    assert (explored.model, explored.image, explored.beta, explored.hidden) == ("a-multi", 7, 0.5, (2,))
    assert explored.window == (0.5, 0.5, 1.0)
    again = session.go("compare")
    assert (again.image, again.beta, again.hidden, again.windows) == (7, 0.5, (2,), (None, (0.5, 0.5, 1.0)))
    linked = Session("compare", left="c-ae", right="a-multi", image="7")
    assert linked.go("explore", model="a-multi", image="3").image == 3, "a link says what it says"


def test_what_a_page_alone_has_stays_with_it(runs: Path) -> None:
    session = Session(model="a-multi", layers="atlas", tab="path", pins="1;2")
    before = session.view("explore")
    session.go("compare")
    session.report("compare", tab="gaps", field="density", seed=4, spaces=["fitted", "prior"], towards=3)
    explored = session.go("explore")
    assert explored == before
    duel = session.go("compare")
    assert (duel.tab, duel.field, duel.seed, duel.spaces) == ("gaps", "density", 4, ("fitted", "prior"))
    assert duel.towards == 3


def test_a_place_goes_nowhere_and_the_image_before_stays(runs: Path) -> None:
    """A place of one model means nothing on the other page's."""
    session = Session(model="a-multi", image="5")
    session.go("compare")
    assert session.report("compare", point={"side": "left", "z": [0.5, 0.5]}).point.point == AtPlace((0.5, 0.5))
    assert session.go("explore").point == AtImage(5)


def test_a_weight_beyond_the_other_pages_range_is_its_nearest(runs: Path) -> None:
    narrow = replace(config("multi-rate", 1.0), beta_min=0.1, beta_max=1.0)
    checkpoints.save(runs / "d-narrow.safetensors", build(narrow, seed=0), PROVENANCE)
    session = Session(model="a-multi", beta="5")
    session.go("compare")
    session.test.selectbox(key="duel_left").select("d-narrow").run()
    assert not session.test.exception
    view = session.view("compare")
    assert (view.left, view.right, view.beta) == ("d-narrow", "a-multi", 1.0)


def test_a_model_without_a_weight_leaves_the_one_that_was_set(runs: Path) -> None:
    session = Session(model="a-multi", beta="0.1")
    session.go("compare")
    session.test.selectbox(key="duel_left").select("b-vae").run()
    session.test.selectbox(key="duel_right").select("c-ae").run()
    assert session.view("compare").beta is None
    assert session.go("explore").beta == 0.1


def test_a_link_says_what_it_says_whatever_explore_showed(runs: Path) -> None:
    session = Session(model="a-multi", image="5", beta="0.1", hide="3")
    view = session.go("compare", left="c-ae", right="a-multi", image="8")
    assert (view.left, view.right, view.image, view.beta, view.hidden) == ("c-ae", "a-multi", 8, 1.0, ())


def test_images_of_another_data_set_bring_nothing(runs: Path) -> None:
    circles = replace(config("vae", 1.0), data="circles", shape=(28, 28))
    checkpoints.save(runs / "d-circles.safetensors", build(circles, seed=0), PROVENANCE)
    session = Session(model="d-circles", image="5", hide="0")
    view = session.go("compare", left="c-ae", right="a-multi")
    assert (view.left, view.right, view.image, view.hidden) == ("c-ae", "a-multi", 0, ())
    session.report("compare", point={"side": "left", "image": 7}, hidden=[2])
    explored = session.go("explore")
    assert (explored.model, explored.image, explored.hidden) == ("d-circles", 5, (0,))


def test_each_page_answers_for_what_it_was_handed(runs: Path) -> None:
    """Not the view alone: the codes that the page shows are those of the image that came along."""
    session = Session(model="a-multi", image="5", beta="0.1")
    view = session.go("compare")
    z = sent(session.test)["answer"]["sides"][(view.left, view.right).index("a-multi")]["z"]
    pixels = torch.from_numpy(data.load("digits", "test").pixels[5:6]).float() / 255
    with torch.inference_mode():
        code = checkpoints.load(runs / "a-multi.safetensors").model.posterior(pixels, torch.tensor([0.1])).mean[0]
    assert z == pytest.approx(code.tolist(), abs=1e-6)
