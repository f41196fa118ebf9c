"""What goes wrong in a lecture: haste, a lost connection, late answers, other windows, no WebGL."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import WebSocketRoute, expect

from tests.browser.conftest import Open, Serve
from tests.browser.oracle import MODEL, NOTHING, close, decode, same
from vae_explorer.checkpoints.checkpoints import Checkpoint


class Line:
    """The connection between page and server, which can be slow, or cut."""

    def __init__(self) -> None:
        self.held: list[tuple[WebSocketRoute, str | bytes]] | None = None
        self.routes: list[WebSocketRoute] = []

    def route(self, page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        self.routes.append(page)
        server.on_message(lambda message: self.deliver(page, message))

    def deliver(self, page: WebSocketRoute, message: str | bytes) -> None:
        if self.held is None:
            page.send(message)
        else:
            self.held.append((page, message))

    def hold(self) -> None:
        """Keeps what the server says, until it is released."""
        self.held = []

    def take(self) -> list[tuple[WebSocketRoute, str | bytes]]:
        """Returns what was kept so far, and keeps on keeping."""
        held, self.held = self.held or [], []
        return held

    def release(self) -> None:
        held, self.held = self.held or [], None
        for page, message in held:
            page.send(message)

    def cut(self) -> None:
        self.routes[-1].close(code=4000)


def test_fifty_visits_leave_nothing_behind(open_page: Open) -> None:
    explorer = open_page(NOTHING)
    listeners = explorer.listeners()

    explorer.hover(200, 200)
    explorer.leave()
    before = listeners()
    left, top = explorer.box
    for k in range(50):
        explorer.page.mouse.move(left + 150 + k, top + 150)
        explorer.frame()
        explorer.leave()
    expect(explorer.live).to_be_hidden()
    assert listeners() <= before + 2


def test_models_come_and_go_and_take_their_listeners_along(open_page: Open) -> None:
    explorer = open_page(f"model={MODEL}")
    listeners = explorer.listeners()

    def choose(name: str) -> None:
        explorer.page.get_by_role("combobox", name="Model").click()
        explorer.page.get_by_role("option", name=name).click()
        explorer.until(lambda: explorer.query["model"] == name)
        expect(explorer.map).to_have_count(1)
        explorer.page.wait_for_timeout(500)

    choose("digits-vae-2d")
    choose(MODEL)
    before = listeners()
    for _ in range(4):
        choose("digits-vae-2d")
        choose(MODEL)
    assert listeners() <= 1.1 * before, "a map that is gone listens no more"


def test_switching_models_in_the_middle_of_a_drag(open_page: Open) -> None:
    explorer = open_page("image=3")
    left, width, y = explorer.grab_weight()
    explorer.page.mouse.move(left + 0.5 * width, y)
    explorer.page.get_by_role("combobox", name="Model").focus()
    explorer.page.keyboard.type("digits-vae")
    explorer.page.keyboard.press("Enter")
    explorer.page.mouse.move(left + 0.3 * width, y)
    explorer.page.mouse.up()
    explorer.until(lambda: explorer.query["model"] == "digits-vae-2d")
    assert explorer.query["beta"] == "0.1"  # where the drag stood; what came after it was no longer one
    expect(explorer.map).to_have_count(1)
    explorer.until(lambda: explorer.pixels(explorer.decoded).shape == (8, 8))
    expect(explorer.live).to_be_hidden()


def test_a_late_answer_never_replaces_a_newer_one(open_page: Open, model: Checkpoint) -> None:
    line = Line()
    explorer = open_page(f"{NOTHING}&z=0,0", line=line.route)
    line.hold()
    explorer.click(200, 150)
    explorer.until(lambda: bool(line.held))
    explorer.page.wait_for_timeout(500)
    late = line.take()
    explorer.click(400, 330)
    explorer.hover(401, 330)
    z = explorer.hover(400, 330)
    for page, message in late:
        page.send(message)
    for _ in range(6):
        explorer.page.wait_for_timeout(100)
        shown = explorer.live_pixels() if explorer.live.is_visible() else explorer.pixels(explorer.decoded)
        assert close(shown, decode(model, z, 1.0)), "the first click's image came back"
    line.release()
    explorer.until(lambda: explorer.live.is_hidden())
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))


def test_a_lost_connection_and_its_return(open_page: Open, model: Checkpoint) -> None:
    line = Line()
    explorer = open_page(f"{NOTHING}&z=0,0", line=line.route)
    first = explorer.pin(200, 150)
    connections = len(line.routes)
    line.cut()
    z = explorer.hover(300, 300)
    assert close(explorer.live_pixels(), decode(model, z, 1.0)), "hovering needs no server"
    explorer.click(300, 300)
    assert close(explorer.live_pixels(), decode(model, z, 1.0)), "a click shows its image at once"
    explorer.until(lambda: len(line.routes) > connections, seconds=30)
    explorer.until(lambda: explorer.alt.startswith(f"Decoded image at z = ({z[0]:.2f}, {z[1]:.2f})"), seconds=30)
    explorer.until(lambda: explorer.live.is_hidden())
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
    explorer.until(lambda: explorer.query["pins"] == ";".join(f"{x:g},{y:g}" for x, y in (first, z)))
    assert explorer.pin(420, 200) != z


def test_two_maps_on_one_page_keep_apart(open_page: Open, serve: Serve) -> None:
    explorer = open_page(address=serve("tests/browser/two_maps.py"), wait=False, live=False)
    page = explorer.page
    maps, images = page.get_by_label("Latent map"), page.locator(".decoded img")
    expect(maps).to_have_count(2, timeout=30_000)
    for k in (0, 1):
        expect(images.nth(k)).to_have_attribute("alt", re.compile("^Decoded image at z"), timeout=30_000)
    before = [images.nth(k).get_attribute("alt") for k in (0, 1)]
    maps.nth(0).scroll_into_view_if_needed()
    box = maps.nth(0).bounding_box()
    assert box
    page.mouse.click(box["x"] + 150, box["y"] + 150)
    explorer.until(lambda: images.nth(0).get_attribute("alt") != before[0])
    assert images.nth(1).get_attribute("alt") == before[1]
    page.mouse.move(box["x"] + 200, box["y"] + 200)
    expect(page.locator(".decoded canvas").nth(0)).to_be_visible()
    expect(page.locator(".decoded canvas").nth(1)).to_be_hidden()


def test_another_window_size_keeps_the_view(open_page: Open) -> None:
    explorer = open_page(f"{NOTHING}&zoom=0.5,-1,1.5&layers=none")
    explorer.page.set_viewport_size({"width": 1600, "height": 900})
    explorer.page.wait_for_timeout(400)
    assert explorer.query["zoom"] == "0.5,-1,1.5"
    box = explorer.map.bounding_box()
    assert box
    wide = explorer.drawn()
    assert wide.shape[1] == pytest.approx(box["width"], abs=1)
    assert (wide != wide[0, 0]).any(axis=-1).mean() > 0.005, "drawn again at its new size"
    explorer.page.set_viewport_size({"width": 1280, "height": 720})
    explorer.page.wait_for_timeout(400)
    assert explorer.query["zoom"] == "0.5,-1,1.5"


def test_nothing_needs_webgl(open_page: Open, model: Checkpoint) -> None:
    without = """const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return /webgl|gpu/.test(kind) ? null : get.call(this, kind, ...rest); };"""
    explorer = open_page(f"{NOTHING}&layers=atlas,density,posteriors", script=without)
    z = explorer.hover(300, 200)
    assert close(explorer.live_pixels(), decode(model, z, 1.0))
    explorer.until(lambda: bool(np.ptp(explorer.drawn()) > 100))


def test_haste(open_page: Open) -> None:
    """Clicks, keys, switches and weights faster than the server answers; the last of each counts."""
    explorer = open_page(NOTHING)
    actions: list[Callable[[], None]] = [
        lambda: explorer.click(200, 200),
        lambda: explorer.weight.press("ArrowRight"),
        lambda: explorer.page.get_by_role("button", name="Atlas").click(),
        lambda: explorer.map.press("ArrowLeft"),
    ]
    for k in range(24):
        actions[k % 4]()
    explorer.click(330, 210)
    z = explorer.hover(331, 210)
    z = explorer.hover(330, 210)
    deadline = time.monotonic() + 15
    while explorer.query.get("z") != f"{z[0]:g},{z[1]:g}" and time.monotonic() < deadline:
        explorer.page.wait_for_timeout(50)
    explorer.until(lambda: explorer.coordinates == (round(z[0], 2), round(z[1], 2)))
    weight = float(explorer.weight.get_attribute("aria-valuetext") or "nan")
    assert float(explorer.query["beta"]) == pytest.approx(weight, rel=0.01)
    assert weight > 1
    assert "atlas" not in explorer.query["layers"]


def test_a_click_needs_no_rerun(open_page: Open, model: Checkpoint) -> None:
    line = Line()
    explorer = open_page(f"{NOTHING}&z=0,0", line=line.route)
    line.hold()  # whatever Streamlit says comes later
    z = explorer.hover(200, 150)
    explorer.click(200, 150)
    explorer.until(lambda: explorer.alt.startswith(f"Decoded image at z = ({z[0]:.2f}, {z[1]:.2f})"))
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
    assert explorer.query["z"] == "0,0"
    line.release()
    explorer.until(lambda: explorer.query["z"] == ",".join(f"{value:.6g}" for value in z))


def test_a_server_that_has_only_streamlits_routes_answers_all_the_same(open_page: Open, model: Checkpoint) -> None:
    explorer = open_page(f"{NOTHING}&z=0,0")
    explorer.page.route("**/answer?*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    z = explorer.pin(200, 150)
    assert same(explorer.pixels(explorer.decoded), decode(model, z, 1.0))
