"""The pages of the app: the folders of `ui/` that have a title. None is imported before it is visited."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from vae_explorer import ui


class Page(NamedTuple):
    """A page as its folder's `__init__` declares it."""

    name: str  # the folder's, and the last part of the page's address
    title: str
    place: int  # in the navigation, from the left

    @property
    def show(self) -> Callable[[], None]:
        """What draws it; its modules are imported at the first visit: Plotly and SciPy would delay the app's start."""

        def show() -> None:
            import_module(f"{ui.__name__}.{self.name}.page").page()

        return show


def found() -> list[Page]:
    """Returns all pages in the order of the navigation; the first one opens."""
    pages = []
    for module in pkgutil.iter_modules(ui.__path__):
        folder = import_module(f"{ui.__name__}.{module.name}") if module.ispkg else None
        if title := getattr(folder, "TITLE", ""):
            pages.append(Page(module.name, title, getattr(folder, "PLACE", 100)))
    return sorted(pages, key=lambda page: (page.place, page.name))
