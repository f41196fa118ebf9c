"""Small parts of the pages' JavaScript, all on one blank page: answers by hand or by NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.browser.test_scripts import run
from vae_explorer.ui.canvas.modules import joined

SCRIPTS = (
    *("memory.js", "hint.js", "normal.js", "gaussian.js", "rungs.js", "ladder.js", "panel.js", "spoken.js", "plots.js"),
    *("decoder.js", "weight.js"),
    *("scatter/raster.js", "scatter/marks.js", "scatter/fields.js", "scatter/contours.js", "scatter/scatter.js"),
    *("legend.js", "tints.js", "drawing/pad.js", "drawing/drawing.js", "drawing/crop.js", "duel/gap_table.js"),
    *("portrait/svg_context.js", "portrait/portrait.js"),
)


@pytest.fixture(scope="module")
def parts(browser: Browser) -> Iterator[Page]:
    """A blank page, whose browser lets it store nothing."""
    errors: list[str] = []
    page = browser.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.add_script_tag(content=joined(*SCRIPTS))
    yield page
    page.close()
    assert not errors, errors


def test_the_nearest_code_is_nearest_on_all_axes(parts: Page) -> None:
    random = np.random.default_rng(0)
    codes, z = random.standard_normal((200, 5)), random.standard_normal(5)
    script = """const [mean, labels] = [Float32Array.from(a.codes), Array(200)];
        const ladder = new Ladder({ rungs: [1], mean, latent: 5, labels });
        const { index, distance } = nearestCode(ladder, a.z, 1);
        return [index, distance];"""
    away = np.linalg.norm(codes - z, axis=1)
    assert run(parts, script, codes=codes.ravel(), z=z) == pytest.approx([away.argmin(), away.min()], rel=1e-5)


def test_the_next_image_is_one_that_is_shown(parts: Page) -> None:
    script = "return [[2, 1], [0, -1], [4, 1]].map(([at, way]) => imageBeside([0, 1, 0, 1, 2], [0, 1, 0], at, way));"
    assert run(parts, script) == [4, 4, 0]
    assert run(parts, "return imageBeside([0, 1, 0], [1, 1], 1, 1);") == 1


def test_points_in_an_svg_have_their_own_ellipses_and_colours(parts: Page) -> None:
    script = """const plot = { xy: [0, 0, 1, 2, 9, 9, 2, 1], labels: [0, 1, 0, 2], hidden: [0, 0, 1],
          radius: 2, scale: 10,
          colours: ["#102030", "#405060", "#708090"].map(packed), marks: null, layers: { underlays: [] },
          spread: [0.1, 0.2, 0.3, 0.4, 1, 1, 1, 1], tints: a.tints && a.tints.map(packed),
          box: { x: 0, y: 0, width: 50, height: 50 }, toPixel: (x, y) => ({ x: 10 * x, y: 40 - 10 * y }) };
        const context = new SvgContext();
        svgPoints(context, plot);
        const text = context.finish(50, 50, "").replaceAll("xlink:href", "href");
        const file = new DOMParser().parseFromString(text, "text/xml");
        const read = (...names) => (element) => names.map((name) => element.getAttribute(name));
        const all = (tag, ...names) => [...file.querySelectorAll(tag)].map(read(...names));
        const points = all("use", "href", "x", "y", "fill");
        return [all("ellipse", "cx", "cy", "rx", "ry", "stroke"), points, all("defs *", "fill")];"""
    ellipses, points, marks = run(parts, script, tints=None)
    assert ellipses == [["0", "40", "1", "2", "#102030"], ["10", "20", "3", "4", "#405060"]]
    assert points == [["#class0", "0", "40", None], ["#class1", "10", "20", None]]
    assert marks == [["#102030"], ["#405060"], ["#708090"]]
    _, points, marks = run(parts, script, tints=["#aabbcc", "#010203", "#000000", "#000000"])
    assert [fill for *_, fill in points] == ["#aabbcc", "#010203"]
    assert marks == [[None]] * 3


def test_a_browser_that_stores_nothing_is_one_on_its_first_visit(parts: Page) -> None:
    script = """const blocked = { get() { throw new DOMException("blocked", "SecurityError"); } };
        Object.defineProperty(window, "localStorage", blocked);
        memory.set("local", "hint", "seen");
        return memory.get("local", "hint");"""
    assert run(parts, script) is None


def test_a_hint_goes_with_the_first_key_but_tab(parts: Page) -> None:
    script = """const hint = Object.assign(document.createElement("p"), { hidden: true });
        greet(hint, new AbortController().signal);
        const press = (key) => (dispatchEvent(new KeyboardEvent("keydown", { key })), hint.hidden);
        return [hint.hidden, press("Tab"), press("n")];"""
    assert run(parts, script) == [False, False, True]


def test_more_than_ten_classes_have_marks_in_any_case(parts: Page) -> None:
    script = """const legend = new Legend(document.createElement("div"), () => {});
        const all = (value) => Array.from({ length: a.count }, value);
        legend.build({ names: all((_, k) => `n${k}`), colours: all(() => "#000"), marks: all(() => "ring") }, [1]);
        const { marks, hidden } = legend.look;
        return [legend.entries.map(({ name, mark }) => [name, mark]), marks !== null, [...hidden.slice(0, 3)]];"""
    for count, mark in ((10, "disc"), (11, "ring")):
        entries, marked, hidden = run(parts, script, count=count)
        assert entries == [[f"n{k}", mark] for k in range(count) if k != 1]
        assert marked == (mark == "ring")
        assert hidden == [0, 1, 0]


def test_keys_on_a_plot(parts: Page) -> None:
    script = """const said = [];
        const log = (name) => (...values) => said.push([name, ...values]);
        const plot = { view: { half: 5 }, home: "home", zoom: log("zoom"), setView: log("view") };
        const on = { plot, weight: { nudge: log("weight") }, step: log("step"), image: log("image"), pin: log("pin") };
        const press = (key, more) => mapKey(new KeyboardEvent("keydown", { key, ...more }), on);
        ["ArrowLeft", "ArrowUp", ..."+=-0[]", "Enter", "n", "b", "Escape", "x"].forEach((key) => press(key));
        press("ArrowDown", { shiftKey: true });
        press("n", { ctrlKey: true });
        return said;"""
    left, up, plus, equals, minus, *more = run(parts, script)
    assert (left, up) == (["step", -0.1, 0], ["step", 0, 0.1])
    assert plus == equals == ["zoom", pytest.approx(1 / minus[1])]
    assert plus[1] > 1
    assert more == [
        *(["view", "home"], ["weight", -1], ["weight", 1], ["pin"], ["image", 1], ["image", -1], ["image", 0]),
        ["step", 0, -1],
    ]


@pytest.mark.parametrize(("level", "closed"), [(0.4, 1), (0.6, 2)])
def test_two_hills_are_joined_where_the_middle_of_their_saddle_lies_above(
    parts: Page, level: float, closed: int
) -> None:
    script = """const hills = Float32Array.of(1, 0, 0, 1);
        const { segments, count } = new Contours(2).segments(hills, [0, 2, 0, 2], a.level);
        return [...segments.subarray(0, count)];"""
    lines = np.array(run(parts, script, level=level)).reshape(-1, 4)
    goes_on = (lines[1:, :2] == lines[:-1, 2:]).all(axis=1)
    assert 1 + (~goes_on).sum() == closed


def test_a_mixtures_components_are_drawn_by_their_weights(parts: Page) -> None:
    script = """const mixture = { weights: [0.1, 0.6, 0.3], means: [[1], [2], [3]], roots: [[0], [0], [0]] };
        return drawFromMixture(mixture, Array.from({ length: 2000 }, () => [0.5]));"""
    draws = np.array(run(parts, script))[:, 0]
    assert [(draws == k).mean() for k in (1, 2, 3)] == pytest.approx([0.1, 0.6, 0.3], abs=0.01)


def test_a_place_on_a_scale_of_colours_lies_between_its_two(parts: Page) -> None:
    script = """const scale = ["#000000", "#64c832", "#c8c8c8"].map(packed);
        return a.places.map((place) => [0, 8, 16].map((bits) => (onScale(scale, place) >> bits) & 255));"""
    found = run(parts, script, places=[-1, 0, 0.1, 0.5, 0.75, 1, 2])
    assert found == [
        [0, 0, 0], [0, 0, 0], [20, 40, 10], [100, 200, 50], [150, 200, 125], [200, 200, 200], [200, 200, 200],
    ]  # fmt: skip


def test_a_cropping_rectangle_is_moved_and_sized_within_the_picture(parts: Page) -> None:
    script = """const pad = { part: { x: 20, y: 30, width: 100, height: 200 } };
        const crop = new Crop(document.createElement("div"), pad, new AbortController().signal, () => {});
        return a.moves.map(([dx, dy, sizes]) => {
          crop.show({ x: 30, y: 40, width: 50, height: 60 });
          crop.nudge(dx, dy, sizes);
          return [crop.rect.x, crop.rect.y, crop.rect.width, crop.rect.height];
        });"""
    moves: list[Any] = [[4, -4, False], [999, 999, False], [-999, -999, False], [4, -8, True], [999, 999, True]]
    moves += [[-999, -999, True]]
    assert run(parts, script, moves=moves) == [
        *([34, 36, 50, 60], [70, 170, 50, 60], [20, 30, 50, 60]),
        *([30, 40, 54, 52], [30, 40, 90, 190], [30, 40, 12, 12]),
    ]


def test_blended_tiles_are_linear_in_place_and_in_the_logarithm_of_the_weight(parts: Page) -> None:
    script = """const grid = { rungs: [0.1, 1, 10], side: 3, extent: [-1, 1, 0, 4], error: 1 };
        const [decoder, grey] = [new TileDecoder(grid, Uint8Array.from(a.tiles), 1), [0]];
        return a.asked.map(([x, y, beta]) => (decoder.decode([x, y], beta, grey), grey[0]));"""

    def of(x: float, y: float, beta: float) -> float:
        return float(130 + 20 * x - 10 * y + 40 * np.log10(beta))

    tiles = [of(x, y, beta) for beta in (0.1, 1, 10) for y in (4, 2, 0) for x in (-1, 0, 1)]
    asked = [(-1, 4, 0.1), (0.5, 1.2, 1), (-0.3, 3.1, 0.4), (0.2, 0.6, 5), (0, 2, 10)]
    assert run(parts, script, tiles=tiles, asked=asked) == pytest.approx([of(*each) for each in asked], abs=0.05)


def test_the_gap_tables_mark_stands_at_the_weight_of_now(parts: Page) -> None:
    script = """const row = { value: [1, 2, 4], error: [0, 0, 0], bound: null };
        const side = { beta: [0.01, 0.1, 10], samplings: { prior: { m: row } }, caption: "c" };
        const measure = { title: "T", unit: "nats", words: "w", better: "lower", group: "g" };
        const table = new GapTable(document.createElement("div"), document.createElement("section"));
        table.set({ measures: { m: measure }, names: ["a", "b"], tables: [side, side], further: [] });
        return [0.01, 0.1, 10, 0.001, 50].map((beta) => {
          table.show(beta, ["prior", "prior"], false);
          const [now, left] = [".now", "path.left"].map((name) => table.table.querySelector(name).getAttribute("d"));
          return [now, left, table.table.querySelector(".value").textContent];
        });"""
    found = run(parts, script)
    marks = [float(now[1:].split()[0]) for now, *_ in found]
    assert marks == pytest.approx([0, 100 / 3, 100, 0, 100]), "within the chart, also where nothing was measured"
    assert [float(text.split()[0]) for *_, text in found] == [1, 2, 4, 1, 4]
    corners = [tuple(map(float, each.split())) for each in found[0][1][1:].split("L")]
    assert [x for x, _ in corners] == pytest.approx(marks[:3])
    assert [y for _, y in corners] == pytest.approx([22, 22 - 20 / 3, 2]), "what is larger lies higher"
