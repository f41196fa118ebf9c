"""What the app keeps of images is forgotten when others come in their place: everything, unless it says that it lasts.

Nobody has to register a cache: `forget_images` walks the modules of the app. A cache that has nothing to do with images
is marked where it is made:

    @lasting
    @once(8)
    def ...
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from typing import ParamSpec, TypeVar

from cachetools import LRUCache, cached

from vae_explorer.ui.shell import private

UI = __name__.rsplit(".", 2)[0]

P = ParamSpec("P")
T = TypeVar("T")

_LASTING: set[int] = set()


def once(most: int) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Returns a cache of so many results, as `functools.lru_cache`; of all who ask for one at once, one computes it.

    Streamlit's do that too, and take 0.3 ms to look up, of which a click does ten.
    """
    return cached(LRUCache(most), condition=threading.Condition())


def lasting(cache: T) -> T:
    """Marks a cache of the module level as one that does not depend on the images of any data set."""
    _LASTING.add(id(cache))
    return cache


def forget_images() -> None:
    """Empties every cache of the app that does not last, after a data set was added, deleted or downloaded."""
    for _, cache, clear in found():
        if id(cache) not in _LASTING:
            clear()


def found() -> Iterator[tuple[str, object, Callable[[], None]]]:
    """Yields the name of each cache of the app's modules, the cache itself, and what empties it."""
    for module in [module for name, module in list(sys.modules.items()) if name.startswith(f"{UI}.") and module]:
        for name, value in list(vars(module).items()):
            clear = getattr(value, "cache_clear", None) or getattr(value, "clear", None)
            own = type(value).__module__.startswith(f"{UI}.")
            ours = own or private.is_cached(value) or hasattr(value, "cache_clear")
            if clear is not None and ours and not isinstance(value, type):
                yield f"{module.__name__}.{name}", value, clear
