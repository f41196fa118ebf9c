"""What a user does on the Explore page, with PyTorch as the oracle for every image and number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Open
from tests.browser.oracle import MODEL, NOTHING, decode, posterior, same
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.figures import theme


def test_opens_on_the_first_model_with_everything_on_one_screen(open_page: Open) -> None:
    explorer = open_page()
    assert explorer.query["model"] == MODEL
    for part in (explorer.map, explorer.decoded, explorer.original, explorer.weight):
        expect(part).to_be_in_viewport(ratio=1)
    cut = "all => all.filter(part => part.scrollWidth > part.clientWidth + 1).map(part => part.textContent)"
    words = explorer.page.locator("button:visible *")
    assert words.count() > 0
    assert words.evaluate_all(cut) == []  # *Download all* is there where the data set is a sample


def test_a_click_on_the_plane_decodes_exactly_that_point(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(NOTHING)
    first, right, below = (explorer.pin(*at) for at in ((150, 90), (450, 90), (150, 390)))
    assert right[0] > first[0]
    assert below[1] < first[1]
    # One scale on both axes; a pixel of 4 / 400 units cannot say it finer.
    assert right[0] - first[0] == pytest.approx(first[1] - below[1], abs=0.03)
    assert explorer.coordinates == pytest.approx(below, abs=0.0051)
    assert same(explorer.pixels(explorer.decoded), decode(model, below, 1.0))
    expect(explorer.original).to_have_count(0)


def test_a_click_on_a_point_shows_its_image_and_numbers(
    open_page: Open, model: Checkpoint, images: data.Images
) -> None:
    z, _ = posterior(model, images, 3, 1.0)
    explorer = open_page(f"{NOTHING}&zoom={z[0]:.5f},{z[1]:.5f},0.05")
    x, y = explorer.pixel((float(z[0]), float(z[1])))
    explorer.page.get_by_role("button", name="Show all").click()
    explorer.until(lambda: "hide" not in explorer.query)
    explorer.click(x, y)
    explorer.until(lambda: explorer.query.get("image") == "3")
    assert (explorer.pixels(explorer.original) == images.pixels[3]).all()
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
    with torch.inference_mode():
        q = model.model.posterior(torch.from_numpy(images.pixels[3:4]).float() / 255, torch.tensor([1.0]))
        mean, std = q.mean[0], q.stddev[0]
    rate = float((0.5 * (mean**2 + std**2 - 1) - std.log()).sum())  # KL of a Gaussian, by hand
    terms = explorer.page.locator(".terms").inner_text().replace("\n", " ")
    explorer.open_tab("Posterior")
    assert f"Rate {rate:.1f}" in terms
    assert f"{std[0]:.3f}" in explorer.page.get_by_role("row", name="std").inner_text()


def test_the_weight_changes_codes_and_image(open_page: Open, model: Checkpoint, images: data.Images) -> None:
    explorer = open_page("image=5")
    before = explorer.drawn()
    explorer.set_weight("Home")
    assert explorer.weight.get_attribute("aria-valuetext") == "0.001"
    assert explorer.query["beta"] == "0.001"
    z, _ = posterior(model, images, 5, 0.001)
    assert explorer.coordinates == pytest.approx(z, abs=0.0051)
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 0.001))
    explorer.page.wait_for_timeout(300)
    moved = (explorer.drawn() != before).any(axis=-1).mean()
    assert moved > 0.01
    explorer.set_weight("End")
    assert explorer.query["beta"] == "10"
    z, _ = posterior(model, images, 5, 10.0)
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 10.0))


def test_zoom_stays_over_a_click_a_weight_and_a_layer(open_page: Open) -> None:
    explorer = open_page(NOTHING)
    home = explorer.pin(300, 200), explorer.pin(400, 200)
    box = explorer.map.bounding_box()
    assert box
    explorer.page.mouse.move(box["x"] + 300, box["y"] + 200)
    explorer.page.mouse.wheel(0, -600)
    explorer.until(lambda: "zoom" in explorer.query)
    zoom = explorer.query["zoom"]
    near = explorer.pin(300, 200)
    assert near == pytest.approx(home[0], abs=0.02), "zoom keeps the place under the pointer"
    explorer.set_weight("ArrowLeft")
    explorer.page.get_by_role("button", name="Atlas").click()
    explorer.until(lambda: "atlas" in explorer.query["layers"])
    after = explorer.pin(400, 200)
    assert explorer.query["zoom"] == zoom
    assert 0 < after[0] - near[0] < 0.8 * (home[1][0] - home[0][0])
    explorer.page.mouse.dblclick(box["x"] + 200, box["y"] + 300)
    explorer.until(lambda: explorer.query["zoom"] != zoom)
    explorer.page.wait_for_timeout(400)
    assert explorer.pin(300, 200) == home[0]


def test_dragging_pans(open_page: Open) -> None:
    explorer = open_page(NOTHING)
    before = explorer.pin(300, 200)
    box = explorer.map.bounding_box()
    assert box
    mouse = explorer.page.mouse
    mouse.move(box["x"] + 300, box["y"] + 200)
    mouse.down()
    mouse.move(box["x"] + 350, box["y"] + 240, steps=4)
    mouse.up()
    explorer.until(lambda: "zoom" in explorer.query)
    explorer.pin(200, 100)
    assert explorer.pin(350, 240) == pytest.approx(before, abs=0.03)


def test_a_finger_pins(open_page: Open) -> None:
    explorer = open_page(NOTHING, width=420, height=900, touch=True)
    box = explorer.map.bounding_box()
    assert box
    explorer.page.touchscreen.tap(box["x"] + 200, box["y"] + 150)
    explorer.until(lambda: "z" in explorer.query)
    assert explorer.coordinates == pytest.approx(tuple(map(float, explorer.query["z"].split(","))), abs=0.0051)


def test_keys_move_the_point(open_page: Open) -> None:
    explorer = open_page("z=0.5,0.5")
    explorer.map.focus()
    explorer.map.press("ArrowRight")
    explorer.map.press("Enter")
    explorer.until(lambda: explorer.query["z"] != "0.5,0.5")
    x, y = map(float, explorer.query["z"].split(","))
    explorer.map.press("Shift+ArrowRight")
    explorer.map.press("Enter")
    explorer.until(lambda: explorer.query["z"] != f"{x:g},{y:g}")
    far, still = map(float, explorer.query["z"].split(","))
    assert y == still == 0.5
    assert far - x == pytest.approx(10 * (x - 0.5), abs=0.06)
    explorer.map.press("+")
    explorer.until(lambda: "zoom" in explorer.query)


def test_the_legend_filters(open_page: Open) -> None:
    explorer = open_page("layers=none")
    blue, olive = (np.array([int(colour[k : k + 2], 16) for k in (1, 3, 5)]) for colour in theme.CLASSES[:2])

    def drawn(colour: NDArray[Any]) -> bool:
        return bool((np.abs(explorer.drawn().astype(int) - colour).max(axis=-1) < 3).any())

    explorer.until(lambda: drawn(blue) and drawn(olive))
    explorer.page.get_by_role("button", name="0", exact=True).click()
    explorer.until(lambda: explorer.query.get("hide") == "0")
    assert drawn(olive)
    assert not drawn(blue)
    explorer.page.get_by_role("button", name="0", exact=True).dblclick()
    explorer.until(lambda: explorer.query.get("hide") == "1,2,3,4,5,6,7,8,9")
    assert drawn(blue)
    assert not drawn(olive)
    explorer.page.get_by_role("button", name="Show all").click()
    explorer.until(lambda: "hide" not in explorer.query)


def test_a_link_opens_the_same_view(open_page: Open) -> None:
    explorer = open_page(f"model={MODEL}&beta=0.1&z=0.52,-1.2&hide=3,4&layers=atlas,prior&zoom=0.5,-1,1.5")
    again = open_page(explorer.page.url.split("?")[1])
    assert again.query == explorer.query
    assert explorer.query["z"] == "0.52,-1.2"
    assert again.alt == explorer.alt
    assert again.coordinates == (0.52, -1.2)
    for one in (explorer, again):
        one.until(lambda one=one: bool((one.drawn() != 255).mean() > 0.2))  # type: ignore[misc]
        one.page.wait_for_timeout(300)
    assert (explorer.drawn() == again.drawn()).all()


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("model=nope", "There is no model “nope” here. Shown instead: mnist-vae-2d."),
        ("beta=nan", "beta = nan is not a number from 0.001 to 10. Shown instead: beta = 1."),
        ("beta=1e9", "beta = 1e9 is not a number from 0.001 to 10. Shown instead: beta = 1."),
        ("z=abc", "z = abc is not a list of numbers. Shown instead: image 0."),
        ("z=1,2,3", "z = 1,2,3 has 3 axes where mnist-vae-2d has 2. Shown instead: image 0."),
        ("z=500,0", "z = 500,0 lies outside the plane"),
        ("model=mnist-ae-2d&beta=2", "mnist-ae-2d has no KL weight to set, so beta = 2 means nothing."),
    ],
)
def test_a_bad_link_says_what_is_wrong(open_page: Open, query: str, says: str) -> None:
    explorer = open_page(query)
    expect(explorer.page.get_by_role("alert")).to_contain_text(says)
    expect(explorer.page.get_by_test_id("stException")).to_have_count(0)


def test_two_sessions_do_not_see_each_other(open_page: Open) -> None:
    one, other = open_page(f"{NOTHING}"), open_page("model=digits-ae-2d&image=4")
    one.pin(300, 200)
    one.set_weight("Home")
    assert other.query["model"] == "digits-ae-2d"
    assert other.query["image"] == "4"
    before = one.query
    other.click(200, 200)
    other.until(lambda: other.query.get("image") != "4")
    expect(other.weight).to_have_count(0)
    one.page.wait_for_timeout(300)
    assert one.query == before


def test_the_model_picker_begins_a_new_view(open_page: Open) -> None:
    explorer = open_page("beta=0.1&image=7&zoom=0,0,1")
    for name in ("digits-vae-2d", "circles-ae-2d", MODEL):
        explorer.page.get_by_role("combobox", name="Model").click()
        explorer.page.get_by_role("option", name=name).click()
        explorer.until(lambda name=name: explorer.query["model"] == name)  # type: ignore[misc]
        assert "zoom" not in explorer.query
        assert explorer.query["image"] == "0"
    assert explorer.query["beta"] == "1"


def test_light_and_dark(open_page: Open) -> None:
    light, dark = (open_page("layers=atlas", scheme=scheme) for scheme in ("light", "dark"))
    for explorer in (light, dark):
        explorer.page.wait_for_timeout(500)
    assert np.median(light.drawn()) > 200 > 60 > np.median(dark.drawn())


def test_a_phone_scrolls_down_to_the_image(open_page: Open) -> None:
    explorer = open_page(width=420, height=900)
    explorer.decoded.scroll_into_view_if_needed()
    expect(explorer.decoded).to_be_in_viewport()
    assert explorer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_codes_can_be_taken_away(open_page: Open) -> None:
    explorer = open_page("model=digits-vae-2d")
    explorer.page.get_by_role("button", name="Export").click()
    with explorer.page.expect_download() as download:
        explorer.page.get_by_role("button", name="Codes (CSV)").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "image,class,mean_1,mean_2,std_1,std_2,part"
    assert len(lines) == 301
    vae, digits = checkpoints.load(checkpoints.find("digits-vae-2d")), data.load("digits", "test")
    with torch.inference_mode():
        q = vae.model.posterior(torch.from_numpy(digits.pixels).float() / 255, torch.ones(300))
    rows = np.array([line.split(",")[2:6] for line in lines[1:]], float)
    assert rows[:, :2] == pytest.approx(q.mean.numpy(), abs=1e-4)
    assert rows[:, 2:] == pytest.approx(q.stddev.numpy(), rel=1e-4)


def test_the_map_can_be_taken_away_and_opens_without_the_app(open_page: Open, browser: Browser, tmp_path: Path) -> None:
    explorer = open_page("model=digits-vae-2d")
    explorer.page.get_by_role("button", name="Export").click()
    with explorer.page.expect_download() as download:
        explorer.page.get_by_role("button", name="Map, interactive (HTML)").click()
    offline = browser.new_context(offline=True)
    page = offline.new_page()
    download.value.save_as(tmp_path / "map.html")
    page.goto((tmp_path / "map.html").as_uri())
    expect(page.locator(".plotly .legend .traces")).to_have_count(10)
    offline.close()
