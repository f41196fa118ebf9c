"""A budget bounds what an upload costs in sum, and ends when nobody waits any more."""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import IO

import pytest

from vae_explorer.data import DataError
from vae_explorer.data.own import budget
from vae_explorer.data.own.budget import Budget, Once


class Gone(BaseException):
    """What Streamlit raises in a script whose visitor has left."""


def gone(_: float) -> None:
    raise Gone


def test_the_sum_of_pixels_is_bounded_and_grows_with_the_file() -> None:
    small, large = Budget(0), Budget(10_000_000)
    small.pixels(500_000_000)
    with pytest.raises(DataError, match="64 x 64 pixels"):
        small.pixels(1)
    large.pixels(5_500_000_000)
    with pytest.raises(DataError):
        large.pixels(1)


def test_the_sum_of_bytes_is_bounded() -> None:
    spent = Budget(1_000)
    spent.inflated(256 * 2**20 + 1_100_000)
    with pytest.raises(DataError, match="unpacks to more than"):
        spent.inflated(1)


def test_computing_of_all_threads_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "SECONDS", 0.05)
    spent = Budget(0)

    def work() -> None:
        spent.check()
        until = time.thread_time() + 0.03  # alone within the bound
        while time.thread_time() < until:
            pass
        spent.check()

    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        one.submit(work).result()
        with pytest.raises(DataError, match="stopped after"):
            other.submit(work).result()


def test_waiting_costs_nothing() -> None:
    patient = Budget(0)
    patient.check()
    time.sleep(0.01)
    patient.check()
    assert patient._seconds < 0.01


def test_what_the_report_raises_is_raised_again_in_every_thread() -> None:
    left = Budget(0, gone)
    with pytest.raises(Gone):
        left(0.5)
    with pytest.raises(Gone):
        left.check()
    with ThreadPoolExecutor(1) as pool, pytest.raises(Gone):
        pool.submit(left.check).result()


def test_a_long_read_asks_whether_the_visitor_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """No fraction changes while one file is read: the report is called all the same."""
    monkeypatch.setattr(budget, "BEAT", -1.0)
    shares: list[float] = []

    def leave(share: float) -> None:
        shares.append(share)
        if len(shares) > 2:
            raise Gone

    read = Once(io.BytesIO(bytes(100)), Budget(100, leave), 100)
    read.seek(0)
    read.seek(0)
    with pytest.raises(Gone):
        read.seek(0)
    assert shares == [0.0] * 3


def test_a_hung_codec_does_not_keep_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "STALL", 0.0)
    monkeypatch.setattr(budget, "BEAT", 0.01)
    release = Event()
    with ThreadPoolExecutor(1) as pool:
        try:
            with pytest.raises(DataError, match="stopped after"):
                Budget(0).wait(pool.submit(release.wait))
        finally:
            release.set()


class Counting(io.BytesIO):
    """Counts the bytes that it gave."""

    given = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.given += len(found)
        return found


def test_a_stream_is_read_once_however_often_it_is_sought_in() -> None:
    content = bytes(range(256)) * 400
    source = Counting(content)
    kept, plain = Once(source, Budget(1), len(content)), io.BytesIO(content)
    steps = [(0, 8), (50_000, 100), (8, 10), (102_390, 100), (0, -1), (200_000, 5), (3, 0)]
    for at, size in steps:
        assert both(kept, at, size) == both(plain, at, size)
    assert kept.seek(-10, io.SEEK_END) == len(content) - 10
    assert kept.read() == content[-10:]
    assert source.given == len(content)
    with pytest.raises(ValueError, match="negative"):
        kept.seek(-1)


def both(file: IO[bytes] | io.RawIOBase, at: int, size: int) -> tuple[int, bytes | None, int]:
    return file.seek(at), file.read(size), file.tell()


def test_a_stream_ends_where_its_bound_is() -> None:
    assert Once(io.BytesIO(bytes(1_000)), Budget(1), 64).read() == bytes(64)
