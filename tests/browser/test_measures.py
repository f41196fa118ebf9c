"""What can be measured on the map: its window, the axes' numbers, a posterior's ellipse; clicks are the ruler."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer
from tests.browser.oracle import NOTHING, posterior
from tests.browser.test_portrait import SVG, axes, save
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images

HALF = 0.3  # latent units from the middle to the edge of the window: an ellipse fills a good part of it
# What is painted, in px of the map: numbers with their place, and the last ellipse. The plot paints a copy first.
RECORD = """window.painted = { texts: [], ellipse: null };
const pen = CanvasRenderingContext2D.prototype, { fillText, ellipse } = pen;
pen.fillText = function (text, x, y) {
  if (!this.canvas.isConnected && /^\\u2212?[\\d.]+$/.test(text))
    painted.texts.push([text.replace("\\u2212", "-"), x, y, this.textAlign]);
  return fillText.apply(this, arguments);
};
pen.ellipse = function (x, y, rx, ry) {
  painted.ellipse = [x, y, rx, ry];
  return ellipse.apply(this, arguments);
};"""


def ruler(explorer: Explorer) -> Callable[[float, float], tuple[float, float]]:
    """Returns what turns px into latent units, by two clicks."""
    (x0, y0), (x1, y1) = explorer.pin(120, 60), explorer.pin(520, 360)
    return lambda x, y: (x0 + (x - 120) * (x1 - x0) / 400, y0 + (y - 60) * (y1 - y0) / 300)


def edges(explorer: Explorer) -> tuple[float, float, float, float]:
    """Returns the px where the plane begins and ends: beyond them no place answers the pointer."""

    def last(inside: float, outside: float, move: Callable[[float], None]) -> float:
        while abs(outside - inside) > 1:
            middle = round((inside + outside) / 2)
            move(middle)
            explorer.frame()
            inside, outside = (middle, outside) if explorer.readout.inner_text() else (inside, middle)
        return inside

    left, top = explorer.box
    box = explorer.map.bounding_box()
    assert box
    across = lambda x: explorer.page.mouse.move(left + x, top + 200)  # noqa: E731
    down = lambda y: explorer.page.mouse.move(left + 300, top + y)  # noqa: E731
    width, height = box["width"], box["height"]
    return last(300, 0, across), last(300, width, across), last(200, 0, down), last(200, height, down)


def window(explorer: Explorer) -> list[float]:
    """Returns the middle of what is seen, and half of its shorter side, in latent units."""
    measure = ruler(explorer)
    left, right, top, bottom = edges(explorer)
    (x0, y1), (x1, y0) = measure(left, top), measure(right, bottom)
    return [(x0 + x1) / 2, (y0 + y1) / 2, min(x1 - x0, y1 - y0) / 2]


def stated(explorer: Explorer) -> list[float]:
    return [float(value) for value in explorer.query["zoom"].split(",")]


def test_window_ticks_and_ellipse_are_where_clicks_find_them(
    open_page: Open, model: Checkpoint, images: Images
) -> None:
    mean, std = posterior(model, images, 3, 1.0)
    x, y = np.add(mean, (0.04, -0.07))
    explorer = open_page(f"{NOTHING}&image=3&zoom={x:.4f},{y:.4f},{HALF}", script=RECORD)
    explorer.page.get_by_role("button", name="Export").click()
    svg = ET.parse(save(explorer, "Map (SVG)")).getroot()
    explorer.page.get_by_role("button", name="Export").click()
    explorer.page.evaluate("painted.texts = []; dispatchEvent(new Event('resize'))")  # draws the map again
    explorer.frame()
    painted: dict[str, Any] = explorer.page.evaluate("painted")

    assert window(explorer) == pytest.approx([x, y, HALF], abs=0.004)
    measure = ruler(explorer)

    assert {align for *_, align in painted["texts"]} == {"center", "right"}
    numbers = np.array([[float(text), *measure(px, py)] for text, px, py, _ in painted["texts"]])
    below = np.array([align == "center" for *_, align in painted["texts"]])
    assert len(set(numbers[below, 0])) > 2 < len(set(numbers[~below, 0]))
    assert numbers[below, 1] == pytest.approx(numbers[below, 0], abs=0.003)
    assert numbers[~below, 2] == pytest.approx(numbers[~below, 0], abs=0.003)

    cx, cy, rx, ry = painted["ellipse"]
    assert measure(cx, cy) == pytest.approx(mean, abs=0.003)
    assert abs(std[0] / std[1] - 1) > 0.1, "a swap would be seen"
    assert np.subtract(measure(cx + rx, cy), measure(cx, cy))[0] == pytest.approx(std[0], rel=0.01)
    assert np.subtract(measure(cx, cy - ry), measure(cx, cy))[1] == pytest.approx(std[1], rel=0.01)

    drawn = [e.attrib for e in svg.iter(f"{SVG}ellipse")]  # one filled, and a bright outline below a dark one
    unit = np.abs(axes(svg)(np.ones((1, 2))) - axes(svg)(np.zeros((1, 2))))[0]
    radii = np.array([[float(each["rx"]), float(each["ry"])] for each in drawn]) / unit
    assert radii == pytest.approx(np.tile(std, (3, 1)), rel=0.01)

    explorer.map.hover(position={"x": 400, "y": 120})
    explorer.page.mouse.wheel(0, -300)
    explorer.until(lambda: stated(explorer)[2] < HALF)
    assert window(explorer) == pytest.approx(stated(explorer), abs=0.004)
