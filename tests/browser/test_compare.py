"""The Compare page in a real browser, with PyTorch as the oracle."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Page, expect
from scipy.linalg import sqrtm

from tests.browser.conftest import Open, Serve
from tests.browser.explorer import Explorer, painted, seen
from tests.browser.oracle import close, decode, posterior, same
from tests.test_explore import PROVENANCE
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.config import ModelConfig
from vae_explorer.data import Images
from vae_explorer.figures import theme
from vae_explorer.latent.encoding import encode
from vae_explorer.measured import gap_tables
from vae_explorer.models.autoencoder import build

SIDES = ("left", "right")


@pytest.fixture(scope="session")
def models() -> tuple[Checkpoint, Checkpoint]:
    return tuple(checkpoints.load(checkpoints.find(name)) for name in ("mnist-ae-2d", "mnist-vae-2d"))  # type: ignore[return-value]


class Duel:
    """One browser session on the Compare page."""

    def __init__(self, open_page: Open, server: str, query: str = "", **options: object) -> None:
        self.explorer: Explorer = open_page(query, address=f"{server}/compare", wait=False, **options)
        self.page: Page = self.explorer.page
        self.maps = [self.page.get_by_label(f"Latent map, {side}") for side in SIDES]
        self.images = [self.page.locator(f".shown .{side} img") for side in SIDES]
        self.live = [self.page.locator(f".shown .{side} canvas") for side in SIDES]
        for image in self.images:
            expect(image).to_have_attribute("alt", re.compile("^Decoded image of"), timeout=60_000)
        self.explorer.until(lambda: "left" in self.query)

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.page.url).query).items()}

    def at(self, side: int, x: float, y: float) -> tuple[float, float]:
        box = self.maps[side].bounding_box()
        assert box
        return box["x"] + x, box["y"] + y

    def exact(self, side: int) -> NDArray[np.uint8]:
        return Explorer.pixels(self.images[side])

    def z(self, side: int) -> tuple[float, float]:
        """The point that a side shows, by its readout."""
        text = self.page.locator(f".half.{SIDES[side]} .readout").inner_text()
        x, y = text.strip("()").replace("\u2212", "-").split(",")
        return float(x), float(y)


@pytest.mark.parametrize("height", [560, 720])
def test_nothing_lies_over_the_maps_on_a_low_screen(open_page: Open, server: str, height: int) -> None:
    duel = Duel(open_page, server, height=height)
    boxes = [each.bounding_box() for each in (*duel.maps, duel.page.locator(".middle"), duel.explorer.weight)]
    *upper, slider = [box for box in boxes if box]
    assert len(upper) == 3
    assert max(box["y"] + box["height"] for box in upper) <= slider["y"]


def test_the_legend_hides_a_class_on_both_maps(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server)
    colour = [int(theme.class_colours(10)[0][k : k + 2], 16) for k in (1, 3, 5)]

    def pixels(side: int) -> int:
        return int((np.abs(seen(duel.maps[side]).astype(int) - colour).max(axis=-1) < 4).sum())

    before = [pixels(side) for side in (0, 1)]
    assert min(before) > 500
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
    duel = Duel(open_page, server)
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
    duel = Duel(open_page, server, "link=image")
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
    duel.page.wait_for_timeout(1000)
    for k, points in enumerate((fitted, noise)):
        sheet = painted(duel.page.locator(f".sample canvas.{SIDES[k]}"))
        for index in (0, 9, 63):
            row, column = divmod(index, 8)
            picture = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
            assert close(picture, decode(models[k], points[index], 1.0))
    duel.page.get_by_role("button", name="Sample again").click()
    duel.explorer.until(lambda: duel.query["seed"] != "3")


def test_a_walk_is_shown_on_both_sides(
    open_page: Open, server: str, models: tuple[Checkpoint, Checkpoint], images: Images
) -> None:
    duel = Duel(open_page, server, "tab=path&ends=3,18")
    duel.page.wait_for_timeout(800)
    for k, model in enumerate(models):
        film = painted(duel.page.locator(f".walk.{SIDES[k]}"))
        ends = [posterior(model, images, image, 1.0)[0] for image in (3, 18)]
        for picture, share in ((0, 0.0), (5, 5 / 11), (11, 1.0)):
            z = ends[0] + share * (ends[1] - ends[0])
            assert close(film[:, 28 * picture : 28 * picture + 28], decode(model, z, 1.0))


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


DIGITS = "left=digits-ae-2d&right=digits-vae-2d"


def test_a_gap_field_colours_both_planes_and_its_worst_place_can_be_shown(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, f"{DIGITS}&tab=gaps")
    before = [each.screenshot() for each in duel.maps]
    duel.page.get_by_role("button", name="Density of codes").click()
    words = duel.page.locator(".gaps p").first
    duel.explorer.until(lambda: duel.query.get("field") == "density")
    duel.explorer.until(lambda: "nats" in words.inner_text() and "Computing" not in words.inner_text())
    duel.page.wait_for_timeout(300)
    for each, shot in zip(duel.maps, before, strict=True):
        assert each.screenshot() != shot
    duel.page.locator(".worst .left").get_by_role("button", name="Show the worst").click()
    duel.explorer.until(lambda: "z" in duel.query)
    model = checkpoints.load(checkpoints.find("digits-ae-2d"))
    codes = encode(model.arrays, data.load("digits", "test").pixels, 1.0).mean
    z = np.array([*map(float, duel.query["z"].split(","))])
    nearest = float(np.linalg.norm(codes - z, axis=1).min())
    assert nearest > 0.5 * codes.std(), "the emptiest place of the plane is far from every code"
    duel.explorer.until(lambda: same(duel.exact(0), decode(model, tuple(z), 1.0)))


def test_the_gap_table_follows_the_weight_and_its_sentence_counts_the_rows(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, DIGITS)
    table = gap_tables.find(checkpoints.load(checkpoints.find("digits-vae-2d")))
    assert table
    row = duel.page.locator("tr[data-name=holes] td.value").nth(1)
    for beta in (1.0, 10.0):
        if beta == 10.0:
            duel.page.get_by_role("slider", name="KL weight").press("End")
        share = 100 * table.at(beta, "prior")["holes"].value  # type: ignore[union-attr]
        duel.explorer.until(lambda share=share: abs(float(row.inner_text().split(" ")[0]) - share) < 0.6)  # type: ignore[misc]
    duel.explorer.until(lambda: duel.query["beta"] == "10")
    sentence = duel.page.locator(".sentence")
    duel.explorer.until(lambda: "KL weight 10" in sentence.inner_text())
    better = [duel.page.locator(f"tr[data-name] td.value:nth-of-type({k}).better").count() for k in (1, 2)]
    counts = [*map(int, re.findall(r"(\d+) (?:favour|they|the rows)", sentence.inner_text().replace("In ", "")))]
    groups = duel.page.locator("th.group").count()
    assert f"Of {sum(counts)} groups of measures" in sentence.inner_text()
    assert sum(counts) == groups - 1, "an autoencoder has no codes against the prior"
    assert max(counts[:2]) <= max(better)


def test_the_tick_stands_by_the_better_figure_and_a_group_has_one_vote(open_page: Open, server: str) -> None:
    """Which side is better is computed here from the tables, in plain words: lower holes, higher coverage."""
    duel = Duel(open_page, server, f"{DIGITS}&beta=10")
    tables = [gap_tables.find(checkpoints.load(checkpoints.find(f"digits-{kind}-2d"))) for kind in ("ae", "vae")]
    left, right = (table.at(10.0, space) for table, space in zip(tables, ("fitted", "prior"), strict=True) if table)
    lower = {"holes", "round_trip_median", "round_trip_90", "smoothness"}
    higher = {f"{name}_{space}" for name in ("precision", "recall", "coverage") for space in ("pixels", "features")}
    marked: dict[str, int | None] = {}
    for name in (*lower, *higher, "density_pixels", "density_features"):
        a, b = left[name], right[name]
        assert a is not None
        assert b is not None
        cells = duel.page.locator(f"tr[data-name={name}] td.value")
        duel.explorer.until(lambda cells=cells: cells.nth(1).inner_text().strip() != "")  # type: ignore[misc]
        ticks = [k for k in (0, 1) if "better" in (cells.nth(k).get_attribute("class") or "")]
        marked[name] = ticks[0] if ticks else None
        differ = abs(a.value - b.value) > 2 * math.hypot(a.error, b.error)
        wins = (0 if (a.value < b.value) == (name in lower) else 1) if differ and "density" not in name else None
        assert marked[name] == wins, name
    assert {0, 1} >= set(filter(lambda each: each is not None, marked.values())) != set()
    sentence = duel.page.locator(".sentence").inner_text()
    for group, rows in (("round trip", ("round_trip_median", "round_trip_90")), ("holes", ("holes",))):
        (winner,) = {marked[row] for row in rows}
        assert winner is not None
        assert re.search(rf"favour digits-{('ae', 'vae')[winner]}-2d \([^)]*{group}", sentence), sentence


def test_classifiers_that_contradict_each_other_mark_neither_side(open_page: Open, server: str) -> None:
    """At this weight the VAE of digits has collapsed: the network prefers the autoencoder's draws, neighbours not."""
    duel = Duel(open_page, server, f"{DIGITS}&beta=4")
    sentence = duel.page.locator(".sentence")
    duel.explorer.until(lambda: "the rows contradict each other" in sentence.inner_text())
    assert "recognisable images" in sentence.inner_text().split("contradict")[1]
    for judge in ("mlp", "knn"):
        expect(duel.page.locator(f"tr[data-name=recognised_{judge}] td.better")).to_have_count(0)


def test_what_is_near_its_bound_says_so(open_page: Open, server: str) -> None:
    """The information of so few images cannot tell more than the logarithm of their number."""
    duel = Duel(open_page, server, f"{DIGITS}&beta=0.01")
    table = gap_tables.find(checkpoints.load(checkpoints.find("digits-vae-2d")))
    assert table is not None
    for name, sign in (("kl_to_prior", "\u2264 "), ("mutual_information", "\u2265 ")):
        cell = duel.page.locator(f"tr[data-name={name}] td.value").nth(1)
        duel.explorer.until(lambda cell=cell, sign=sign: cell.inner_text().startswith(sign))  # type: ignore[misc]
    foot = duel.page.locator(".verdict > .words").inner_text()
    assert f"log N = {math.log(table.together):.2f} nats" in foot
    assert f"N = {table.together:,} {table.together_part} images" in foot


# Models of other numbers of axes -----------------------------------------------------------------


SMALL = {"data": "digits", "shape": (8, 8), "encoder": (16,), "decoder": (16,)}
SOLIDS: dict[str, dict[str, Any]] = {
    "line": {"kind": "autoencoder", "latent": 1},
    "flat": {"kind": "vae", "latent": 2},
    "five": {"kind": "multi-rate", "latent": 5},
    "spot": {"kind": "vae", "latent": 2},
    "conv": {"kind": "vae", "latent": 3, "backbone": "convolutional", "encoder": (4, 8), "decoder": (8, 4)},
}


@pytest.fixture(scope="module")
def solids(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    """Untrained models whose codes lie far apart; those of `spot` only on the first axis."""
    folder = tmp_path_factory.mktemp("solids")
    made = {}
    for name, settings in SOLIDS.items():
        model = build(ModelConfig(**(SMALL | settings)), seed=1)
        random = torch.Generator().manual_seed(settings["latent"])
        with torch.no_grad():
            for part, weight in model.named_parameters():
                wide = "decoder.*weight" if name == "conv" else "decoder.out.weight"
                if re.search(f"encoder.head.*weight|{wide}", part):
                    weight.add_(torch.randn(weight.shape, generator=random), alpha=1.5)
                    if name == "spot" and "head" in part:
                        weight[1] = 0
        checkpoints.save(folder / f"{name}.safetensors", model, PROVENANCE)
        made[name] = checkpoints.load(folder / f"{name}.safetensors")
    return made


@pytest.fixture(scope="module")
def workshop(serve: Serve, solids: dict[str, Checkpoint]) -> str:
    """The address of an app with these models."""
    return serve("app.py", solids["line"].path.parent)


DIGIT_IMAGES = data.load("digits", "test")
PAIRS = [("five", "line"), ("flat", "five"), ("line", "flat")]


def full(duel: Duel, side: int) -> tuple[float, ...]:
    """The point that a side shows, on all its axes, by the words under its image."""
    text = duel.page.locator(f".shown .{SIDES[side]} figcaption").inner_text().splitlines()[0]
    return tuple(map(float, text.removeprefix("z = ").strip("()").replace("\u2212", "-").split(",")))


def codes_of(model: Checkpoint) -> NDArray[np.float32]:
    return encode(model.arrays, DIGIT_IMAGES.pixels, 1.0).mean


@pytest.mark.parametrize("names", PAIRS)
def test_a_place_is_the_same_on_maps_of_other_axes(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint], names: tuple[str, str]
) -> None:
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}")
    pair = [solids[name] for name in names]
    shown = [codes_of(model)[:, :2] for model in pair]
    for side in (0, 1):
        duel.page.mouse.move(*duel.at(side, 150, 120))
        for live in duel.live:
            expect(live).to_be_visible()
        duel.explorer.frame()
        hovered = [np.array(full(duel, k)) for k in (0, 1)]
        units = [(hovered[k][:2] - shown[k].mean(0)) / shown[k].std(0) for k in (0, 1)]
        assert units[0][0] == pytest.approx(units[1][0], abs=0.02)
        own, other = len(units[side]), len(units[1 - side])
        if other == 2:
            assert units[1 - side][1] == pytest.approx(units[side][1] if own == 2 else 0, abs=0.02)
        for k, model in enumerate(pair):
            assert len(hovered[k]) == model.config.latent
            assert not hovered[k][2:].any(), "a place means 0 on the other axes"
            assert np.abs(painted(duel.live[k]) - decode(model, hovered[k], 1.0)).mean() < 3  # two decimals of z
        duel.page.mouse.click(*duel.at(side, 150, 120))
        duel.explorer.until(lambda side=side: duel.query["side"] == SIDES[side] and "z" in duel.query)  # type: ignore[misc]
        for k, model in enumerate(pair):
            expect(duel.live[k]).to_be_hidden()
            assert full(duel, k) == pytest.approx(hovered[k], abs=0.011)
            assert np.abs(duel.exact(k) - decode(model, full(duel, k), 1.0)).mean() < 3
        z = np.array([*map(float, duel.query["z"].split(","))])
        assert same(duel.exact(side), decode(pair[side], z, 1.0))


@pytest.mark.parametrize("names", [*PAIRS, ("five", "conv")])
def test_images_draws_and_walks_use_all_axes(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint], names: tuple[str, str]
) -> None:
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}&link=image&seed=3&spaces=fitted,fitted")
    pair = [solids[name] for name in names]
    codes = [codes_of(model).astype(np.float64) for model in pair]
    noise = np.random.default_rng(3).standard_normal((64, max(len(each[0]) for each in codes))).astype(np.float32)
    duel.page.wait_for_timeout(1000)
    for k, model in enumerate(pair):
        sheet = painted(duel.page.locator(f".sample canvas.{SIDES[k]}"))
        axes = model.config.latent
        root = np.real(sqrtm(np.cov(codes[k].T, ddof=0).reshape(axes, axes)))
        points = codes[k].mean(0) + noise[:, :axes] @ root
        flat = np.where(np.arange(axes) < 2, points, 0)
        for index in (0, 9, 63):
            row, column = divmod(index, 8)
            drawn = sheet[8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
            assert close(drawn, decode(model, points[index], 1.0))
            assert axes <= 2 or not close(drawn, decode(model, flat[index], 1.0)), "the other axes have to matter"
    duel.page.mouse.move(*duel.at(0, 150, 150))
    duel.explorer.frame()
    hovered = [painted(live) for live in duel.live]
    duel.page.mouse.click(*duel.at(0, 150, 150))
    duel.explorer.until(lambda: duel.query["side"] == "left" and duel.query.get("image", "0") != "0")
    image = int(duel.query["image"])
    for k, model in enumerate(pair):
        expect(duel.live[k]).to_be_hidden()
        assert same(duel.exact(k), decode(model, codes[k][image], 1.0))
        if names[k] != "conv":  # the browser has its plane alone
            assert close(hovered[k], decode(model, codes[k][image], 1.0))
        assert full(duel, k) == pytest.approx(codes[k][image], abs=0.006)
    duel = Duel(open_page, workshop, f"left={names[0]}&right={names[1]}&tab=path&ends=3,18")
    duel.page.wait_for_timeout(800)
    for k, model in enumerate(pair):
        film = painted(duel.page.locator(f".walk.{SIDES[k]}"))
        for picture in (0, 5, 11):
            z = codes[k][3] + picture / 11 * (codes[k][18] - codes[k][3])
            assert close(film[:, 8 * picture : 8 * picture + 8], decode(model, z, 1.0))


def test_codes_in_one_spot_are_named_and_move_nothing(
    open_page: Open, workshop: str, solids: dict[str, Checkpoint]
) -> None:
    duel = Duel(open_page, workshop, "left=spot&right=five")
    duel.page.mouse.click(*duel.at(0, 150, 60))
    about = duel.page.locator(".about")
    duel.explorer.until(lambda: "The codes of spot are one spot on axis 2" in about.inner_text())
    duel.page.mouse.move(*duel.at(0, 160, 60))
    expect(duel.live[1]).to_be_visible()
    duel.explorer.frame()
    assert duel.z(1)[1] == pytest.approx(float(codes_of(solids["five"]).mean(0)[1]), abs=0.011)
    assert "two latent axes" in duel.page.locator(".sentence").inner_text()
    expect(duel.page.locator(".half.right .axes")).to_have_text(re.compile("first two of 5 latent axes"))
