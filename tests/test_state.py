"""Tables of state: whatever a link or a browser says, a page holds a view that its link gives back."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vae_explorer.ui import canvas
from vae_explorer.ui.compare.state import STATE as COMPARE
from vae_explorer.ui.compare.view import DuelLimits, DuelView
from vae_explorer.ui.explore.state import STATE as EXPLORE
from vae_explorer.ui.explore.state import View
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage
from vae_explorer.ui.theory.course import course
from vae_explorer.ui.train.state import STATE as TRAIN
from vae_explorer.ui.train.state import Runs, RunView

ONE = Limits(
    model="one", latent=5, beta=(0.01, 10.0), home=(0.0, 1.0, 4.0), images=40, classes=6, columns=("age", "size")
)
OTHER = Limits(model="other", latent=2, beta=None, home=(3.0, 0.0, 9.0), images=40, classes=6)
TWO = DuelLimits(sides=(ONE, OTHER), fields=("doubt", "class"), mixtures=(False, True))
RUNS = Runs(names=("new", "old", "oldest"))
PAGES: tuple[tuple[Any, Any, Any], ...] = ((EXPLORE, View, ONE), (COMPARE, DuelView, TWO), (TRAIN, RunView, RUNS))
THEORY = tuple((screen.table, screen.view, limits) for screen in course().values() for limits in (ONE, OTHER))
# What a browser, or somebody who is none, may report under any name.
VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, 39, 40, -1, 0.5, 10.0, 1e300, float("nan"), float("inf"), 10**400, "", "x", [], {}),
    *("straight", "slerp", "path", "curve", "image", "point", "doubt", "age", "old", "new", "left", "gaps", "class"),
    *([0, 5], [6], [True], ["shapes", "names"], ["atlas"], ["prior", "fitted"], ["prior", "mixture"], [3, 4], [[0]]),
    *(["left", 2], ["right", 8], ["right", 9], ["left", 0], ["top", 1], ["left", True], ["left"], [["left"], 1]),
    *([0.5, -1, 2], [0, 0, float("nan")], ["0", "0", "1"], [10**400, 0, 1]),
    *({"image": 3}, {"image": 3, "noise": [0.5, 1, -2, 0, 3]}, {"image": True}, {"image": 40}, {"z": [1, 2]}),
    *({"z": [0.1, 0.2, 0.3, 0.4, 0.5]}, {"z": [10**400, 0]}, {"z": "00"}, {"side": "right", "z": [2.5, -7]}),
    *({"side": "left", "image": 7}, {"side": ["left"], "image": 7}, {"side": "left", "z": [1, 2, 3]}),
    *([[0.5, -1, 2], None], [None, [3, 0, 5]], [[0, 0, 1], [3, 0, 5]], [[0, 0, 1e9], None], [[0, 0, 1]]),
    *([{"image": 3}, {"z": [1, 2]}], [{"z": [0, 0, 0, 0, 1e-3]}] * 3, [{"image": 3}] * 13, [3]),
)


@pytest.mark.parametrize(("table", "view", "limits"), [*PAGES, *THEORY])
def test_each_field_has_a_row_and_each_row_names_of_its_own_in_a_link(table: Any, view: Any, limits: Any) -> None:
    assert [row.name for row in table.rows] == list(dict.fromkeys(row.name for row in table.rows))
    assert {row.name for row in table.rows} == {field.name for field in fields(view)}
    keys = [key for row in table.rows for key in row.keys]
    assert len(keys) == len(set(keys))
    assert table.parse({}, limits) == (table.start(limits), [])


@pytest.mark.parametrize(("table", "view", "limits"), [*PAGES, *THEORY])
def test_whatever_is_reported_the_link_gives_the_view_back(table: Any, view: Any, limits: Any) -> None:
    random, changed = np.random.default_rng(0), set()
    start = now = table.start(limits)
    page = (table, view, limits) in PAGES
    for _ in range(4000 if page else 500):
        names = random.choice([row.name for row in table.rows], 4)
        reported = {str(name): VALUES[random.integers(len(VALUES))] for name in names}
        now = table.updated(now, reported, limits)
        assert table.parse(table.link(now), limits) == (now, [])
        assert table.updated(now, {}, limits) == now
        changed |= {row.name for row in table.rows if getattr(now, row.name) != getattr(start, row.name)}
    given = {"model", "part", "left", "right"}  # by the page's own widgets
    if page:  # a screen's own values are among those of its own tests
        assert changed == {field.name for field in fields(view)} - given


@pytest.mark.parametrize(("table", "view", "limits"), [*PAGES, *THEORY])
def test_whatever_a_link_says_each_field_that_cannot_be_shown_is_refused_once(
    table: Any, view: Any, limits: Any
) -> None:
    random = np.random.default_rng(1)
    texts = (
        "",
        "x",
        "1",
        "1,2",
        "0.5",
        "nan",
        "²",
        "1_0",
        "prior,mixture",
        "atlas",
        "shapes",
        "9" * 400,
        ";",
        ",,",
        "<b>",
    )
    keys = [key for row in table.rows for key in row.keys]
    for _ in range(2000):
        query = {str(key): texts[random.integers(len(texts))] for key in random.choice(keys, 4)}
        now, refusals = table.parse(query, limits)
        assert table.parse(table.link(now), limits) == (now, [])
        assert len(refusals) <= len(query)
        assert not any(set("<>\n") & set(each) for each in refusals)


def test_no_field_of_a_screen_is_called_what_a_question_or_an_answer_has_beside_it() -> None:
    taken = {
        "kind",
        "n",
        "more",
        "link",
        "start",
        "weights",
        "empty",
        "refused",
        "answered",
        "wants",
        "version",
        "arrays",
    }
    assert {row.name for table, *_ in THEORY for row in table.rows} & taken == set()


def test_a_place_keeps_all_axes_in_link_report_and_change_of_model() -> None:
    z = [0.5, -1.0, 2.0, 0.25, 3.0]
    view = EXPLORE.updated(EXPLORE.start(ONE), {"point": {"z": z}, "pins": [{"z": z}, {"image": 2}]}, ONE)
    assert EXPLORE.link(view)["z"] == "0.5,-1,2,0.25,3"
    assert EXPLORE.link(view)["pins"] == "0.5,-1,2,0.25,3;2"
    kept = EXPLORE.carried(view, ONE, OTHER, same=True)  # a place of another latent space means nothing there
    assert (kept.point, kept.pins) == (AtImage(0), (AtImage(2),))


def test_the_browser_calls_each_field_by_its_name() -> None:
    """What the map reports, and what it begins with, are names of the table; one that it lacks would never arrive."""
    folder = Path(str(canvas.__file__)).parent
    script = (folder / "latent_map.js").read_text()
    (begun,) = re.findall(r"begin\(\{([^}]*)\}\)", script)
    names = {name.split(":")[0].strip() for name in begun.split(",")}
    page_own = {"model", "part"}
    assert names == {row.name for row in EXPLORE.rows} - page_own
