"""Both sides' works at once: results, failures, how far they are, and that they end when nobody waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from vae_explorer.ui.compare.together import Stopped, side_by_side

Show = Callable[[float], None]


def test_both_run_at_once_and_each_keeps_its_own_result_or_failure() -> None:
    meeting = threading.Barrier(2, timeout=10)  # broken unless both are there

    def fine(_: Show) -> str:
        meeting.wait()
        return "left"

    def ill(_: Show) -> str:
        meeting.wait()
        raise ValueError("right")

    left, right = side_by_side([fine, ill], lambda _: None)
    assert left.result() == "left"
    with pytest.raises(ValueError, match="right"):
        right.result()


def test_their_mean_is_told_by_the_thread_that_waits() -> None:
    told: list[float] = []
    threads: set[int] = set()
    seen = threading.Event()

    def show(share: float) -> None:
        told.append(share)
        threads.add(threading.get_ident())
        if share == pytest.approx(0.3):
            seen.set()

    def work(share: float) -> Callable[[Show], None]:
        def run(tell: Show) -> None:
            tell(share)
            seen.wait(10)

        return run

    side_by_side([work(0.2), work(0.4)], show)
    assert pytest.approx(0.3) in told
    assert told == sorted(told)
    assert told[-1] == 1
    assert threads == {threading.get_ident()}


def test_what_the_teller_raises_ends_both() -> None:
    class Left(Exception):
        pass

    ended: list[int] = []

    def work(tell: Show) -> None:
        try:
            while True:
                tell(0.5)
                time.sleep(0.01)
        except Stopped:
            ended.append(1)
            raise

    def leave(_: float) -> None:
        raise Left

    with pytest.raises(Left):
        side_by_side([work, work], leave)
    deadline = time.monotonic() + 10
    while len(ended) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(ended) == 2
