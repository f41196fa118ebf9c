"""Drawing in a real browser: strokes, dropped files, the marker, what becomes of late answers."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer
from tests.browser.oracle import close, same
from tests.browser.test_hardships import Line
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images
from vae_explorer.data.preprocess import preprocess
from vae_explorer.latent.encoding import decode, encode

Grey = NDArray[np.uint8]
Stroke = Sequence[tuple[float, float]]  # in shares of the pad

SEVEN: Stroke = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.88)]
ONE: Stroke = [(0.5, 0.1), (0.48, 0.9)]
DROP = """([base64, type, name]) => {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  const event = (kind) => new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true, composed: true });
  const over = event("dragover");
  document.body.dispatchEvent(over);
  const drop = event("drop");
  document.body.dispatchEvent(drop);
  return over.defaultPrevented && drop.defaultPrevented;
}"""


class Drawing:
    """The pad of a page and what is shown beside it."""

    def __init__(self, explorer: Explorer) -> None:
        self.explorer = explorer
        self.page: Page = explorer.page
        self.pad = self.page.get_by_label("Drawing pad")
        self.seen = self.page.get_by_role("img", name=re.compile("^Preprocessed drawing"))
        self.decoded = self.page.get_by_role("img", name=re.compile("^Reconstruction of the drawing"))
        self.live = self.page.locator(".figures canvas").nth(1)
        self.said = self.page.locator(".drawing .words")

    def stroke(self, points: Stroke) -> None:
        box = self.pad.bounding_box()
        assert box
        at = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        self.page.mouse.move(*at[0])
        self.page.mouse.down()
        for x, y in at[1:]:
            self.page.mouse.move(x, y, steps=8)
        self.page.mouse.up()

    def drawn(self, shape: tuple[int, int] = (1, 1)) -> Grey:
        """The pad's own pixels, without the margins that a picture of these proportions leaves."""
        url = self.pad.evaluate("pad => pad.toDataURL('image/png')")
        pad = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("L"))
        height, width = (round(280 * side / max(shape)) for side in shape)
        top, left = (280 - height) // 2, (280 - width) // 2
        return pad[top : top + height, left : left + width]

    def clear(self) -> None:
        self.page.get_by_role("button", name="Clear").click()

    def shows(self, image: Locator, wanted: NDArray[np.floating] | Grey) -> bool:
        return image.count() > 0 and same(Explorer.pixels(image), wanted)

    def place(self) -> tuple[float, float]:
        """Where the words say that the drawing lies."""
        found = re.search(r"z = \((.+?), (.+?)\)", self.page.locator(".figures p").nth(1).inner_text())
        assert found
        x, y = (float(value.replace("\u2212", "-")) for value in found.groups())
        return x, y

    def file(self, picture: Grey, kind: str = "PNG") -> tuple[str, str, str]:
        out = io.BytesIO()
        Image.fromarray(picture).save(out, kind)
        return base64.b64encode(out.getvalue()).decode(), f"image/{kind.lower()}", f"picture.{kind.lower()}"


@pytest.fixture
def draw(open_page: Open) -> Callable[..., Drawing]:
    def start(query: str = "", tab: str = "draw", **options: object) -> Drawing:
        return Drawing(open_page(f"{query}&tab={tab}", **options))

    return start


def answered(
    drawing: Drawing, model: Checkpoint, beta: float = 1.0, shape: tuple[int, int] = (1, 1)
) -> tuple[Grey, NDArray[np.float32]]:
    """Waits until the pictures are those of what is on the pad; returns what the model sees and the code."""
    drawing.explorer.until(lambda: bool(np.ptp(drawing.drawn()) > 0))
    seen = preprocess(drawing.drawn(shape), "mnist", (28, 28)).pixels
    mean = encode(model.arrays, seen[None], beta).mean
    drawing.explorer.until(lambda: drawing.shows(drawing.seen, seen))
    exact = 255 * decode(model.arrays, mean, beta)[0]
    drawing.explorer.until(lambda: drawing.shows(drawing.decoded, exact))
    return seen, mean[0]


def diamond(explorer: Explorer, z: Sequence[float], home: float) -> bool:
    """Says whether the map has the corners of a guest's diamond where this point lies."""
    box = explorer.map.bounding_box()
    assert box
    size = 0.85 * float(explorer.map.evaluate("e => parseFloat(getComputedStyle(e.closest('.map')).fontSize)"))
    width, height = box["width"] - 4 * size, box["height"] - 3 * size
    scale = min(width, height) / (2 * home)
    x, y = 3.3 * size + width / 2 + z[0] * scale, 0.7 * size + height / 2 - z[1] * scale
    pixels = explorer.drawn().astype(int).sum(2)
    corners = [(x, y - 9), (x + 9, y), (x, y + 9), (x - 9, y)]
    return all(pixels[round(b) - 2 : round(b) + 3, round(a) - 2 : round(a) + 3].min() < 250 for a, b in corners)


def test_a_stroke_is_preprocessed_encoded_reconstructed_and_marked(
    draw: Callable[..., Drawing], model: Checkpoint
) -> None:
    drawing = draw("hide=0,1,2,3,4,5,6,7,8,9&layers=none&z=-3,-3&zoom=0,0,4")
    expect(drawing.seen).to_have_count(0)
    drawing.stroke(SEVEN)
    seen, mean = answered(drawing, model)
    assert seen.max() > 200
    assert drawing.place() == pytest.approx(mean, abs=0.0051)
    drawing.explorer.leave()
    drawing.explorer.frame()
    assert diamond(drawing.explorer, mean.tolist(), 4.0)
    assert not diamond(drawing.explorer, [-mean[0], -mean[1]], 4.0)
    assert drawing.explorer.query["z"] == "-3,-3", "the pinned point stays"
    words = drawing.page.locator(".figures").inner_text()
    assert "scaled to 20" in words
    assert "centred by mass in 28" in words


def test_a_second_drawing_replaces_the_first_and_undo_takes_one_stroke_back(
    draw: Callable[..., Drawing], model: Checkpoint
) -> None:
    drawing = draw()
    drawing.stroke(SEVEN)
    _, first = answered(drawing, model)
    drawing.clear()
    expect(drawing.decoded).to_be_hidden()
    drawing.stroke(ONE)
    _, second = answered(drawing, model)
    assert np.abs(second - first).max() > 0.5
    drawing.stroke([(0.2, 0.9), (0.8, 0.9)])
    answered(drawing, model)
    drawing.page.get_by_role("button", name="Undo").click()
    _, again = answered(drawing, model)
    assert again == pytest.approx(second)


def test_a_dropped_photograph_is_inverted_and_lies_where_its_image_does(
    draw: Callable[..., Drawing], model: Checkpoint, images: Images
) -> None:
    drawing = draw(tab="curve")
    expect(drawing.pad).to_be_hidden()
    for image, kind in zip(images.pixels, ("PNG", "JPEG", "GIF", "WEBP"), strict=False):
        paper: Grey = 255 - np.pad(np.asarray(Image.fromarray(image).resize((560, 560))), ((100, 40), (300, 0)))
        before = drawing.drawn()
        assert drawing.page.evaluate(DROP, [*drawing.file(paper, kind)])
        drawing.explorer.until(lambda before=before: bool((drawing.drawn() != before).any()))  # type: ignore[misc]
        answered(drawing, model, shape=paper.shape)
        expect(drawing.pad).to_be_visible()
        assert "inverted" in drawing.page.locator(".figures").inner_text()
        wanted = preprocess(paper, "mnist", (28, 28)).pixels
        error = np.abs(Explorer.pixels(drawing.seen).astype(float) - wanted).mean()
        assert error < 8, "as if no browser had read and scaled it"


def test_a_desk_is_cropped_by_mouse_and_by_keyboard(
    draw: Callable[..., Drawing], model: Checkpoint, images: Images
) -> None:
    drawing = draw()
    desk: Grey = np.full((900, 900), 90, np.uint8)
    desk[200:700, 200:700] = 240
    ink = np.asarray(Image.fromarray(images.pixels[0]).resize((300, 300)))
    desk[300:600, 300:600] = np.minimum(240, 255 - ink)
    drawing.page.evaluate(DROP, [*drawing.file(desk)])
    whole, _ = answered(drawing, model)
    assert (whole[0:2] == 0).all()
    box = drawing.pad.bounding_box()
    assert box
    for move, share in ((drawing.page.mouse.move, 0.3), (drawing.page.mouse.move, 0.7)):
        move(box["x"] + share * box["width"], box["y"] + share * box["height"], steps=3)
        if share == 0.3:
            drawing.page.mouse.down()
    drawing.page.mouse.up()
    seen, code = answered(drawing, model)
    cut = desk[270:630, 270:630]  # three tenths to seven tenths
    assert np.abs(seen.astype(float) - preprocess(cut, "mnist", (28, 28)).pixels).mean() < 4
    wanted = encode(model.arrays, images.pixels[:1], 1.0).mean[0]
    assert np.hypot(*(code - wanted)) < 0.7, "the seven lies where it does without a desk"

    crop = drawing.page.get_by_role("button", name="Crop")
    crop.press("Enter")
    drawing.page.keyboard.press("Shift+ArrowLeft")
    drawing.page.keyboard.press("ArrowRight")
    frame = drawing.page.locator(".crop").bounding_box()
    assert frame
    shares = [(frame["x"] - box["x"]) / box["width"], frame["width"] / box["width"]]
    assert shares == pytest.approx([0.1 + 4 / 280, 0.8 - 4 / 280], abs=0.01)
    drawing.page.keyboard.press("Escape")
    expect(drawing.page.locator(".crop")).to_be_hidden()
    drawing.page.get_by_role("button", name="Undo").click()
    again, _ = answered(drawing, model)
    assert (again == whole).all()


def test_clear_pixels_are_filled_with_what_the_ink_stands_out_from(
    draw: Callable[..., Drawing], model: Checkpoint
) -> None:
    drawing = draw()
    ink = np.zeros((100, 100), np.uint8)
    ink[10:90, 45:58] = 255
    for tone, inverted in ((255, False), (0, True)):
        picture = np.dstack([np.full((100, 100, 3), tone, np.uint8), ink])
        drawing.page.evaluate(DROP, [*drawing.file(picture)])
        ground = 255 - tone
        drawing.explorer.until(lambda wanted=ground: drawing.drawn()[0, 0] == wanted)  # type: ignore[misc]
        seen, _ = answered(drawing, model)
        assert seen.max() > 200
        assert ("inverted" in drawing.page.locator(".figures").inner_text()) == inverted


def test_what_is_no_picture_is_named_and_the_drawing_stays(draw: Callable[..., Drawing], model: Checkpoint) -> None:
    drawing = draw()
    drawing.stroke(ONE)
    seen, _ = answered(drawing, model)
    for data, kind, name, says in (
        (b"hello", "text/plain", "notes.txt", "notes.txt is no picture. Open a PNG, JPEG, GIF or WebP file."),
        (b"\x89PNG\r\n\x1a\nbroken", "image/png", "broken.png", "broken.png cannot be read as a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml", "a.svg", "a.svg is no picture"),
    ):
        drawing.page.evaluate(DROP, [base64.b64encode(data).decode(), kind, name])
        expect(drawing.said).to_contain_text(says)
    assert same(Explorer.pixels(drawing.seen), seen)
    out = io.BytesIO()
    Image.new("1", (10_000, 6_000)).save(out, "PNG")
    drawing.page.evaluate(DROP, [base64.b64encode(out.getvalue()).decode(), "image/png", "huge.png"])
    expect(drawing.said).to_contain_text("huge.png has more than 50 million pixels")
    with drawing.page.expect_file_chooser() as chooser:
        drawing.page.get_by_role("button", name="Open image").click()
    white = drawing.file(np.full((60, 60), 255, np.uint8))
    chooser.value.set_files({"name": "white.png", "mimeType": "image/png", "buffer": base64.b64decode(white[0])})
    expect(drawing.said).to_contain_text("nothing in this picture but one even tone")


def test_the_drawing_moves_with_the_weight_and_stays_when_the_model_changes(
    draw: Callable[..., Drawing], model: Checkpoint
) -> None:
    drawing = draw()
    drawing.stroke(SEVEN)
    seen, _ = answered(drawing, model)
    left, width, y = drawing.explorer.grab_weight()
    drawing.page.mouse.move(left + 0.45 * width, y, steps=4)
    expect(drawing.live).to_be_visible()
    drawing.explorer.frame()
    weight = float(drawing.explorer.weight.evaluate("input => 10 ** input.value"))
    wanted = 255 * decode(model.arrays, encode(model.arrays, seen[None], weight).mean, weight)[0]
    pixels = drawing.live.evaluate("c => [...c.getContext('2d').getImageData(0, 0, 28, 28).data]")
    assert close(np.array(pixels, np.uint8).reshape(28, 28, 4)[..., 0], wanted), "in the browser, while it is dragged"
    drawing.page.mouse.up()
    drawing.explorer.until(lambda: drawing.explorer.query["beta"] != "1")
    answered(drawing, model, float(drawing.explorer.query["beta"]))
    before = drawing.drawn()
    drawing.page.get_by_role("combobox", name="Model").click()
    drawing.page.get_by_role("option", name="digits-vae-2d").click()
    drawing.explorer.until(lambda: drawing.explorer.query["model"] == "digits-vae-2d")
    drawing.explorer.open_tab("Draw")
    drawing.explorer.until(
        lambda: (
            drawing.shows(drawing.seen, preprocess(before, "digits", (8, 8)).pixels) if drawing.seen.count() else False
        )
    )
    expect(drawing.pad).to_have_count(1)  # Streamlit leaves the last model's on the page until its run has ended
    assert (drawing.drawn() == before).all()


def test_a_late_answer_never_replaces_a_newer_drawing(draw: Callable[..., Drawing], model: Checkpoint) -> None:
    line = Line()
    drawing = draw(line=line.route)
    line.hold()
    drawing.stroke(SEVEN)
    drawing.explorer.until(lambda: bool(line.held))
    drawing.page.wait_for_timeout(500)
    drawing.clear()
    drawing.stroke(ONE)
    line.release()
    for _ in range(5):
        drawing.page.wait_for_timeout(40)
        if drawing.seen.is_visible():
            (columns,) = np.nonzero(Explorer.pixels(drawing.seen).max(0))
            assert np.ptp(columns) < 12, "the seven of before came back"
    answered(drawing, model)


def test_drawing_leaves_no_listeners_behind_and_can_be_reached_by_keyboard(
    draw: Callable[..., Drawing],
) -> None:
    drawing = draw()
    listeners = drawing.explorer.listeners()

    drawing.stroke(ONE)
    expect(drawing.seen).to_be_visible()
    before = listeners()
    for _ in range(10):
        drawing.stroke(SEVEN)
    drawing.page.wait_for_timeout(500)
    assert listeners() <= before + 2
    drawing.page.get_by_role("tab", name="Draw").focus()
    reached = []
    for _ in range(4):
        drawing.page.keyboard.press("Tab")
        reached.append(
            drawing.page.evaluate(
                """() => { let e = document.activeElement;
                while (e.shadowRoot?.activeElement) e = e.shadowRoot.activeElement;
                return e.getAttribute("aria-label") ?? e.textContent; }"""
            )
        )
    assert reached == ["Undo", "Clear", "Brush width", "Open image"]
    drawing.page.get_by_role("button", name="Clear").press("Enter")
    expect(drawing.seen).to_be_hidden()


def test_a_finger_draws_and_the_page_does_not_scroll(draw: Callable[..., Drawing], model: Checkpoint) -> None:
    drawing = draw(width=420, height=900, touch=True)
    drawing.pad.scroll_into_view_if_needed()
    box = drawing.pad.bounding_box()
    assert box
    session = drawing.page.context.new_cdp_session(drawing.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]} for x, y in points]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (0.5, 0.15))
    for k in range(1, 9):
        touch("touchMove", (0.5, 0.15 + 0.08 * k))
    touch("touchEnd")
    answered(drawing, model)
    assert drawing.pad.bounding_box() == box
    assert drawing.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_both_maps_of_a_comparison_take_the_drawing(open_page: Open, server: str, model: Checkpoint) -> None:
    explorer = open_page("tab=draw", address=f"{server}/compare", wait=False)
    drawing = Drawing(explorer)
    expect(drawing.pad).to_be_visible(timeout=60_000)
    explorer.until(lambda: "left" in explorer.query, seconds=30)
    maps = [drawing.page.get_by_label(f"Latent map, {side}") for side in ("left", "right")]
    drawing.page.mouse.move(2, 2)
    before = [each.screenshot() for each in maps]
    drawing.stroke(SEVEN)
    expect(drawing.decoded).to_have_count(2)
    seen = preprocess(drawing.drawn(), "mnist", (28, 28)).pixels
    explorer.until(lambda: drawing.shows(drawing.seen, seen))
    exact = 255 * decode(model.arrays, encode(model.arrays, seen[None], 1.0).mean, 1.0)[0]
    explorer.until(lambda: same(Explorer.pixels(drawing.decoded.nth(1)), exact))
    drawing.page.mouse.move(2, 2)
    for each, shot in zip(maps, before, strict=True):
        assert each.screenshot() != shot
