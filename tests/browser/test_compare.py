"""The Compare page in a real browser, with PyTorch as the oracle."""

from __future__ import annotations

from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.duel import SIDES, Duel, tile
from tests.browser.explorer import Explorer, painted, seen
from tests.browser.oracle import close, decode, posterior, same
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images
from vae_explorer.figures import theme
from vae_explorer.latent.encoding import encode


@pytest.fixture(scope="session")
def models() -> tuple[Checkpoint, Checkpoint]:
    return tuple(checkpoints.load(checkpoints.find(name)) for name in ("mnist-ae-2d", "mnist-vae-2d"))  # type: ignore[return-value]


@pytest.mark.parametrize("height", [560, 720])
def test_nothing_lies_over_the_maps_on_a_low_screen(open_page: Open, server: str, height: int) -> None:
    duel = Duel(open_page, server, height=height)
    boxes = [each.bounding_box() for each in (*duel.maps, duel.page.locator(".middle"), duel.explorer.weight)]
    *upper, slider = [box for box in boxes if box]
    assert len(upper) == 3
    assert max(box["y"] + box["height"] for box in upper) <= slider["y"]


def test_the_legend_hides_a_class_on_both_maps(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "field=none&marks=none")
    colour = [int(theme.class_colours(10)[0][k : k + 2], 16) for k in (1, 3, 5)]

    def pixels(side: int) -> int:
        return int((np.abs(seen(duel.maps[side]).astype(int) - colour).max(axis=-1) < 4).sum())

    duel.explorer.until(lambda: min(pixels(0), pixels(1)) > 250)
    duel.explorer.frame()
    before = [pixels(side) for side in (0, 1)]
    button = duel.page.get_by_role("button", name="0", exact=True)
    button.click()
    duel.explorer.until(lambda: max(pixels(0), pixels(1)) < 20)
    button.click()
    duel.explorer.until(lambda: [pixels(0), pixels(1)] == before)


def test_what_is_zoomed_into_is_in_the_link_and_opens_again(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "hide=0,1,2,3,4,5,6,7,8,9")  # so that the pointer finds no code

    def under(duel: Duel, side: int, x: float, y: float) -> NDArray[np.float64]:
        duel.page.mouse.move(*duel.at(side, x, y))
        duel.explorer.frame()
        return np.array(duel.z(side))

    left, right = under(duel, 0, 60, 120), under(duel, 1, 60, 120)
    there = under(duel, 1, 150, 120)
    duel.page.mouse.wheel(0, -400)
    duel.explorer.until(lambda: duel.query.get("zoom", "").startswith("~"))
    assert np.abs(under(duel, 1, 150, 120) - there).max() < 0.03, "the place under the pointer stays"
    near = under(duel, 1, 60, 120)
    assert np.abs(near - there).max() < 0.8 * np.abs(right - there).max()
    assert np.abs(under(duel, 0, 60, 120) - left).max() < 0.03, "the other map stays as it is"
    again = Duel(open_page, server, urlsplit(duel.page.url).query)
    assert np.abs(under(again, 1, 60, 120) - near).max() < 0.03
    assert np.abs(under(again, 0, 60, 120) - left).max() < 0.03
    assert again.query["zoom"] == duel.query["zoom"]


def test_one_pointer_moves_both_sides_by_the_same_number_of_standard_deviations(
    open_page: Open, server: str, models: tuple[Checkpoint, Checkpoint], images: Images
) -> None:
    duel = Duel(open_page, server, "link=point")
    duel.page.mouse.move(*duel.at(1, 150, 120))
    for live in duel.live:
        expect(live).to_be_visible()
    duel.explorer.frame()
    codes = [encode(model.arrays, images.pixels, 1.0).mean for model in models]
    units = [(np.array(duel.z(k)) - codes[k].mean(0)) / codes[k].std(0) for k in (0, 1)]
    assert units[0] == pytest.approx(units[1], abs=0.02)
    for k in (0, 1):
        assert np.abs(painted(duel.live[k]) - decode(models[k], duel.z(k), 1.0)).mean() < 3  # two decimals of z
    duel.page.mouse.move(5, 700)
    for live in duel.live:
        expect(live).to_be_hidden()


def test_the_same_image_on_both_sides(
    open_page: Open, server: str, models: tuple[Checkpoint, Checkpoint], images: Images
) -> None:
    duel = Duel(open_page, server)
    duel.page.mouse.click(*duel.at(1, 180, 150))
    duel.explorer.until(lambda: duel.query.get("image", "0") != "0" and duel.query["side"] == "right")
    image = int(duel.query["image"])
    for k, model in enumerate(models):
        code, _ = posterior(model, images, image, 1.0)
        duel.explorer.until(lambda k=k: duel.live[k].is_hidden())  # type: ignore[misc]
        assert same(duel.exact(k), decode(model, code, 1.0))
        assert duel.z(k) == pytest.approx(tuple(code), abs=0.02)  # sent as float16
    original = duel.page.get_by_role("img", name=f"Original image {image}")
    assert (Explorer.pixels(original) == images.pixels[image]).all()


def test_the_weight_moves_the_vae_alone(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "image=5")
    before = [duel.z(k) for k in (0, 1)]
    duel.page.get_by_role("slider", name="KL weight").press("Home")
    duel.explorer.until(lambda: duel.query["beta"] == "0.001")
    assert duel.z(0) == before[0]
    assert duel.z(1) != before[1]


def test_the_same_draws_go_through_both(
    open_page: Open, server: str, models: tuple[Checkpoint, Checkpoint], images: Images
) -> None:
    duel = Duel(open_page, server, "seed=3&spaces=fitted,prior")
    noise = np.random.default_rng(3).standard_normal((64, 2)).astype(np.float32)
    codes = encode(models[0].arrays, images.pixels, 1.0).mean.astype(np.float64)
    values, vectors = np.linalg.eigh(np.cov(codes.T, ddof=0))
    fitted = codes.mean(0) + noise @ (vectors * np.sqrt(values) @ vectors.T)
    for k, points in enumerate((fitted, noise)):
        canvas = duel.page.locator(f".sample canvas.{SIDES[k]}")
        for index in (0, 9, 63):
            wanted = decode(models[k], points[index], 1.0)
            duel.explorer.until(lambda c=canvas, i=index, w=wanted: close(tile(painted(c), i, 28), w))  # type: ignore[misc]
    duel.page.get_by_role("button", name="Sample again").click()
    duel.explorer.until(lambda: duel.query["seed"] != "3")


def test_a_walk_is_shown_on_both_sides(
    open_page: Open, server: str, models: tuple[Checkpoint, Checkpoint], images: Images
) -> None:
    duel = Duel(open_page, server, "tab=path&ends=3,18")
    for k, model in enumerate(models):
        film = duel.page.locator(f".walk.{SIDES[k]}")
        ends = [posterior(model, images, image, 1.0)[0] for image in (3, 18)]
        for picture, share in ((11, 1.0), (5, 5 / 11), (0, 0.0)):
            wanted = decode(model, ends[0] + share * (ends[1] - ends[0]), 1.0)
            duel.explorer.until(lambda f=film, i=picture, w=wanted: close(tile(painted(f), i, 28, 12), w))  # type: ignore[misc]


def test_both_pages_keep_their_views(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "image=7&tab=path")
    duel.page.get_by_role("link", name="Explore").click()
    expect(duel.page.get_by_label("Latent map", exact=True)).to_be_visible(timeout=30_000)
    duel.page.get_by_role("link", name="Compare").click()
    expect(duel.maps[1]).to_be_visible(timeout=30_000)
    duel.explorer.until(lambda: duel.query.get("image") == "7" and duel.query.get("tab") == "path")


def test_a_phone_shows_both_maps(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, width=420, height=900)
    for each in (*duel.maps, *duel.images):
        expect(each).to_be_in_viewport(ratio=1)
    assert duel.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
