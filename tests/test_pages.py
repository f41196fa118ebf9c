"""Pages are folders: one that is added appears in the navigation, with its map, state, link and export."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.test_explore import APP, sent, shown
from vae_explorer import data, ui
from vae_explorer.checkpoints import checkpoints
from vae_explorer.latent.encoding import encode
from vae_explorer.ui.shell import pages

FIFTH = Path(__file__).parent / "fifth"


@pytest.fixture
def fifth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ui, "__path__", [*ui.__path__, str(FIFTH)])


def test_the_pages_are_these_in_this_order() -> None:
    assert [page.title for page in pages.found()] == ["Explore", "Compare", "Theory", "Train", "Data"]


def test_a_fifth_page_is_one_folder(fifth: None) -> None:
    lines = sum(len(path.read_text().splitlines()) for path in FIFTH.rglob("*.py"))
    assert lines < 80
    assert [page.name for page in pages.found()] == ["explore", "compare", "theory", "train", "data", "radius"]


def test_its_slider_link_map_and_export_work(fifth: None) -> None:
    def page() -> None:
        from vae_explorer.ui.shell import pages

        next(page for page in pages.found() if page.name == "radius").show()

    test = AppTest.from_function(page, default_timeout=30)
    test.query_params["radius"] = "0.5"
    test.run()
    assert not test.exception, test.exception
    codes = encode(checkpoints.load(checkpoints.find("digits-vae-2d")).arrays, data.load("digits", "test").pixels, 1.0)
    for radius in (0.5, 1.25):
        test.slider(key="radius").set_value(radius)
        test.run()
        within = int((np.hypot(*codes.mean.T) <= radius).sum())
        assert 0 < within < len(codes.mean)
        assert f"{within:,} of {len(codes.mean):,} test images" in shown(test)
        assert test.query_params["radius"] in (f"{radius:g}", [f"{radius:g}"])
        assert {"world", "answer"} <= sent(test).keys()
    assert len(test.get("download_button")) == 1


def test_it_is_in_the_navigation(fifth: None) -> None:
    test = AppTest.from_file(APP, default_timeout=30)
    test.run()
    assert not test.exception, test.exception
    assert {*test.session_state["pages"]} == {"explore", "compare", "theory", "train", "data", "radius"}
