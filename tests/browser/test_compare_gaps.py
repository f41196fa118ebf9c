"""Gaps on the Compare page in a real browser: the table and its verdict, fields of the plane, worst spots."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from playwright.sync_api import Locator, expect

from tests.browser.conftest import Open
from tests.browser.duel import DIGITS, SIDES, Duel, numbers
from tests.browser.explorer import seen
from tests.browser.oracle import decode
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint
from vae_explorer.latent.encoding import encode
from vae_explorer.latent.gaps.measures import MEASURES
from vae_explorer.measured import gap_tables


def test_the_gap_table_follows_the_weight_and_its_sentence_counts_the_rows(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, f"{DIGITS}&tab=table")
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
    words = duel.page.get_by_label("Verdict").inner_text()
    counts = [*map(int, re.findall(r"(\d+) (?:favour|they|the rows)", words))]
    groups = duel.page.locator("th.group").count()
    assert f"Of {sum(counts)} groups of measures" in sentence.inner_text()
    assert sum(counts) == groups - 1, "an autoencoder has no codes against the prior"
    assert max(counts[:2]) <= max(better)


def test_the_tick_stands_by_the_better_figure_and_a_group_has_one_vote(open_page: Open, server: str) -> None:
    """Which side is better is computed here from the tables, in plain words: lower holes, higher coverage."""
    duel = Duel(open_page, server, f"{DIGITS}&tab=table&beta=10&spaces=fitted,prior")
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
    sentence = duel.page.get_by_label("Verdict").inner_text()
    for group, rows in (
        ("round trip", ("round_trip_median", "round_trip_90")),
        ("draws where no code lies", ("holes",)),
    ):
        (winner,) = {marked[row] for row in rows}
        assert winner is not None
        assert re.search(rf"favour digits-{('ae', 'vae')[winner]}-2d \([^)]*{group}", sentence), sentence


def test_classifiers_that_contradict_each_other_mark_neither_side(open_page: Open, server: str) -> None:
    """At this weight the VAE of digits has collapsed: the network prefers the autoencoder's draws, neighbours not."""
    duel = Duel(open_page, server, f"{DIGITS}&tab=table&beta=4&spaces=fitted,prior")
    sentence = duel.page.get_by_label("Verdict")
    duel.explorer.until(lambda: "the rows contradict each other" in sentence.inner_text())
    assert "recognisable images" in sentence.inner_text().split("contradict")[1]
    for judge in ("mlp", "knn"):
        expect(duel.page.locator(f"tr[data-name=recognised_{judge}] td.better")).to_have_count(0)


def test_what_is_near_its_bound_says_so(open_page: Open, server: str) -> None:
    """The information of so few images cannot tell more than the logarithm of their number."""
    duel = Duel(open_page, server, f"{DIGITS}&tab=table&beta=0.01")
    table = gap_tables.find(checkpoints.load(checkpoints.find("digits-vae-2d")))
    assert table is not None
    for name, sign in (("kl_to_prior", "\u2264 "), ("mutual_information", "\u2265 ")):
        cell = duel.page.locator(f"tr[data-name={name}] td.value").nth(1)
        duel.explorer.until(lambda cell=cell, sign=sign: cell.inner_text().startswith(sign))  # type: ignore[misc]
    foot = duel.page.locator(".tab.table > .words").inner_text()
    assert f"log N = {math.log(table.together):.2f} nats" in foot
    assert f"N = {table.together:,} {table.together_part} images" in foot


def verdict(beta: float, spaces: tuple[str, str]) -> dict[int | str, set[str]]:
    """The groups that each side wins, 0 and 1, that neither does, and whose rows contradict each other; from the tables
    alone, by the rules as the page tells them."""
    tables = [gap_tables.find(checkpoints.load(checkpoints.find(f"mnist-{kind}-2d"))) for kind in ("ae", "vae")]
    left, right = (table.at(beta, space) for table, space in zip(tables, spaces, strict=True) if table)
    winners: dict[str, int | None] = {}
    for name, measure in MEASURES.items():
        a, b = left.get(name), right.get(name)
        if a is None or b is None or measure.better is None:
            continue
        differ = abs(a.value - b.value) > 2 * math.hypot(a.error, b.error)
        winners[name] = (0 if (a.value < b.value) == (measure.better == "lower") else 1) if differ else None
    split = set()
    for jury in {MEASURES[name].jury for name in winners} - {""}:
        rows = [name for name in winners if MEASURES[name].jury == jury]
        if {0, 1} <= {winners[name] for name in rows}:
            split |= set(rows)
    votes: dict[int | str, set[str]] = {0: set(), 1: set(), "draw": set(), "split": set()}
    for group in {MEASURES[name].group for name in winners}:
        rows = [name for name in winners if MEASURES[name].group == group]
        won = {winners[name] for name in rows if name not in split} - {None}
        kind = "split" if len(won) > 1 or split & set(rows) else next(iter(won), "draw")
        votes[kind].add(group.lower())  # type: ignore[index]
    return votes


@pytest.mark.parametrize("spaces", [("prior", "prior"), ("fitted", "prior")])
def test_the_verdict_counts_what_the_tables_say(open_page: Open, server: str, spaces: tuple[str, str]) -> None:
    duel = Duel(open_page, server, f"spaces={','.join(spaces)}")
    place = duel.page.get_by_label("Verdict")
    duel.explorer.until(lambda: "favour" in place.inner_text())
    votes, names = verdict(1.0, spaces), ("mnist-ae-2d", "mnist-vae-2d")
    first = 1 if len(votes[1]) >= len(votes[0]) else 0
    words = place.inner_text()
    total = sum(map(len, votes.values()))
    said: dict[int | str, str] = {
        **{side: rf"{len(votes[side])} favours? {names[side]}" for side in (0, 1)},
        "draw": rf"in {len(votes['draw'])} they do not differ by more than two standard errors",
        "split": rf"in {len(votes['split'])} the rows contradict each other",
    }
    assert re.match(rf"Of {total} groups of measures at KL weight 1.0, {said[first]}", words)
    for key, claim in said.items():
        found = re.findall(rf"{claim}[^(;.]*\((.*?)\)(?=[.;])", words)
        if votes[key]:
            assert [{*each.split("; ")} for each in found] == [votes[key]], (claim, words)
        else:
            assert not found, (claim, words)


# Fields of the plane and worst spots -------------------------------------------------------------


def moved(model: Checkpoint, z: NDArray[Any], codes: NDArray[Any], beta: float) -> float:
    """How far a point moves when it is decoded and encoded again, in standard deviations of the codes."""
    with torch.inference_mode():
        weight = torch.tensor([beta])
        point = torch.tensor(z[None], dtype=torch.float32)
        back = model.model.posterior(model.model.likelihood(point, weight).mean, weight).mean.numpy()[0]
    return float(np.linalg.norm((back - z) / codes.std(0)))


def scales(duel: Duel) -> list[Locator]:
    return [duel.page.locator(f".half.{side} .scale") for side in SIDES]


def settled(duel: Duel) -> bool:
    """Whether the field has come whole, by its words."""
    words = duel.page.locator(".tab.gaps p").text_content() or ""
    return "More ink is worse" in words and "Computing" not in words and "first pass" not in words


def test_a_link_with_a_field_opens_with_it_and_the_page_keeps_it(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, f"{DIGITS}&field=density&tab=gaps")
    duel.explorer.until(lambda: settled(duel))
    ranges = []
    for scale in scales(duel):
        expect(scale).to_be_visible()
        assert "and less nats" in scale.inner_text()
        ranges.append(scale.inner_text().split("here")[0])
    assert ranges[0] == ranges[1], "one scale on both sides"
    expect(duel.page.get_by_role("button", name="Density of codes")).to_have_attribute("aria-pressed", "true")
    without = Duel(open_page, server, f"{DIGITS}&field=none&tab=gaps")
    for k in (0, 1):
        expect(scales(without)[k]).to_be_hidden()
        inked, plain = (seen(each.maps[k]).astype(int) for each in (duel, without))
        assert (np.abs(inked - plain).max(axis=-1) > 8).mean() > 0.2, "the field colours the plane"
    duel.page.get_by_role("link", name="Explore").click()
    expect(duel.page.get_by_label("Latent map", exact=True)).to_be_visible(timeout=30_000)
    duel.page.get_by_role("link", name="Compare").click()
    duel.explorer.until(lambda: duel.query.get("field") == "density", 30)
    duel.explorer.until(lambda: settled(duel))
    for scale in scales(duel):
        expect(scale).to_be_visible()


def test_a_worst_spot_leads_there_and_the_key_to_the_next(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, f"{DIGITS}&seed=3&beta=0.5")
    models = [checkpoints.load(checkpoints.find(f"digits-{kind}-2d")) for kind in ("ae", "vae")]
    betas = (1.0, 0.5)
    pixels = data.load("digits", "test").pixels
    codes = [encode(model.arrays, pixels, beta).mean for model, beta in zip(models, betas, strict=True)]
    draws = np.random.default_rng(3).standard_normal((1000, 2)).astype(np.float32)

    def shows(side: int, count: int) -> NDArray[np.float64]:
        """Waits until a side's spot is shown, by PyTorch's images of both sides; returns its place."""
        duel.explorer.until(lambda: duel.query.get("spot") == f"{SIDES[side]},{count}" and "z" in duel.query)
        z = np.array(numbers(duel.query["z"]))
        assert duel.query["side"] == SIDES[side]
        away = np.linalg.norm(draws - z, axis=1)
        assert away.min() < 1e-4, "one of the thousand draws"
        units = (z - codes[side].mean(0)) / codes[side].std(0)
        for k in (0, 1):
            place = z if k == side else codes[k].mean(0) + units * codes[k].std(0)
            duel.explorer.until(lambda k=k: duel.live[k].is_hidden())  # type: ignore[misc]
            wanted = decode(models[k], draws[away.argmin()] if k == side else place, betas[k])
            duel.explorer.until(lambda k=k, wanted=wanted: np.abs(duel.exact(k) - wanted).max() < 1)  # type: ignore[misc]
            assert duel.z(k) == pytest.approx(place, abs=0.011)
        return z

    for side in (0, 1):
        button = duel.page.get_by_role("button", name=f"Worst spot 1, {SIDES[side]}")
        expect(button).to_be_visible(timeout=30_000)
        all_moved = [moved(models[side], z, codes[side], betas[side]) for z in draws]
        button.click()
        worst = moved(models[side], shows(side, 1), codes[side], betas[side])
        assert worst == pytest.approx(max(all_moved), rel=1e-3)
        title = duel.page.get_by_role("button", name=f"Worst spot 1, {SIDES[side]}").get_attribute("title") or ""
        found = re.search(r": ([\d.]+) code std", title)
        assert found, title
        assert float(found[1]) == pytest.approx(worst, rel=0.01)
        duel.maps[side].press("w")
        second = moved(models[side], shows(side, 2), codes[side], betas[side])
        assert second <= worst
    duel.maps[1].press("Escape")
    duel.explorer.until(lambda: "spot" not in duel.query and "image" in duel.query)
    duel.maps[0].press("w")
    shows(0, 1)


def test_how_far_a_field_is_can_be_seen(open_page: Open, server: str) -> None:
    duel = Duel(open_page, server, "tab=gaps&field=none&beta=0.7")
    duel.page.evaluate("""() => (window.seen = new Promise((done) => {
        const look = () => {
            const bar = document.querySelector(".st-key-progress [data-testid=stProgress]");
            if (bar) done(bar.getBoundingClientRect().toJSON());
            else requestAnimationFrame(look);
        };
        look();
    }), null)""")
    duel.page.get_by_role("button", name="Change of the decoded image").click()
    box = duel.page.evaluate("window.seen")
    assert box["width"] > 100
    assert box["left"] >= 0
    assert box["right"] <= 1280
    assert 0 <= box["top"] < box["bottom"] <= 720
