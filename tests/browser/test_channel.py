"""The live channel in a real browser: an answer comes once, hovering is exact where the page cannot decode, and without
the channel everything still works."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import WebSocket, expect

from tests.browser.conftest import Open, Serve
from tests.browser.oracle import NOTHING, decode, same
from tests.test_explore import PROVENANCE
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import ModelConfig
from vae_explorer.models.autoencoder import build

SIDE = 64


@pytest.fixture(scope="module")
def colourful(tmp_path_factory: pytest.TempPathFactory) -> tuple[Checkpoint, Path]:
    """An untrained convolutional model of images of 64 x 64 in colour, whose decoder is far from flat."""
    folder = tmp_path_factory.mktemp("colourful")
    config = ModelConfig(
        kind="multi-rate",
        data="none",
        shape=(SIDE, SIDE, 3),
        backbone="convolutional",
        encoder=(8, 16),
        decoder=(16, 8),
    )
    model, random = build(config, seed=1), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if re.search("decoder.*weight", name):
                weight.add_(torch.randn(weight.shape, generator=random), alpha=0.3)
    checkpoints.save(folder / "colourful.safetensors", model, PROVENANCE)
    return checkpoints.load(folder / "colourful.safetensors"), folder


def test_hovering_is_exact_where_the_page_cannot_decode(
    colourful: tuple[Checkpoint, Path], open_page: Open, serve: Serve
) -> None:
    model, folder = colourful
    explorer = open_page("model=colourful&z=0,0&beta=0.5", address=serve("app.py", folder))
    for x, y in ((150, 100), (300, 220), (420, 160)):
        place = explorer.hover(x, y)
        shown = explorer.page.locator(".decoded canvas")
        expect(shown).to_be_visible()
        # The readout is rounded; the click names the very place.
        explorer.until(lambda: "approximate" not in explorer.page.locator(".note").inner_text())
        hovered = explorer.live_pixels(3)
        z = explorer.pin(x, y)
        assert z == pytest.approx(place, abs=0.006)
        exact = decode(model, z, 0.5)
        assert np.ptp(exact) > 50
        assert same(hovered, exact)
        assert same(explorer.pixels(explorer.decoded), exact)
        explorer.leave()


def test_a_click_is_answered_once(open_page: Open, model: Checkpoint) -> None:
    told: dict[str, list[int]] = {"live": [], "stream": []}

    def listen(channel: WebSocket) -> None:
        kind = "live" if channel.url.endswith("/live") else "stream"
        channel.on("framereceived", lambda frame: told[kind].append(len(frame)) if b'"decoded"' in frame else None)

    explorer = open_page(f"{NOTHING}&layers=none", wait=False, heard=listen)
    expect(explorer.decoded).to_be_visible(timeout=30_000)
    explorer.pin(150, 120)
    for frames in told.values():
        frames.clear()
    for k in range(4):
        z = explorer.pin(200 + 60 * k, 150)
        explorer.until(lambda: explorer.coordinates == pytest.approx(z, abs=0.006))  # noqa: B023
        assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
    explorer.page.wait_for_timeout(500)
    assert (len(told["live"]), len(told["stream"])) == (4, 0)


def test_without_the_channel_the_rerun_answers(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(NOTHING, live=False)
    for x in (150, 300):
        z = explorer.pin(x, 120)
        explorer.until(lambda: explorer.coordinates == pytest.approx(z, abs=0.006))  # noqa: B023
        assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
    pins = explorer.strip.get_by_role("button", name=re.compile("^Pin")).locator("img")
    expect(pins).to_have_count(2)
    explorer.until(lambda: all((pins.nth(k).get_attribute("src") or "").startswith("data:") for k in range(2)))
