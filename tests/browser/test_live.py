"""The live map: hover, drag, keys, strip, path and sampling, with PyTorch as the oracle."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.conftest import Open
from tests.browser.oracle import NOTHING, close, decode, posterior, same
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images


def count_frames(page: Page) -> list[int]:
    """Returns a list that grows by the size of each message that a page opened from now on sends."""
    sent: list[int] = []

    def follow(socket: WebSocket) -> None:
        socket.on("framesent", lambda payload: sent.append(len(payload)))

    page.on("websocket", follow)
    return sent


def test_the_image_follows_the_pointer_and_leaving_brings_the_pin_back(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(f"{NOTHING}&z=0.5,0.5")
    pinned = explorer.alt
    expect(explorer.live).to_be_hidden()
    for x, y in ((200, 150), (420, 150), (300, 330)):
        z = explorer.hover(x, y)
        expect(explorer.live).to_be_visible()
        assert close(explorer.live_pixels(), decode(model, z, 1.0))
    explorer.leave()
    expect(explorer.live).to_be_hidden()
    assert explorer.alt == pinned
    assert same(explorer.pixels(explorer.decoded), decode(model, (0.5, 0.5), 1.0))


def test_hovering_and_dragging_send_nothing(open_page: Open) -> None:
    explorer = open_page(NOTHING)
    sent = count_frames(explorer.page)
    explorer.page.reload()
    expect(explorer.decoded).to_be_visible()
    explorer.page.wait_for_timeout(1500)
    assert sent, "the messages of the page's start are counted"
    before = len(sent)
    for k in range(20):
        explorer.hover(150 + 10 * k, 150 + 7 * k)
    left, width, y = explorer.grab_weight()
    for k in range(20):
        explorer.page.mouse.move(left + width * (0.7 - 0.03 * k), y)
    explorer.page.wait_for_timeout(400)
    assert len(sent) == before
    explorer.page.mouse.up()
    explorer.until(lambda: len(sent) > before)


def test_a_drag_moves_codes_and_image_before_it_is_let_go(open_page: Open, model: Checkpoint, images: Images) -> None:
    explorer = open_page("image=5&layers=none")
    before, image = explorer.drawn(), explorer.alt
    left, width, y = explorer.grab_weight()
    for share in (0.6, 0.4, 0.2):
        explorer.page.mouse.move(left + width * share, y)
        explorer.frame()
        beta = float(explorer.weight.get_attribute("aria-valuetext") or "nan")
        assert close(explorer.live_pixels(), decode(model, posterior(model, images, 5, beta)[0], beta))
    assert (explorer.drawn() != before).any(axis=-1).mean() > 0.01
    assert explorer.alt == image, "Python has not been asked"
    explorer.page.mouse.up()
    explorer.until(lambda: float(explorer.query["beta"]) < 0.02)
    beta = float(explorer.query["beta"])
    expect(explorer.live).to_be_hidden()
    assert same(explorer.pixels(explorer.decoded), decode(model, posterior(model, images, 5, beta)[0], beta))


def test_play_sweeps_and_stop_asks_python(open_page: Open) -> None:
    explorer = open_page()
    play = explorer.page.get_by_role("button", name=re.compile("the sweep of the KL weight"))
    play.click()
    seen = set()
    for _ in range(8):
        explorer.page.wait_for_timeout(100)
        seen.add(explorer.weight.get_attribute("aria-valuetext"))
    assert len(seen) > 5
    assert explorer.query["beta"] == "1"
    play.click()
    explorer.until(lambda: explorer.query["beta"] != "1")
    expect(play).to_have_accessible_name("Play the sweep of the KL weight")


def test_a_sweep_goes_by_decades_where_motion_is_not_wanted(open_page: Open) -> None:
    explorer = open_page()
    explorer.page.emulate_media(reduced_motion="reduce")
    explorer.page.get_by_role("button", name="Play the sweep of the KL weight").click()
    seen = set()
    for _ in range(20):
        explorer.page.wait_for_timeout(100)
        seen.add(explorer.weight.get_attribute("aria-valuetext"))
    assert seen <= {"0.001", "0.01", "0.1", "1.0", "10"}
    assert len(seen) > 1


def test_brackets_change_the_weight_and_enter_pins(open_page: Open) -> None:
    explorer = open_page("z=0.5,0.5")
    explorer.map.focus()
    explorer.map.press("[")
    explorer.until(lambda: float(explorer.query["beta"]) < 1)
    explorer.map.press("]")
    explorer.until(lambda: explorer.query["beta"] == "1")
    assert "pins" not in explorer.query
    explorer.map.press("Enter")
    explorer.until(lambda: explorer.query.get("pins") == "0.5,0.5")


def test_everything_is_reached_with_tab_and_has_a_name(open_page: Open, images: Images) -> None:
    explorer = open_page("pins=1;2&tab=path")
    pin = f"Pin 1: {images.names[images.labels[1]]}, image 1"
    expect(explorer.strip.get_by_role("button", name=pin)).to_be_visible()
    reached = set()
    for _ in range(60):
        explorer.page.keyboard.press("Tab")
        reached.add(
            explorer.page.evaluate(
                """() => { let at = document.activeElement;
                while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
                return at.getAttribute("aria-label") || at.textContent.trim(); }"""
            )
        )
    wanted = {"Latent map", "KL weight", "Play the sweep of the KL weight", "Atlas", "Magnification", pin}
    assert wanted | {"Remove pin 2", "Straight", "Play the path", "Path", "3"} <= reached


# The strip -------------------------------------------------------------------------------------


def test_clicks_fill_the_strip_and_pins_can_be_removed_and_moved(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(NOTHING)
    places = [explorer.pin(150 + 90 * k, 150) for k in range(3)]
    names = [f"{x:g},{y:g}" for x, y in places]
    explorer.until(lambda: explorer.query.get("pins", "").split(";") == names)
    pins = explorer.strip.locator("img")
    expect(pins).to_have_count(3)
    explorer.until(lambda: bool(pins.nth(2).get_attribute("src")))
    assert same(explorer.pixels(pins.nth(1)), decode(model, places[1], 1.0))
    boxes = [pins.nth(k).bounding_box() for k in range(3)]
    assert boxes[0]
    assert boxes[2]
    y = boxes[0]["y"] + 20
    explorer.page.mouse.move(boxes[0]["x"] + 20, y)
    explorer.page.mouse.down()
    explorer.page.mouse.move(boxes[2]["x"] + 20, y, steps=5)
    explorer.page.mouse.up()
    explorer.until(lambda: explorer.query["pins"].split(";") == [names[1], names[2], names[0]])
    explorer.strip.get_by_role("button", name="Remove pin 2").click()
    explorer.until(lambda: explorer.query["pins"].split(";") == [names[1], names[0]])
    pin = explorer.strip.get_by_role("button", name="Pin 1:")
    pin.focus()
    pin.press("Alt+ArrowRight")
    explorer.until(lambda: explorer.query["pins"].split(";") == names[:2])
    explorer.strip.get_by_role("button", name="Pin 1:").click()
    explorer.until(lambda: explorer.query["z"] == names[0])


def test_two_pins_are_compared_by_pytorchs_images(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page("z=1,1&pins=1,1;-1,-0.5&tab=compare")
    explorer.strip.get_by_role("button", name="Pin 2:").click()
    explorer.until(lambda: explorer.query.get("other") == "1")
    one, other = (np.rint(decode(model, z, 1.0)) for z in ((1.0, 1.0), (-1.0, -0.5)))
    words = f"Difference, mean {np.abs(one - other).mean():.1f} of 255"
    expect(explorer.page.get_by_role("img", name=words)).to_be_visible()
    assert explorer.query["z"] == "1,1"


def test_the_path_runs_through_the_pins(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(f"{NOTHING}&layers=none&pins=2,0;0,2&tab=path")
    film = explorer.page.get_by_role("img", name="Film strip")

    def frames() -> list[NDArray[Any]]:
        explorer.page.wait_for_timeout(500)
        values = film.evaluate(
            """c => [c.width, c.height, [...c.getContext("2d").getImageData(0, 0, c.width, c.height).data]]"""
        )
        return np.split(np.array(values[2], np.uint8).reshape(values[1], values[0], 4)[..., 0], 12, axis=1)

    straight = frames()
    assert close(straight[0], decode(model, (2.0, 0.0), 1.0))
    assert close(straight[-1], decode(model, (0.0, 2.0), 1.0))
    before = explorer.drawn()
    explorer.page.get_by_role("button", name="Around the origin (slerp)").click()
    explorer.until(lambda: explorer.query.get("path") == "slerp")
    turned = frames()
    # Twelve pictures along 48 steps: the sixth lies at step 22, an angle of 41.25 degrees.
    angle = np.pi / 2 * 22 / 48
    assert close(turned[5], decode(model, (2 * np.cos(angle), 2 * np.sin(angle)), 1.0))
    assert (explorer.drawn() != before).any()
    explorer.page.get_by_role("button", name="Play the path").click()
    expect(explorer.live).to_be_visible()
    explorer.page.get_by_role("button", name="Stop the path").click()
    expect(explorer.live).to_be_hidden()
    explorer.page.get_by_role("button", name="Export").click()
    with explorer.page.expect_download() as download:
        explorer.page.get_by_role("button", name="Path (GIF)").click()
    gif = Image.open(io.BytesIO(download.value.path().read_bytes()))
    assert getattr(gif, "n_frames", 1) > 24


def test_a_draw_is_mean_plus_std_times_epsilon(open_page: Open, model: Checkpoint, images: Images) -> None:
    explorer = open_page("image=3&tab=posterior")
    mean, std = posterior(model, images, 3, 1.0)
    drawn = []
    for button in ("Sample", "Resample", "Resample"):
        before = explorer.query.get("noise")
        explorer.page.get_by_role("button", name=button, exact=True).click()
        explorer.until(lambda before=before: explorer.query.get("noise") not in (None, before))  # type: ignore[misc]
        noise = np.array([*map(float, explorer.query["noise"].split(","))])
        z = mean + std * noise.astype(np.float32)
        explorer.until(lambda z=z: explorer.coordinates == pytest.approx(tuple(z), abs=0.0051))  # type: ignore[misc]
        assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
        drawn.append(tuple(noise))
    assert len(set(drawn)) == 3
    explorer.page.get_by_role("button", name="Mean", exact=True).click()
    explorer.until(lambda: "noise" not in explorer.query)
    explorer.until(lambda: explorer.coordinates == pytest.approx(tuple(mean), abs=0.0051))


@pytest.mark.parametrize("layer", ["Atlas", "Density", "Prior", "Class contours", "Posteriors", "Magnification"])
def test_each_layer_draws_something(open_page: Open, layer: str) -> None:
    explorer = open_page("layers=none")
    explorer.page.wait_for_timeout(300)
    before = explorer.drawn()
    explorer.page.get_by_role("button", name=layer).click()
    explorer.until(lambda: (explorer.drawn() != before).any(axis=-1).mean() > 0.005)


def test_the_curve_follows_the_slider(open_page: Open) -> None:
    explorer = open_page()
    chart = explorer.page.locator(".rd")
    expect(chart).to_be_visible()
    before = chart.inner_text()
    left, width, y = explorer.grab_weight()
    explorer.page.mouse.move(left + 0.95 * width, y)
    explorer.frame()
    assert chart.inner_text() != before
    explorer.page.mouse.up()


# Fingers ---------------------------------------------------------------------------------------


Point = tuple[float, float]


def test_one_finger_hovers_and_two_pinch(open_page: Open) -> None:
    explorer = open_page(f"{NOTHING}&z=0,0", width=420, height=900, touch=True)
    session = explorer.page.context.new_cdp_session(explorer.page)
    x, y = explorer.box

    def touch(kind: str, *points: Point) -> None:
        fingers = [{"x": x + dx, "y": y + dy, "id": k} for k, (dx, dy) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": fingers})

    def pinch() -> float:
        before = explorer.query.get("zoom")
        touch("touchStart", (150, 150), (200, 150))
        for k in range(1, 6):
            touch("touchMove", (150 - 8 * k, 150), (200 + 8 * k, 150))
        touch("touchEnd")
        explorer.until(lambda: explorer.query.get("zoom") not in (None, before))
        return float(explorer.query["zoom"].split(",")[2])

    touch("touchStart", (100, 100))
    touch("touchMove", (180, 160))
    expect(explorer.live).to_be_visible()
    assert explorer.readout.inner_text() != ""
    touch("touchEnd")
    expect(explorer.live).to_be_hidden()
    explorer.page.wait_for_timeout(500)
    assert "zoom" not in explorer.query, "one finger does not pan"
    first = pinch()
    assert pinch() == pytest.approx(first * 50 / 130, rel=0.1)


def test_map_image_and_slider_fit_a_phone(open_page: Open) -> None:
    explorer = open_page(width=420, height=900)
    for part in (explorer.map, explorer.decoded, explorer.weight):
        expect(part).to_be_in_viewport(ratio=1)
    assert explorer.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
