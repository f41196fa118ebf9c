"""The map's own JavaScript, each part alone on a blank page; NumPy and SciPy are the oracles."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page
from scipy.ndimage import gaussian_filter, map_coordinates

from vae_explorer.figures import theme
from vae_explorer.ui.canvas.modules import joined

Array = NDArray[Any]

CANVAS = Path(__file__).parents[2] / "vae_explorer" / "ui" / "canvas"
SCRIPTS = (
    *(
        "scatter/raster.js",
        "scatter/marks.js",
        "scatter/outlines.js",
        "scatter/fields.js",
        "scatter/contours.js",
        "scatter/layers.js",
    ),
    *("rungs.js", "charts.js", "rate_distortion.js", "map_layers.js"),
)
SIDE = 96
EXTENT = (-4.0, 4.0, -4.0, 4.0)
CELL = 8 / SIDE
CENTRES = -4 + CELL * (np.arange(SIDE) + 0.5)
ARGUMENTS = """const [xy, labels, hidden] = [Float32Array.from(a.xy), Uint8Array.from(a.labels), new Uint8Array(256)];
    for (const k of a.hidden ?? []) hidden[k] = 1;"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A blank page with the scripts; an error in one of them fails the test."""
    errors: list[str] = []
    page = browser.new_page(viewport={"width": 420, "height": 700})
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content("<main style='font: 14px sans-serif'></main>")
    page.add_style_tag(content=(CANVAS / "charts.css").read_text())
    page.add_script_tag(content=joined(*SCRIPTS))
    yield page
    page.close()
    assert not errors, errors


def run(page: Page, script: str, **values: Any) -> Any:
    """Runs the body of a function of `a` in the page."""
    plain = {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}
    return page.evaluate(f"(a) => {{ {script} }}", plain)


def points(count: int = 3000, classes: int = 3) -> tuple[Array, Array]:
    """Returns three elongated clouds and their labels, well inside the extent."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % classes
    spread = np.array([[0.3, 0.5], [0.6, 0.2], [0.25, 0.25]])
    xy = np.array([[-1.0, 0.5], [1.2, 1.0], [0.3, -1.4]])[labels] + spread[labels] * random.standard_normal((count, 2))
    return xy.astype(np.float32), labels


def test_a_magnification_between_two_rungs_is_their_geometric_mean(page: Page) -> None:
    script = """const layers = Object.create(Layers.prototype);
        const values = Float32Array.from(a.values);
        layers.take({ kind: "magnification", side: 2, rungs: [0.1, 1, 10], extent: [0, 1, 0, 1], values });
        layers.magnification.heat = { paint: (values) => [...values] };
        return a.betas.map((beta) => layers.magnified(layers.magnification, beta).image);"""
    values = np.array([[1, 2, 3, 0], [100, 8, 3, 0], [4, 8, 27, 5]], np.float32)
    betas = [0.1, math.sqrt(0.1), 1.0, 10**0.75, 10.0]
    found = np.array(run(page, script, values=values.ravel(), betas=betas))
    expected = [values[0], np.sqrt(values[0] * values[1]), values[1], values[1] ** 0.25 * values[2] ** 0.75, values[2]]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


# Densities ---------------------------------------------------------------------------------------


def kernel_density(xy: Array, sigma: float) -> Array:
    """Points a cell, as the sum of a Gaussian about every point."""
    normal = CELL / (sigma * np.sqrt(2 * np.pi))
    x = normal * np.exp(-((CENTRES[:, None] - xy[:, 0]) ** 2) / (2 * sigma**2))
    y = normal * np.exp(-((CENTRES[::-1, None] - xy[:, 1]) ** 2) / (2 * sigma**2))
    total: Array = y @ x.T
    return total


@pytest.mark.parametrize("bandwidth", [1.0, 2.0, 5.5])
def test_the_density_is_a_kernel_density(page: Page, bandwidth: float) -> None:
    xy, labels = points()
    script = ARGUMENTS + "return [...new Density().update(xy, labels, hidden, a.extent, a.bandwidth)];"
    density = np.array(run(page, script, xy=xy.ravel(), labels=labels, extent=EXTENT, bandwidth=bandwidth))
    wanted = kernel_density(xy, bandwidth * CELL)
    density = density.reshape(SIDE, SIDE)
    np.testing.assert_allclose(density, wanted, atol=0.07 * wanted.max())  # three boxes have a lower peak
    assert density.sum() == pytest.approx(len(xy), rel=1e-4)
    for axis, (coordinate, centres) in enumerate([(xy[:, 0], CENTRES), (xy[:, 1], CENTRES[::-1])]):
        weights = density.sum(axis) / density.sum()
        mean = float(weights @ centres)
        assert mean == pytest.approx(coordinate.mean(), abs=1e-3)
        variance = float(weights @ (centres - mean) ** 2)
        assert variance == pytest.approx(coordinate.var() + (bandwidth * CELL) ** 2, rel=1e-3)


def test_the_density_ends_at_the_edge_without_an_echo(page: Page) -> None:
    middles = np.array([[1, 2], [95, 50], [40, 94]])  # column, row
    xy = np.column_stack([CENTRES[middles[:, 0]], CENTRES[::-1][middles[:, 1]]])
    xy[1, 0] -= 1e-4  # the outer half of the last cells is not seen
    script = ARGUMENTS + "return [...new Density().update(xy, labels, hidden, a.extent, 3)];"
    density = np.array(run(page, script, xy=xy.ravel(), labels=[0, 0, 0], extent=EXTENT)).reshape(SIDE, SIDE)
    counts = np.zeros((SIDE, SIDE))
    counts[middles[:, 1], middles[:, 0]] = 1
    wanted = gaussian_filter(counts, np.sqrt(9 - 1 / 6), mode="constant", truncate=6)
    np.testing.assert_allclose(density, wanted, atol=0.13 * wanted.max())  # along two axes: twice as much


def test_classes_add_up_and_hidden_ones_are_left_out(page: Page) -> None:
    xy, labels = points()
    xy[0] = 100  # far outside: counted, not seen
    script = f"""{ARGUMENTS}
        const density = new Density();
        density.perClass(xy, labels, new Uint8Array(256), a.extent, 2, 3);
        const classes = density.perClass(xy, labels, hidden, a.extent, 2, 3).map((grid) => [...grid]);
        const counts = [...density.counts.slice(0, 4)];
        return {{ classes, counts, total: [...density.update(xy, labels, hidden, a.extent, 2)] }};"""
    found = run(page, script, xy=xy.ravel(), labels=labels, hidden=[1], extent=EXTENT)
    assert found["counts"] == [1000, 0, 1000, 0]
    assert not np.any(found["classes"][1])
    assert np.sum(found["classes"], axis=1) == pytest.approx([999, 0, 1000], rel=1e-4)
    np.testing.assert_allclose(np.sum(found["classes"], axis=0), found["total"], atol=1e-4)


def test_heat_is_ink_that_grows_with_the_value(page: Page) -> None:
    values = np.linspace(0, 7, SIDE * SIDE)
    script = """const heat = new Heat(96);
        const pixels = (ink, top) => [...heat.paint(Float32Array.from(a.values), ink, 0.5, top)
            .getContext("2d").getImageData(0, 0, 96, 96).data];
        const lookup = Uint32Array.from({ length: 256 }, (_, k) => (0xff000000 | k) >>> 0);
        return [pixels("rgb(200 100 50)", null), pixels("#c86432", 3.5), pixels(lookup, 7)];"""
    ink, clipped, looked_up = (
        np.array(each).reshape(-1, 4) for each in run(page, script, values=values.astype(np.float32))
    )
    alpha = 255 * np.sqrt(values / 7)
    np.testing.assert_allclose(ink[:, 3], alpha, atol=3)  # 4,096 levels, steep at 0
    assert np.abs(ink[-SIDE:, :3] - [200, 100, 50]).max() <= 1
    np.testing.assert_allclose(clipped[:, 3], np.minimum(255, alpha * np.sqrt(2)), atol=3)
    np.testing.assert_allclose(looked_up[:, 0], alpha, atol=3)
    assert (looked_up[:, 3] == 255).all()


# Contours ----------------------------------------------------------------------------------------


def rings(segments: Array) -> list[Array]:
    """Splits segments `(N, 4)` into closed lines, `(n, 2)` each; fails where one stays open."""
    ends = np.flatnonzero(np.any(segments[:-1, 2:] != segments[1:, :2], axis=1)) + 1
    parts = np.split(segments, ends)
    for part in parts:
        assert (part[0, :2] == part[-1, 2:]).all()
    return [part[:, :2] for part in parts]


def area(ring: Array) -> float:
    x, y = ring.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def inside(xy: Array, segments: Array) -> NDArray[np.bool_]:
    """Says of each point whether closed lines of segments x0, y0, x1, y1 lie around it: even and odd crossings."""
    odd = np.zeros(len(xy), bool)
    for x0, y0, x1, y1 in segments:
        if y0 == y1:
            continue
        crosses = (y0 > xy[:, 1]) != (y1 > xy[:, 1])
        odd ^= crosses & (xy[:, 0] < x0 + (xy[:, 1] - y0) / (y1 - y0) * (x1 - x0))
    return odd


def test_lines_of_a_gaussian_are_its_circles(page: Page) -> None:
    s, radii = 0.8, np.array([0.9, 1.7])
    x, y = np.meshgrid(CENTRES, CENTRES[::-1])
    values = 500 * np.exp(-((x - 0.4) ** 2 + (y + 0.3) ** 2) / (2 * s**2))
    script = """const values = Float32Array.from(a.values);
        const contours = new Contours(96);
        return a.levels.map((level) => {
            const { segments, count } = contours.segments(values, a.extent, level);
            return [...segments.subarray(0, count)];
        });"""
    levels = 500 * np.exp(-(radii**2) / (2 * s**2))
    found = run(page, script, values=values.astype(np.float32).ravel(), extent=EXTENT, levels=levels)
    for flat, radius in zip(found, radii, strict=True):
        (ring,) = rings(np.array(flat).reshape(-1, 4))
        np.testing.assert_allclose(np.hypot(ring[:, 0] - 0.4, ring[:, 1] + 0.3), radius, rtol=0.01)
        assert abs(area(ring)) == pytest.approx(np.pi * radius**2, rel=0.01)


@pytest.mark.parametrize("bandwidth", [1.0, 2.5, 6.0])
def test_half_and_nine_tenths_of_each_classs_codes_lie_within_its_lines(page: Page, bandwidth: float) -> None:
    """Clouds as narrow as the blur and wider, two lumps, and few codes: counted point by point."""
    random = np.random.default_rng(1)
    clouds = [
        0.05 * random.standard_normal((900, 2)) + [1.0, 0.03],
        0.7 * random.standard_normal((3000, 2)) - [0.5, 0.4],
        0.2 * random.standard_normal((1500, 2)) + np.where(np.arange(1500) % 3, 1.5, -2.0)[:, None],
        0.3 * random.standard_normal((120, 2)) + [-1.0, 2.0],
    ]
    xy = np.concatenate(clouds).astype(np.float32)
    labels = np.repeat(np.arange(4), [len(cloud) for cloud in clouds])
    order = random.permutation(len(labels))
    script = f"""{ARGUMENTS}
        const layers = new ClassContours().update(xy, labels, hidden, a.extent, a.bandwidth, ["#0", "#1", "#2", "#3"]);
        return layers.map(({{ segments, count, colour }}) => [colour, [...segments.subarray(0, count)]]);"""
    found = run(page, script, xy=xy[order].ravel(), labels=labels[order], extent=EXTENT, bandwidth=bandwidth)
    assert [colour for colour, _ in found] == ["#0", "#0", "#1", "#1", "#2", "#2", "#3", "#3"]
    for which, (_, flat) in enumerate(found):
        cloud, share = clouds[which // 2].astype(np.float32), (0.5, 0.9)[which % 2]
        held = inside(cloud, np.array(flat).reshape(-1, 4)).mean()
        assert held == pytest.approx(share, abs=0.015 + 1 / len(cloud)), (which, bandwidth)


def test_each_class_has_lines_that_hold_its_shares(page: Page) -> None:
    xy, labels = points(30_000)
    script = f"""{ARGUMENTS}
        const contours = new ClassContours(96);
        const update = () => contours.update(xy, labels, hidden, a.extent, 1.5, ["#000001", "#000002", "#000003"]);
        update();
        const buffers = contours.layers.map((layer) => layer.segments);
        const again = update();
        return again.map(({{ segments, count, colour, width }}, k) =>
            ({{ segments: [...segments.subarray(0, count)], colour, width, kept: segments === buffers[k] }}));"""
    layers = run(page, script, xy=xy.ravel(), labels=labels, hidden=[1], extent=EXTENT)
    assert [layer["colour"] for layer in layers] == ["#000001"] * 2 + ["#000003"] * 2
    assert all(layer["kept"] for layer in layers), "no new memory for the same picture"
    for k, share in ((0, 0.5), (1, 0.9), (2, 0.5), (3, 0.9)):
        own = xy[labels == (0, 2)[k // 2]]
        assert inside(own, np.array(layers[k]["segments"]).reshape(-1, 4)).mean() == pytest.approx(share, abs=0.01)
    assert layers[0]["width"] > layers[1]["width"]


def test_a_share_that_lies_outside_has_no_line(page: Page) -> None:
    xy, labels = points()
    xy[np.flatnonzero(labels == 0)[:200]] = 50  # a fifth of class 0
    script = (
        ARGUMENTS
        + 'return new ClassContours().update(xy, labels, hidden, a.extent, 2, ["", "", ""]).map((l) => l.count);'
    )
    counts = run(page, script, xy=xy.ravel(), labels=labels, extent=EXTENT)
    assert counts[0] > 0
    assert counts[1] == 0
    assert min(counts[2:]) > 0


def test_lines_of_noise_lie_at_the_level_and_close(page: Page) -> None:
    values = np.random.default_rng(1).random((20, 20)).astype(np.float32)  # many saddles, and high values at the edge
    script = """const { segments, count } = new Contours(20).segments(Float32Array.from(a.values), [0, 20, 0, 20], 0.5);
        return [...segments.subarray(0, count)];"""
    found = rings(np.array(run(page, script, values=values.ravel())).reshape(-1, 4))
    padded = np.pad(values, 1)
    crossings = sum(int((np.diff(padded > 0.5, axis=axis) != 0).sum()) for axis in (0, 1))
    assert sum(map(len, found)) == crossings, "every crossing of an edge is passed once"
    for ring in found:
        at = np.array([20 - ring[:, 1], ring[:, 0]]) + 0.5  # row and column in the padded grid
        np.testing.assert_allclose(map_coordinates(padded.astype(float), at, order=1), 0.5, atol=1e-4)
    assert abs(sum(map(area, found))) == pytest.approx(200, abs=25), "what is high lies on one side of all lines"


# Marks -------------------------------------------------------------------------------------------


def test_ten_marks_are_ten_shapes_of_one_size_around_their_points(page: Page) -> None:
    assert run(page, "return Object.keys(MARKS);") == list(theme.MARKS)
    script = f"""{ARGUMENTS}
        const raster = new Raster();
        raster.resize(460, 40);
        raster.setRadius(8, Object.keys(MARKS));
        raster.draw(xy, labels, new Uint32Array(10), hidden, {{ ax: 1, bx: 0, ay: 1, by: 0 }});
        return [...raster.words].map((word) => word >>> 24);"""
    xy = [(24 + 44 * k, 20) for k in range(10)]
    alpha = np.array(run(page, script, xy=np.ravel(xy), labels=list(range(10)))).reshape(40, 460) / 255
    marks = [alpha[:, 2 + 44 * k : 46 + 44 * k] for k in range(10)]
    for mark in marks:
        assert mark.sum() == pytest.approx(np.pi * 8**2, rel=0.2)
        rows, columns = np.nonzero(mark > 0.5)
        assert [np.ptp(rows) / 2 + rows.min(), np.ptp(columns) / 2 + columns.min()] == pytest.approx([20, 22], abs=3.1)
    apart = [np.abs(a - b).sum() / (a + b).sum() for k, a in enumerate(marks) for b in marks[:k]]
    assert min(apart) > 0.08


# Ellipses ----------------------------------------------------------------------------------------


def drawn(page: Page, body: str, **values: Any) -> Array:
    """Returns a raster of 240 by 200 pixels as RGBA; the map is a pixel a unit, its origin at the centre."""
    script = f"""{ARGUMENTS}
        const [std, raster] = [Float32Array.from(a.std), new Raster()];
        raster.resize(240, 200);
        raster.setRadius(2);
        const colours = Uint32Array.from(["#c86432", "#3264c8"], packed);
        const map = {{ ax: 1, bx: 120, ay: -1, by: 100 }};
        {body}
        return [...raster.words];"""
    words = np.array(run(page, script, **values), dtype=np.uint32)
    return words.view(np.uint8).reshape(200, 240, 4).astype(int)


ELLIPSES = "raster.ellipses(xy, std, labels, colours, hidden, map, a.alpha);"


@pytest.mark.parametrize(
    ("centre", "std"),
    [
        ((0, 0), (10, 5)),
        ((30, -20), (30.4, 2.6)),
        ((-60, 40), (3.5, 44.2)),
        ((100, 90), (60.3, 75.7)),
        ((20, 10), (300, 105)),
        ((-90, -60), (180, 120)),
    ],
)
def test_an_ellipse_is_drawn_where_it_is(page: Page, centre: tuple[float, float], std: tuple[float, float]) -> None:
    picture = drawn(page, ELLIPSES, xy=centre, std=std, labels=[0], alpha=1)
    rows, columns = np.nonzero(picture[..., 3])
    turn = np.linspace(0, 2 * np.pi, 3600)
    x, y = 120 + centre[0] + std[0] * np.cos(turn), 100 - centre[1] + std[1] * np.sin(turn)
    seen = (x > 0) & (x < 239) & (y > 0) & (y < 199)
    gap = np.hypot(columns[:, None] - x, rows[:, None] - y)
    assert gap.min(axis=1).max() < 1.05, "nothing is painted beside the ellipse"
    assert gap[:, seen].min(axis=0).max() < 1.05, "the ellipse is painted all around"
    assert (picture[rows, columns, :3] == [200, 100, 50]).all()


def test_one_sigma_from_the_mean(page: Page) -> None:
    picture = drawn(page, ELLIPSES, xy=[10, 20], std=[40, 25], labels=[0], alpha=0.5)[..., 3]
    extremes = picture[[80, 80, 55, 105], [90, 170, 130, 130]]
    assert extremes.tolist() == [128] * 4, "alpha once, also where two quadrants meet"
    assert picture[80, 130] == 0
    assert picture[80, [87, 173]].tolist() == [0, 0]
    cut = drawn(page, ELLIPSES, xy=[-100, 20], std=[40, 25], labels=[0], alpha=0.5)[..., 3]
    assert cut[[80, 55, 105], [60, 20, 20]].tolist() == [128] * 3


def test_overlaps_grow_darker_and_the_last_colour_stays(page: Page) -> None:
    values = {"xy": [0, 0, 0, 0, 0, 0], "std": [40, 25] * 3, "labels": [0, 1, 2], "hidden": [2]}
    picture = drawn(page, ELLIPSES, **values, alpha=0.4)
    assert picture[100, 160].tolist() == [50, 100, 200, round(255 * (1 - 0.6**2))]


def test_points_lie_over_their_ellipses(page: Page) -> None:
    values: dict[str, Any] = {"xy": [0, 0, 40, 0], "std": [40, 25, 0, 0], "labels": [0, 1]}
    body = "raster.draw(xy, labels, colours, hidden, map, a.spread && { std, alpha: 0.4 });"
    with_ellipses = drawn(page, body, **values, spread=True)
    assert with_ellipses[100, 120].tolist() == [200, 100, 50, 255]
    assert with_ellipses[100, 160].tolist() == [50, 100, 200, 255]
    assert with_ellipses[100, 80].tolist() == [200, 100, 50, 102]
    assert drawn(page, body, **values, spread=False)[100, 80, 3] == 0


@pytest.mark.parametrize(("count", "radius"), [(1_000, 30.0), (10_000, 60.0)])
def test_many_large_ellipses_are_dotted_to_bound_the_time(page: Page, count: int, radius: float) -> None:
    script = f"""{ARGUMENTS}
        const raster = new Raster();
        raster.resize(240, 200);
        let [calls, written, plain] = [0, 0, mirror];
        mirror = (pen, x, y, n) => {{ calls++; written += (4 * n) / 3; plain(pen, x, y, n); }};
        const map = {{ ax: 1, bx: 120, ay: -1, by: 100 }};
        raster.ellipses(xy, xy.map(() => a.radius), labels, new Uint32Array(1), hidden, map, 0.2);
        return [calls, written];"""
    calls, written = run(page, script, xy=np.zeros(2 * count), labels=np.zeros(count, int), radius=radius)
    assert calls == count, "each of them is drawn"
    whole = count * 8 * np.sqrt(2) * radius  # soft: two pixels a step, eight arcs of radius / sqrt(2) steps
    assert written == pytest.approx(whole if whole < 1e6 else 1.5e6, rel=0.15)


# Charts ------------------------------------------------------------------------------------------

BETA = 10.0 ** np.arange(-3, 1.25, 0.25)
CURVE: dict[str, Any] = {
    "beta": BETA.tolist(),
    "distortion": (122 + 0.1 * BETA + 0.3 * BETA**1.3).tolist(),
    "rate": (7.6 - 1.2 * np.log(BETA)).tolist(),
    "nll": (128 + np.log10(BETA) ** 2).tolist(),
    "axis_rate": np.column_stack([7.6 - 1.2 * np.log(BETA), np.geomspace(1, 1e-4, len(BETA))]).tolist(),
    "images": 10_000,
    "samples": 4,
    "nll_images": 1_000,
    "part": "test",
    "target": "grey",
    "source": "MNIST, complete",
}
OPEN = """const host = document.querySelector("main");
    window.picked = [];
    window.chart = new RateDistortion(host, (beta) => window.picked.push(beta));
    window.bars = new AxisBars(host);
    chart.set(a.curve);
    bars.set(a.curve);"""


def moved(page: Page, beta: float) -> None:
    run(page, "chart.at(a.beta); bars.at(a.beta); chart.settle();", beta=beta)


def at(name: str, beta: float) -> float:
    return float(np.interp(np.log(beta), np.log(BETA), CURVE[name]))


def marker(page: Page) -> tuple[float, float]:
    """Returns the marker's pixel in the chart."""
    matrix = run(page, "const m = chart.marker.getCTM(); return [m.e, m.f];")
    return float(matrix[0]), float(matrix[1])


def axis(page: Page, anchor: str, attribute: str) -> tuple[float, float]:
    """Returns slope and offset from value to pixel, read off the labels of an axis."""
    texts = page.locator(f".rd text[text-anchor={anchor}]").all()
    ticks = [(float(text.text_content() or ""), float(text.get_attribute(attribute) or "")) for text in texts[:3]]
    (value, pixel), (last_value, last_pixel) = ticks[0], ticks[-1]
    slope = (last_pixel - pixel) / (last_value - value)
    return slope, pixel - slope * value


@pytest.mark.parametrize("beta", [0.001, 0.0042, 0.3, 1.0, 7.0, 10.0, 50.0])
def test_the_marker_and_the_numbers_follow_the_weight(page: Page, beta: float) -> None:
    run(page, OPEN, curve=CURVE)
    moved(page, beta)
    rate, distortion, nll = (at(name, beta) for name in ("rate", "distortion", "nll"))
    shown = [text.split()[-1] for text in page.locator(".rd dd").all_inner_texts()]
    assert [float(text) for text in shown] == pytest.approx([distortion, rate, distortion + rate, nll], abs=0.0501)
    x, y = marker(page)
    slope, offset = axis(page, "middle", "x")
    assert x == pytest.approx(slope * rate + offset, abs=0.3)
    slope, offset = axis(page, "end", "y")
    height = 0.35 * run(page, "return parseFloat(getComputedStyle(chart.svg).fontSize);")
    assert y == pytest.approx(slope * distortion + offset - height, abs=0.3)
    label = page.get_by_role("img").get_attribute("aria-label") or ""
    assert f"KL weight {beta:g}: rate {shown[1]}, distortion {shown[0]}, negative ELBO {shown[2]}" in label


def test_the_numbers_are_exact_where_they_were_measured(page: Page) -> None:
    run(page, OPEN, curve=CURVE | {"nll": [128.94] * len(BETA)})
    moved(page, 1.0)
    assert page.locator(".rd dd").all_inner_texts() == ["122.4", "+\n7.6", "=\n130.0", "128.9"]


def test_moving_costs_little_and_makes_nothing_new(page: Page) -> None:
    run(page, OPEN, curve=CURVE)
    script = """const seen = new MutationObserver(() => {});
        seen.observe(document.querySelector("main"), { childList: true, subtree: true });
        const times = Array.from({ length: 100 }, (_, k) => {
            const start = performance.now();
            for (let j = 0; j < 10; j++) [chart, bars].forEach((each) => each.at(10 ** (-3 + (10 * k + j) / 250)));
            return (performance.now() - start) / 10;
        });
        return { time: times.sort((a, b) => a - b)[50], made: seen.takeRecords().length };"""
    found = run(page, script)
    assert found["made"] == 0
    assert found["time"] < 0.3


def test_the_caption_names_unit_images_target_and_samples(page: Page) -> None:
    run(page, OPEN, curve=CURVE)
    assert page.locator(".rd p").inner_text() == (
        "Nats per image, over 10,000 test images · against grey levels · 4 samples of z each"
        " · \u2212log p(x) of 1,000 of them · ± at \u2212log p(x), shown from 0.05 nats up: its mean absolute change"
        " on a grid half as fine · MNIST, complete"
    )
    for title in ("Rate, nats per image", "Distortion, nats per image"):
        assert page.locator(".rd text", has_text=title).count() == 1


@pytest.mark.parametrize("width", [200, 420, 700])
def test_weights_are_named_where_there_is_room_and_one_first(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    crowded = (2 / (1 + 0.05 * BETA)).tolist()
    run(page, OPEN, curve=CURVE | {"rate": crowded})
    names = page.locator(".rd text", has_text="\u03b2")
    assert "\u03b2 = 1" in names.all_text_contents()
    boxes = [box for box in (name.bounding_box() for name in names.all()) if box]
    assert len(boxes) == len(set(names.all_text_contents())) > 1
    for k, one in enumerate(boxes):
        assert one["x"] + one["width"] <= width
        for other in boxes[:k]:
            beside = abs(one["x"] - other["x"]) >= max(one["width"], other["width"]) - 1
            assert beside or abs(one["y"] - other["y"]) >= 10


@pytest.mark.parametrize("beta", [0.005, 0.3, 4.0])
def test_a_click_on_the_curve_picks_its_weight(page: Page, beta: float) -> None:
    run(page, OPEN, curve=CURVE)
    moved(page, beta)
    x, y = marker(page)
    box = page.locator(".rd svg").bounding_box()
    assert box
    page.mouse.click(box["x"] + x, box["y"] + y)
    page.mouse.click(box["x"] + box["width"] - 30, box["y"] + 30)  # far from the curve
    (picked,) = page.evaluate("picked")
    assert np.log(picked) == pytest.approx(np.log(beta), abs=0.03)


def test_without_a_likelihood_its_number_is_left_out(page: Page) -> None:
    run(page, OPEN, curve=CURVE | {"nll": None})
    assert page.locator(".rd dt:visible").all_inner_texts() == ["Distortion", "Rate", "Negative ELBO"]
    assert "log p" not in page.locator(".rd").inner_text()


def test_an_error_that_a_decimal_would_show_is_shown(page: Page) -> None:
    run(page, OPEN, curve=CURVE | {"nll": [128.0] * len(BETA), "nll_error": np.linspace(0.5, 0, len(BETA)).tolist()})
    moved(page, float(BETA[0]))
    assert "128.0 \u00b1 0.5" in page.locator(".rd dl").inner_text()
    moved(page, float(BETA[-1]))
    assert "\u00b1" not in page.locator(".rd dl").inner_text()


@pytest.mark.parametrize("rate", [None, [None]])
def test_an_autoencoder_has_a_distortion_and_no_curve(page: Page, rate: object) -> None:
    alone = {"beta": [0], "distortion": [121.34], "rate": rate, "nll": None, "axis_rate": None}
    run(page, OPEN, curve=CURVE | alone)
    assert page.locator(".rd dl").inner_text().split() == ["Distortion", "121.3"]
    assert "samples" not in page.locator(".rd p").inner_text()
    assert not page.locator(".rd svg").is_visible()
    assert not page.locator(".axis-bars").is_visible()


def test_one_weight_is_one_dot_and_where_there_is_no_curve_words_say_why(page: Page) -> None:
    one = {name: [CURVE[name][12]] for name in ("beta", "distortion", "rate", "nll", "axis_rate")}
    run(page, OPEN, curve=CURVE | one)
    moved(page, 1.0)
    assert page.locator(".rd-dot").count() == 1
    assert "L" not in (page.locator(".rd-line").get_attribute("d") or "")
    assert "KL weight" not in (page.get_by_role("img").get_attribute("aria-label") or "")
    run(page, "chart.set(null); bars.set(null);")
    assert page.locator("main").inner_text() == "Rate and distortion are measured on images, and there are none here."
    run(page, "new RateDistortion(document.body);")
    assert "is measured beside the page" in page.locator("body > .rd-absent").inner_text()
    run(page, "chart.set(a.curve);", curve=CURVE)
    assert not page.locator("main .rd-absent").is_visible()
    assert page.locator(".rd-dot").count() == len(BETA)


def test_an_axis_that_pays_nothing_is_called_collapsed(page: Page) -> None:
    run(page, OPEN, curve=CURVE)
    moved(page, 0.01)
    assert page.locator(".axis-bars li").all_inner_texts() == ["axis 1\n13.13", "axis 2\n0.10"]
    widths = run(page, "return bars.rows.map(({ bar }) => bar.getBoundingClientRect().width);")
    assert widths[1] / widths[0] == pytest.approx(0.1 / 13.126, abs=0.002)
    moved(page, 5.0)
    assert [row.split("\n")[1] for row in page.locator(".axis-bars li").all_inner_texts()] == ["5.67", "collapsed"]


def test_no_more_than_twenty_axes_are_shown_and_the_title_says_so(page: Page) -> None:
    run(page, OPEN, curve=CURVE | {"axis_rate": [[0.5] * 32] * len(BETA)})
    assert page.locator(".axis-bars li").count() == 20
    assert page.locator(".axis-bars p").inner_text() == "Mean rate of the first 20 of 32 axes, nats per image"
