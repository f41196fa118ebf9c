"""Works for both sides at once, watched from the thread that shows how far they have come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

T = TypeVar("T")
Show = Callable[[float], None]

LOOK = 0.05  # s between two looks at how far they are
_POOL = ThreadPoolExecutor(4, "side")


class Stopped(Exception):
    """Nobody waits for the work any more."""


def side_by_side(works: Sequence[Callable[[Show], T]], show: Show) -> list[Future[T]]:
    """Returns works that are done, or failed.

    Arguments:
        works: Each is given what it tells its rising fraction done.
        show: Told their mean now and then, by this thread. What it raises ends all of them.
    """
    done = [0.0] * len(works)
    stopped = threading.Event()

    def teller(k: int) -> Show:
        def tell(share: float) -> None:
            if stopped.is_set():
                raise Stopped
            done[k] = share

        return tell

    made = [_POOL.submit(work, teller(k)) for k, work in enumerate(works)]
    try:
        while wait(made, timeout=LOOK).not_done:
            show(sum(done) / len(done))
        show(1.0)
    finally:
        stopped.set()
    return made
