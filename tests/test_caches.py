"""No cache of the app keeps what was computed from images that are no more: walked, not listed."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vae_explorer import data, ui
from vae_explorer.data import Images
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.explore import scene
from vae_explorer.ui.shell import caches, store
from vae_explorer.ui.train import forecast, recipe

MAKERS = {"lru_cache", "cache", "cache_data", "cache_resource"}
LASTING = {
    *("shell.store.freeze", "shell.store.checkpoint", "shell.store.facts"),
    *("shell.store.field", "shell.store.decoded"),
    "train.forecast.forecasts",
    *("theory.screens.mle._fine", "theory.screens.mle._kept", "theory.screens.mle._rule"),  # of weights that ship
}


@pytest.fixture(autouse=True)
def everything() -> None:
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        if not module.name.endswith("shell.main"):  # draws the app
            importlib.import_module(module.name)


def written() -> Iterator[tuple[Path, str, bool]]:
    """Yields the file and name of each function that is written with a cache, and whether it is of the module level."""
    for path in Path(str(ui.__file__)).parent.rglob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                names = {
                    each.attr if isinstance(each, ast.Attribute) else getattr(each, "id", "")
                    for decorator in node.decorator_list
                    for each in ast.walk(decorator)
                }
                if names & MAKERS:
                    yield path, node.name, node in tree.body


def test_every_cache_that_is_written_is_found() -> None:
    found = {name.rpartition(".")[2] for name, *_ in caches.found()}
    for path, name, outermost in written():
        assert outermost, f"{path}: a cache within a function or class cannot be emptied"
        assert name in found, path


def test_those_that_last_are_these_and_none_of_them_sees_images() -> None:
    named = {id(cache): cache for _, cache, _ in caches.found()}
    lasting = {
        f"{cache.__module__}.{cache.__name__}".removeprefix(f"{ui.__name__}.")  # type: ignore[attr-defined]
        for each, cache in named.items()
        if each in caches._LASTING
    }
    assert lasting == LASTING


def test_what_was_computed_from_images_is_computed_anew_once_they_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str, part: str) -> Images:
        return Images(np.zeros((count, 8, 8), np.uint8), np.zeros(count, np.int64), ("a",), f"{count} images")

    monkeypatch.setattr(data, "load", load)
    for count in (30, 40):
        store.forget_images()
        assert forecast._counts("changes") == (count, count)
        assert recipe._outline("changes")[1] == count
        assert len(store.images("changes", store.PART).pixels) == count
    store.forget_images()
    assert scene._home.cache_info().currsize == 0
    assert gap_store._gap_fields() == {}
