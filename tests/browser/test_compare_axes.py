"""Two models of other numbers of axes on the Compare page, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import expect
from scipy.linalg import sqrtm

from tests.browser.conftest import Open, Serve
from tests.browser.duel import SIDES, Duel, tile
from tests.browser.explorer import painted
from tests.browser.oracle import NOTHING, close, decode, same
from tests.test_explore import PROVENANCE
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import ModelConfig
from vae_explorer.latent.encoding import encode
from vae_explorer.models.autoencoder import build

SMALL = {"data": "digits", "shape": (8, 8), "encoder": (16,), "decoder": (16,)}
SOLIDS: dict[str, dict[str, Any]] = {
    "line": {"kind": "autoencoder", "latent": 1},
    "flat": {"kind": "vae", "latent": 2},
    "five": {"kind": "multi-rate", "latent": 5},
    "spot": {"kind": "vae", "latent": 2},
    "conv": {"kind": "vae", "latent": 3, "backbone": "convolutional", "encoder": (4, 8), "decoder": (8, 4)},
}


@pytest.fixture(scope="module")
def solids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """Untrained models whose codes lie far apart; those of `spot` only on the first axis."""
    folder = tmp_path_factory.mktemp("solids")
    made = {}
    for name, settings in SOLIDS.items():
        model = build(ModelConfig(**(SMALL | settings)), seed=1)
        random = torch.Generator().manual_seed(settings["latent"])
        with torch.no_grad():
            for part, weight in model.named_parameters():
                wide = "decoder.*weight" if name == "conv" else "decoder.out.weight"
                if re.search(f"encoder.head.*weight|{wide}", part):
                    weight.add_(torch.randn(weight.shape, generator=random), alpha=1.5)
                    if name == "spot" and "head" in part:
                        weight[1] = 0
        checkpoints.save(folder / f"{name}.safetensors", model, PROVENANCE)
        made[name] = checkpoints.load(folder / f"{name}.safetensors")
    return made


@pytest.fixture(scope="module")
def workshop(serve: Serve, solids: dict[str, Checkpoint]) -> str:
    """The address of an app with these models."""
    return serve("app.py", solids["line"].path.parent)


DIGIT_IMAGES = data.load("digits", "test")
PAIRS = [("five", "line"), ("line", "flat")]  # each kind, one on either side


def codes_of(model: Checkpoint) -> NDArray[np.float32]:
    return encode(model.arrays, DIGIT_IMAGES.pixels, 1.0).mean


@pytest.mark.parametrize("names", PAIRS)
def test_a_place_is_the_same_on_maps_of_other_axes(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint], names: tuple[str, str]
) -> None:
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}&link=point&{NOTHING}")
    pair = [solids[name] for name in names]
    shown = [codes_of(model)[:, :2] for model in pair]
    for side in (0, 1):
        duel.page.mouse.move(*duel.at(side, 150, 120))
        for live in duel.live:
            expect(live).to_be_visible()
        duel.explorer.frame()
        hovered = [np.array(duel.full(k)) for k in (0, 1)]
        units = [(hovered[k][:2] - shown[k].mean(0)) / shown[k].std(0) for k in (0, 1)]
        assert units[0][0] == pytest.approx(units[1][0], abs=0.02)
        own, other = len(units[side]), len(units[1 - side])
        if other == 2:
            assert units[1 - side][1] == pytest.approx(units[side][1] if own == 2 else 0, abs=0.02)
        for k, model in enumerate(pair):
            assert len(hovered[k]) == model.config.latent
            assert not hovered[k][2:].any(), "a place means 0 on the other axes"
            assert np.abs(painted(duel.live[k]) - decode(model, hovered[k], 1.0)).mean() < 3  # two decimals of z
        duel.page.mouse.click(*duel.at(side, 150, 120))
        duel.explorer.until(lambda side=side: duel.query["side"] == SIDES[side] and "z" in duel.query)  # type: ignore[misc]
        for k, model in enumerate(pair):
            expect(duel.live[k]).to_be_hidden()
            assert duel.full(k) == pytest.approx(hovered[k], abs=0.011)
            assert np.abs(duel.exact(k) - decode(model, duel.full(k), 1.0)).mean() < 3
        z = np.array([*map(float, duel.query["z"].split(","))])
        assert same(duel.exact(side), decode(pair[side], z, 1.0))


@pytest.mark.parametrize("names", [PAIRS[0], ("flat", "conv")])
def test_images_draws_and_walks_use_all_axes(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint], names: tuple[str, str]
) -> None:
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}&link=image&seed=3&spaces=fitted,fitted")
    pair = [solids[name] for name in names]
    codes = [codes_of(model).astype(np.float64) for model in pair]
    noise = np.random.default_rng(3).standard_normal((64, max(len(each[0]) for each in codes))).astype(np.float32)
    for k, model in enumerate(pair):
        sheet = duel.page.locator(f".sample canvas.{SIDES[k]}")
        axes = model.config.latent
        root = np.real(sqrtm(np.cov(codes[k].T, ddof=0).reshape(axes, axes)))
        points = codes[k].mean(0) + noise[:, :axes] @ root
        flat = np.where(np.arange(axes) < 2, points, 0)
        for index in (0, 9, 63):
            wanted = decode(model, points[index], 1.0)
            duel.explorer.until(lambda s=sheet, i=index, w=wanted: close(tile(painted(s), i, 8), w))  # type: ignore[misc]
            drawn = tile(painted(sheet), index, 8)
            assert axes <= 2 or not close(drawn, decode(model, flat[index], 1.0)), "the other axes have to matter"
    middle = np.argmin(np.linalg.norm((codes[0] - codes[0].mean(0))[:, :2], axis=1))
    spot = duel.pixel(0, codes[0][middle])
    duel.page.mouse.move(*spot)
    for live in duel.live:
        expect(live).to_be_visible()
    duel.explorer.frame()
    hovered = [painted(live) for live in duel.live]
    duel.page.mouse.click(*spot)
    duel.explorer.until(lambda: duel.query["side"] == "left" and duel.query.get("image", "0") != "0")
    image = int(duel.query["image"])
    for k, model in enumerate(pair):
        expect(duel.live[k]).to_be_hidden()
        assert same(duel.exact(k), decode(model, codes[k][image], 1.0))
        if names[k] != "conv":  # the browser has its plane alone
            assert close(hovered[k], decode(model, codes[k][image], 1.0))
        assert duel.full(k) == pytest.approx(codes[k][image], abs=0.006)
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}&tab=path&ends=3,18")
    for k, model in enumerate(pair):
        film = duel.page.locator(f".walk.{SIDES[k]}")
        for picture in (0, 5, 11):
            wanted = decode(model, codes[k][3] + picture / 11 * (codes[k][18] - codes[k][3]), 1.0)
            duel.explorer.until(lambda f=film, i=picture, w=wanted: close(tile(painted(f), i, 8, 12), w))  # type: ignore[misc]


def test_codes_in_one_spot_are_named_and_move_nothing(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint]
) -> None:
    duel = Duel(open_page, workshop, f"left=spot&right=five&{NOTHING}")
    duel.page.mouse.click(*duel.at(0, 150, 60))
    about = duel.page.locator(".of figcaption")
    duel.explorer.until(lambda: "The codes of spot are one spot on axis 2" in about.inner_text())
    duel.page.mouse.move(*duel.at(0, 160, 60))
    expect(duel.live[1]).to_be_visible()
    duel.explorer.frame()
    assert duel.z(1)[1] == pytest.approx(float(codes_of(solids["five"]).mean(0)[1]), abs=0.011)
    assert "two latent axes" in (duel.page.locator(".tab.gaps p").text_content() or "")
    expect(duel.page.locator(".half.right .axes")).to_have_text(re.compile("first two of 5 latent axes"))
