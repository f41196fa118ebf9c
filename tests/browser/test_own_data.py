"""Own data in a real browser: from a zip on the disk to a click on the new model's map."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer, painted
from tests.browser.oracle import close
from tests.browser.test_drawing import DROP, Drawing
from tests.browser.test_train import opened, pause_and_resume
from tests.test_own_data import png, zipped


def discs(count: int) -> dict[str, bytes]:
    """Red and blue discs on black, 16 x 16, a folder each."""
    random = np.random.default_rng(0)
    at = np.arange(16)
    files = {}
    for k in range(count):
        x, y, radius = random.uniform((5, 5, 2), (11, 11, 5))
        inside = (at - x) ** 2 + (at[:, None] - y) ** 2 < radius**2
        image = np.zeros((16, 16, 3), np.uint8)
        image[inside] = (230, 40, 30) if k % 2 else (30, 60, 230)
        files[f"discs/{('blue', 'red')[k % 2]}/{k}.png"] = png(image)
    return files


def test_a_zip_is_uploaded_trained_paused_resumed_and_its_map_clicked(
    browser: Browser, server: str, tmp_path: Path, open_page: Open
) -> None:
    path = tmp_path / "browser-test-discs.zip"
    path.write_bytes(zipped({**discs(400), "discs/red/broken.png": b"no image"}))
    errors: list[str] = []
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{server}/data")
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("400 images")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("2 classes: blue: 200, red: 200")).to_be_visible()
    expect(page.get_by_text("1 left out")).to_be_visible()
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_text("browser-test-discs is added")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="Train", exact=True).first.click()

    epochs = page.get_by_label("Epochs")
    expect(epochs).to_be_visible(timeout=20_000)
    epochs.fill("3000")
    epochs.press("Enter")
    name = page.get_by_label("Name", exact=True)
    expect(name).to_have_value(re.compile("browser-test-discs"))
    name.fill("discs")
    name.press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    state = page.locator(".aside", has_text="epoch")
    expect(state).to_contain_text(re.compile(r"training · epoch ([2-9]|\d\d)"), timeout=30_000)
    pause_and_resume(page, state, state)
    epoch = page.locator(".scrub .epoch")
    before = epoch.inner_text()
    expect(epoch).not_to_have_text(before, timeout=30_000)
    page.get_by_role("button", name="Stop", exact=True).first.click()
    expect(state).to_contain_text("stopped", timeout=5_000)
    page.close()
    assert not errors

    explorer = open_page("model=discs")
    assert "browser-test-discs, your own: 400 images of 16 x 16 in colour" in explorer.page.content()
    _compare_canvas_with_pytorch(explorer)
    _drop_a_coloured_picture(explorer)

    page = opened(browser, server, errors, "?job=discs")
    page.goto(f"{server}/data")  # not by the link: the page left behind has a button to delete, too
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("button", name="Delete browser-test-discs").click()
    expect(page.get_by_text("None yet")).to_be_visible(timeout=10_000)
    page.close()
    assert not errors


def _compare_canvas_with_pytorch(explorer: Explorer) -> None:
    """Hovers where the browser decodes, then clicks there and PyTorch answers: the same, and in colour."""
    explorer.hover(200, 200)
    expect(explorer.live).to_be_visible()
    hovered = explorer.live_pixels(channels=3)
    explorer.pin(200, 200)
    expect(explorer.live).to_be_hidden()  # PyTorch's image stands alone where it is the right one
    exact = Explorer.pixels(explorer.decoded).astype(int)
    assert np.abs(exact[..., 0] - exact[..., 2]).max() > 5  # hardly trained, but no grey image
    assert close(hovered, exact)


def _drop_a_coloured_picture(explorer: Explorer) -> None:
    """The model sees its colours; while the KL weight is dragged, the browser's image is PyTorch's, all of it."""
    drawing = Drawing(explorer)
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[16:48, 16:48] = (250, 120, 10)
    explorer.page.evaluate(DROP, [*drawing.file(picture)])
    expect(drawing.seen).to_be_visible(timeout=20_000)
    assert Explorer.pixels(drawing.seen)[8, 8] == pytest.approx([250, 120, 10], abs=2)
    left, width, y = explorer.grab_weight()
    explorer.page.mouse.move(left + 0.45 * width, y, steps=4)
    expect(drawing.live).to_be_visible()
    explorer.frame()
    shown = painted(drawing.live, channels=3)
    explorer.page.mouse.up()
    expect(drawing.live).to_be_hidden()
    assert close(shown, Explorer.pixels(drawing.decoded).astype(int))
