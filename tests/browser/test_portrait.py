"""The map and the decoded image as files: what is in them, read by other programs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from tests.browser.conftest import Open
from tests.browser.explorer import Explorer
from tests.browser.oracle import MODEL, decode, same
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.data import Images
from vae_explorer.latent.encoding import encode
from vae_explorer.ui.canvas.modules import joined

SVG = "{http://www.w3.org/2000/svg}"
HREF = "{http://www.w3.org/1999/xlink}href"


def save(explorer: Explorer, button: str) -> Path:
    with explorer.page.expect_download() as download:
        explorer.page.get_by_role("button", name=button, exact=True).click()
    return Path(download.value.path())


def axes(svg: ET.Element) -> Callable[[NDArray[np.floating]], NDArray[np.floating]]:
    """Returns what turns latent points `(N, 2)` into the file's pixels, as the numbers beside its axes say."""
    ticks = [e for e in svg.iter(f"{SVG}text") if re.fullmatch(r"\u2212?[\d.]+", e.text or "")]
    below, beside = ([e for e in ticks if e.attrib["text-anchor"] == where] for where in ("middle", "end"))
    values = [[float((e.text or "").replace("\u2212", "-")) for e in side] for side in (below, beside)]
    x = [float(e.attrib["x"]) for e in below]
    y = [float(e.attrib["y"]) - 0.35 * float(e.attrib["font-size"]) for e in beside]  # a line's middle, not its base
    (a, b), (c, d) = np.polyfit(values[0], x, 1), np.polyfit(values[1], y, 1)
    return lambda z: z * [a, c] + [b, d]


@pytest.fixture
def explorer(open_page: Open) -> Explorer:
    explorer = open_page("z=0.5,0.3&hide=3&zoom=0,0,2.5&layers=prior")
    explorer.page.get_by_role("button", name="Export").click()
    return explorer


def test_the_map_as_svg_and_png(explorer: Explorer, model: Checkpoint, images: Images) -> None:
    svg = ET.parse(save(explorer, "Map (SVG)")).getroot()
    to_pixel = axes(svg)
    frame = svg.find(f".//{SVG}clipPath/{SVG}path")
    assert frame is not None
    left, top, width, height = map(float, re.findall(r"-?[\d.]+", frame.attrib["d"])[:4])
    at = to_pixel(encode(model.arrays, images.pixels, 1.0).mean)
    within = (np.abs(at - [left + width / 2, top + height / 2]) < [width / 2 + 2, height / 2 + 2]).all(axis=1)
    shown = at[within & (images.labels != 3)]
    drawn = list(svg.iter(f"{SVG}use"))
    places = np.array([[float(e.attrib["x"]), float(e.attrib["y"])] for e in drawn])
    assert len(places) == pytest.approx(len(shown), abs=6)  # some lie on the edge
    nearest = np.array([np.hypot(*(places - place).T).min() for place in shown[::40]])
    assert np.quantile(nearest, 0.98) < 0.2  # codes come in half precision
    assert not any(e.attrib[HREF] == "#class3" for e in drawn)
    radii = [float(e.attrib["r"]) for e in svg.iter(f"{SVG}circle") if e.attrib.get("stroke-dasharray")]
    unit = (to_pixel(np.array([[1.0, 0.0]])) - to_pixel(np.zeros((1, 2))))[0, 0]
    assert radii == pytest.approx([unit, 2 * unit, 3 * unit], rel=0.01)
    words = [e.text for e in svg.iter(f"{SVG}text")]
    assert f"{MODEL} · KL weight 1 · {len(images.pixels):,} test images · {images.source}" in " ".join(
        map(str, words)
    )  # in lines
    assert words[-9:] == [name for name in images.names if name != "3"]

    picture = np.asarray(Image.open(save(explorer, "Map (PNG)")).convert("L")).astype(int)
    assert min(picture.shape) >= 1024
    ratio = picture.shape[1] / float(svg.attrib["width"])
    x, y = ratio * to_pixel(np.array([[0.5, 0.3]]))[0]
    arms = [picture[round(y), round(x + side * ratio * 12)] for side in (-1, 1)]
    arms += [picture[round(y + side * ratio * 12), round(x)] for side in (-1, 1)]
    assert max(arms) < 60, "the marker's four arms are dark where the point lies"


def test_the_decoded_image_fills_a_slide(explorer: Explorer, model: Checkpoint) -> None:
    large = np.asarray(Image.open(save(explorer, "Decoded image, large (PNG)")))
    assert large.shape == (532, 532)
    assert same(large[9::19, 9::19], decode(model, (0.5, 0.3), 1.0))
    assert (large == large[9::19, 9::19].repeat(19, 0).repeat(19, 1)).all()


def test_names_in_an_svg_are_letters_and_nothing_else(browser: Browser) -> None:
    page = browser.new_page()
    page.add_script_tag(content=joined("portrait/svg_context.js"))
    name = '<script>alert(1)</script>&"\x00\x1b😀'
    file = page.evaluate(
        """(name) => { const svg = new SvgContext(); svg.font = "12px a\\"b<c"; svg.fillStyle = name;
        svg.fillText(name, 1, 2); return svg.finish(10, 20, name); }""",
        name,
    )
    page.close()
    text = ET.fromstring(file.encode()).find(f"{SVG}text")
    assert text is not None
    assert text.text == text.attrib["fill"] == '<script>alert(1)</script>&"😀'
    assert [e.tag for e in ET.fromstring(file.encode()).iter()] == [SVG + tag for tag in ("svg", "title", "text")]


def test_a_long_title_takes_as_many_lines_as_it_needs(browser: Browser) -> None:
    page = browser.new_page()
    page.add_script_tag(content=joined("portrait/portrait.js"))
    title = (
        "mine \u00b7 KL weight 1 \u00b7 All 240 images, those of the test part (24) in full class colours " + 60 * "W"
    )
    lines, widths, with_next = page.evaluate(
        """(title) => { const context = document.createElement("canvas").getContext("2d");
        context.font = "600 12px sans-serif";
        const lines = linesOf(context, title, 200), width = (text) => context.measureText(text).width;
        const longer = lines.slice(1).map((line, k) => width(`${lines[k]} ${line.split(" ")[0]}`));
        return [lines, lines.map(width), longer]; }""",
        title,
    )
    page.close()
    assert " ".join(lines) == title
    assert all(width <= 200 for width in widths[:-1])
    assert lines[-1] == 60 * "W", "a word alone is not broken"
    assert all(width > 200 for width in with_next), "no line ends before it must"
