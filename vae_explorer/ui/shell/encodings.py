"""Codes of all images shown, at the KL weights asked for lately: one is computed at a time, in bounded memory.

Encoding takes all cores and hundreds of megabytes for a moment. Whoever asks for one that is not there waits until the
one before is done: many at once would take no less time, and all the memory.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

from vae_explorer.latent.model import Encoding

MOST_BYTES = 256 * 2**20


class Encodings:
    """The encodings used last, by key; shared by all sessions, never changed."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self.most = most
        self.kept: OrderedDict[Hashable, Encoding] = OrderedDict()
        self.looking = threading.Lock()
        self.working = threading.Lock()

    def get(self, key: Hashable, encode: Callable[[], Encoding]) -> Encoding:
        """Returns what is kept under a key, or else what `encode` returns."""
        found = self._look(key)
        if found is not None:
            return found
        with self.working:
            found = self._look(key)  # another thread may have made it meanwhile
            return self._keep(key, encode()) if found is None else found

    def clear(self) -> None:
        with self.looking:
            self.kept.clear()

    def _look(self, key: Hashable) -> Encoding | None:
        with self.looking:
            if key in self.kept:
                self.kept.move_to_end(key)
            return self.kept.get(key)

    def _keep(self, key: Hashable, made: Encoding) -> Encoding:
        with self.looking:
            self.kept[key] = made
            while len(self.kept) > 1 and self._bytes() > self.most:
                self.kept.popitem(last=False)
        return made

    def _bytes(self) -> int:
        return sum(each.nbytes for encoding in self.kept.values() for each in encoding)
