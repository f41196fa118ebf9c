"""Classes on the Compare page in a real browser: of draws, point and walk; and where all of it stands."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from tests.browser.conftest import Open
from tests.browser.duel import DIGITS, SIDES, Duel, numbers
from tests.browser.oracle import posterior
from tests.test_compare_letters import codes, decoded, drawn, noise, probabilities
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.measured import classifiers

BETA = 0.5
BETAS = (1.0, BETA)  # an autoencoder has none to set
NAMES = data.load("digits", "test").names


@pytest.fixture(scope="module")
def models() -> list[Checkpoint]:
    return [checkpoints.load(checkpoints.find(f"digits-{kind}-2d")) for kind in ("ae", "vae")]


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return classifiers.load("digits")


def read(classifier: Classifier, model: Checkpoint, z: NDArray[Any], beta: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """The class that each point's image is of, and with what probability, by PyTorch and a forward pass."""
    shares = probabilities(classifier, decoded(model, z, beta))
    return np.array(classifier.classes)[shares.argmax(1)], shares.max(1)


def test_the_classes_of_four_thousand_draws_stand_below_both_sheets(
    open_page: Open, server: str, models: list[Checkpoint], classifier: Classifier
) -> None:
    duel = Duel(open_page, server, f"{DIGITS}&beta={BETA}&seed=11&spaces=fitted,prior")
    for k, (model, beta, space) in enumerate(zip(models, BETAS, ("fitted", "prior"), strict=True)):
        caption = duel.page.get_by_label(f"Draws, {SIDES[k]}")
        duel.explorer.until(lambda c=caption: "of 10 classes" in c.inner_text(), 30)  # type: ignore[misc]
        z = drawn(space, codes(model, beta), noise(11, 4000))
        labels, sure = read(classifier, model, z, beta)
        counts = np.bincount(labels, minlength=10)
        assert np.abs(counts - 40).min() > 3, "the seed leaves no class on the border of being missing"
        missing = [NAMES[label] for label in range(10) if counts[label] < 40]
        words = caption.inner_text()
        assert f"{10 - len(missing)} of 10 classes" in words
        listed = re.search(r"missing: ([^\u00b7]*)", words)
        assert (listed[1].strip().split(", ") if listed else []) == missing
        share = re.search(r"(\d+) % recognised of 4,000 draws", words)
        assert share
        assert float(share[1]) == pytest.approx(100 * (sure >= 0.9).mean(), abs=0.6)
        bars = [bar.get_attribute("title") or "" for bar in caption.locator(".bars span").all()]
        assert [bar.split(":")[0] for bar in bars] == list(NAMES)
        shown = [float(bar.split(":")[1].rstrip(" %")) for bar in bars]
        assert shown == pytest.approx((counts / 40).tolist(), abs=0.11)
    counted = duel.page.get_by_label("Draws, right")
    before = counted.inner_text()
    duel.page.get_by_role("button", name="Sample again").click()
    duel.explorer.until(lambda: duel.query["seed"] != "11")
    duel.explorer.until(lambda: "old" not in (counted.get_attribute("class") or ""))
    z = noise(int(duel.query["seed"]), 4000).astype(float)
    counts = np.bincount(read(classifier, models[1], z, BETA)[0], minlength=10)
    bars = [bar.get_attribute("title") or "" for bar in counted.locator(".bars span").all()]
    assert [float(bar.split(":")[1].rstrip(" %")) for bar in bars] == pytest.approx((counts / 40).tolist(), abs=0.11)
    assert before


def said(duel: Duel, k: int) -> tuple[str, float]:
    words = re.fullmatch(r"Read as (\S+), (\d+) %", duel.page.locator(f".judged .{SIDES[k]}").inner_text().strip())
    assert words
    return words[1], float(words[2]) / 100


@pytest.mark.parametrize("image", [3, 18])
def test_what_an_image_is_read_as_and_where_the_next_class_begins(
    open_page: Open, server: str, models: list[Checkpoint], classifier: Classifier, image: int
) -> None:
    images = data.load("digits", "test")
    duel = Duel(open_page, server, f"{DIGITS}&beta={BETA}&tab=class&field=class&image={image}")
    for k, (model, beta) in enumerate(zip(models, BETAS, strict=True)):
        caption = duel.page.locator(f".others .{SIDES[k]} figcaption")
        duel.explorer.until(lambda c=caption: "std away" in c.inner_text(), 40)  # type: ignore[misc]
        z = posterior(model, images, image, beta)[0].astype(float)
        (label,), (sure,) = read(classifier, model, z[None], beta)
        name, confidence = said(duel, k)
        assert name == NAMES[label]
        assert confidence == pytest.approx(sure, abs=0.03)  # weights in half precision
        found = re.fullmatch(
            r"(\S+), (\d+) %: ([\d.]+) std away, z = (\(.*\))", caption.inner_text().strip().replace("\n", " ")
        )
        assert found, caption.inner_text()
        there, away = np.array(numbers(found[4])), float(found[3])
        assert found[1] != NAMES[label], "the counterfactual is of another class"
        std = codes(model, beta).std(0)
        assert away == pytest.approx(np.linalg.norm((there - z) / std), abs=0.02)
        around = there + 0.011 * std * np.random.default_rng(0).uniform(-1, 1, (200, 2))  # two decimals are shown
        assert NAMES.index(found[1]) in read(classifier, model, around, beta)[0]
        # A search by brute force over all that a map may show, at 200 x 200 points.
        x, y, half = home(duel, k)
        xs, ys = (np.linspace(centre - 1.5 * half, centre + 1.5 * half, 200) for centre in (x, y))
        grid = np.stack(np.meshgrid(xs, ys), -1).reshape(-1, 2)
        other = read(classifier, model, grid, beta)[0] != label
        nearest = np.linalg.norm((grid[other] - z) / std, axis=1).min()
        cell = np.linalg.norm(2 * 1.5 * half / 64 / std)
        assert away <= nearest + cell
        assert duel.page.get_by_role("img", name=f"Nearest {found[1]}, {SIDES[k]}").is_visible()
    select = duel.page.get_by_label("Nearest point of")
    wanted = next(each for each in range(10) if all(NAMES[each] != said(duel, k)[0] for k in (0, 1)))
    select.select_option(label=NAMES[wanted])
    duel.explorer.until(lambda: duel.query.get("towards") == str(wanted))
    for k in (0, 1):
        caption = duel.page.locator(f".others .{SIDES[k]} figcaption")
        duel.explorer.until(lambda c=caption: re.match(rf"{NAMES[wanted]},|No point of it", c.inner_text()) is not None)  # type: ignore[misc]


def home(duel: Duel, k: int) -> tuple[float, float, float]:
    from vae_explorer.ui.explore.scene import Scene

    return Scene(duel.query[SIDES[k]]).limits.home


def test_classes_are_read_along_the_path(
    open_page: Open, server: str, models: list[Checkpoint], classifier: Classifier
) -> None:
    images = data.load("digits", "test")
    duel = Duel(open_page, server, f"{DIGITS}&beta={BETA}&tab=path&ends=3,18")
    for k, (model, beta) in enumerate(zip(models, BETAS, strict=True)):
        a, b = (posterior(model, images, image, beta)[0].astype(float) for image in (3, 18))
        z = a + np.linspace(0, 1, 12)[:, None] * (b - a)
        labels, sure = read(classifier, model, z, beta)
        items = duel.page.get_by_role("list", name=f"Classes along the path, {SIDES[k]}").get_by_role("listitem")
        expect(items).to_have_count(12, timeout=30_000)
        for item, label, share in zip(items.all(), labels, sure, strict=True):
            duel.explorer.until(lambda i=item: "%" in (i.get_attribute("aria-label") or ""))  # type: ignore[misc]
            name, percent = (item.get_attribute("aria-label") or "").split(", ")
            assert float(percent.rstrip(" %")) == pytest.approx(100 * share, abs=4)
            assert name == NAMES[label] or share < 0.55, "two classes may stand equal"


def test_nothing_important_lies_below_the_fold(open_page: Open, server: str) -> None:
    """On a lecture's laptop: the verdict, both sheets, their classes and the slider are all in sight."""
    duel = Duel(open_page, server, width=1280, height=720)
    verdict = duel.page.get_by_label("Verdict")
    duel.explorer.until(lambda: "favour" in verdict.inner_text())
    sheets = [duel.page.locator(f".sample canvas.{side}") for side in SIDES]
    counts = [duel.page.get_by_label(f"Draws, {side}") for side in SIDES]
    for caption in counts:
        duel.explorer.until(lambda c=caption: "of 10 classes" in c.inner_text(), 60)  # type: ignore[misc]
    for each in (*duel.maps, *duel.images, *sheets, *counts, verdict, duel.explorer.weight):
        expect(each).to_be_in_viewport(ratio=1)


def test_a_title_stands_over_each_map(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server)
    words = ("Autoencoder: trained only to copy", "VAE: trained to copy and to fill N(0, I)")
    for k, each in enumerate(words):
        title = duel.page.get_by_role("heading", name=each, exact=True)
        expect(title).to_be_in_viewport(ratio=1)
        box, plot = title.bounding_box(), duel.maps[k].bounding_box()
        assert box
        assert plot
        assert box["y"] + box["height"] <= plot["y"], "above"
        assert plot["x"] - 30 < box["x"] < plot["x"] + plot["width"], "over its own map"
    expect(duel.page.get_by_text("trained with")).to_be_in_viewport(ratio=1)


def test_the_switch_to_circles_zooms_both_maps_and_the_link_carries_it(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "link=point")
    switch = duel.page.get_by_role("button", name="Circles of N(0, I)")
    switch.click()
    duel.explorer.until(lambda: duel.query.get("zoom") == "0,0,3.4~0,0,3.4")
    expect(switch).to_have_attribute("aria-pressed", "true")

    def spans(duel: Duel, k: int) -> tuple[NDArray[np.float64], float]:
        """The place in the middle of what is seen, and how much of the plane 100 pixels are."""
        box = duel.maps[k].bounding_box()
        assert box
        seen = []
        for x in (box["width"] / 2 - 50, box["width"] / 2 + 50):
            duel.page.mouse.move(*duel.at(k, x, box["height"] / 2))
            duel.explorer.frame()
            seen.append(np.array(duel.z(k)))
        return (seen[0] + seen[1]) / 2, float(seen[1][0] - seen[0][0])

    for opened in (duel, Duel(open_page, server, "link=point&zoom=0,0,3.4~0,0,3.4")):
        for k in (0, 1):
            middle, hundred = spans(opened, k)
            box = opened.maps[k].bounding_box()
            assert box
            assert np.abs(middle).max() < 0.35, "about 0, but for the room of the axes' figures"
            side = min(box["width"], box["height"])
            assert 6.8 <= hundred * side / 100 < 8.5, "all of the square, and the room of the figures"
    duel.page.get_by_role("button", name="All codes").click()
    duel.explorer.until(lambda: "zoom" not in duel.query)
