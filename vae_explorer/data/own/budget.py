"""What one upload may cost in sum: time, pixels, what it inflates to; and its end when the visitor goes."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import IO, TypeVar

from vae_explorer.data.images import DataError

# Each bound is a sum that small uploads have and a slope for larger ones: an honest file grows with its content.
SECONDS, SECONDS_A_BYTE = 5.0, 8e-6  # of computing, all threads together; a photograph of 3 MB decodes in 0.1
PIXELS, PIXELS_A_BYTE = 500_000_000, 500  # decoded; black and white masks as PNG come to 350 a byte
BYTES, BYTES_A_BYTE = 256 * 2**20, 1_100  # inflated; deflate reaches 1,032 at most
MOST_BYTES = 8 * 2**30
KEPT, KEPT_A_BYTE = 256 * 2**20, 8  # that the images may take in memory once they are read
BEAT = 0.2  # seconds between two looks whether the visitor is still there
STALL = 15.0  # seconds that one image may take in a codec, which nothing can interrupt

T = TypeVar("T")
_MB = 2**20


class Budget:
    """Bounds the work that an upload causes. Called with the fraction done, it reports that.

    Whatever the report raises (Streamlit does when the visitor has gone) ends the work: it is raised again by every
    later call, in all threads, also where a codec has swallowed it.

    Arguments:
        size: Bytes of the upload.
        report: Called by the thread that made this, with the rising fraction done, and again while that stands still.
    """

    def __init__(self, size: int, report: Callable[[float], None] = lambda _: None) -> None:
        self._size, self._report, self._share = size, report, 0.0
        self._owner, self._mine, self._lock = threading.get_ident(), threading.local(), threading.Lock()
        self.alone = threading.RLock()  # held by whatever needs much memory
        self.room = KEPT + KEPT_A_BYTE * size  # bytes that the images may take
        self._beaten = time.monotonic()
        self._end: BaseException | None = None
        self._seconds, self._pixels, self._bytes = 0.0, 0, 0

    def __call__(self, share: float) -> None:
        """Reports the fraction done."""
        self._share = share
        self._beaten = -1.0
        self.check()

    def check(self) -> None:
        """Raises if the work is to end. Cheap: call it in every loop whose length a file decides.

        Raises:
            DataError: If something is spent.
            BaseException: What the report has raised.
        """
        now, before = time.thread_time(), getattr(self._mine, "seconds", None)
        self._mine.seconds = now
        with self._lock:
            self._seconds += 0.0 if before is None else now - before
        if self._end is None and self._seconds > SECONDS + SECONDS_A_BYTE * self._size:
            self.cancel(_too_long(self._seconds))
        if self._end is None and threading.get_ident() == self._owner and time.monotonic() - self._beaten > BEAT:
            try:
                self._report(self._share)
            except BaseException as error:
                self.cancel(error)
                raise
            self._beaten = time.monotonic()
        if self._end is not None:
            raise self._end

    def cancel(self, why: BaseException) -> None:
        """Ends the work: every later call raises this."""
        self._end = self._end or why

    def pixels(self, count: int) -> None:
        """Counts pixels before they are decoded."""
        with self._lock:
            self._pixels += count
        if self._pixels > PIXELS + PIXELS_A_BYTE * self._size:
            self.cancel(
                DataError(
                    f"The images come to more than {self._pixels / 1e6:,.0f} million pixels, far more than a file of "
                    f"{_megabytes(self._size)} should hold. Save them smaller (64 x 64 pixels are all that is used), "
                    "and upload those."
                )
            )
        self.check()

    def inflated(self, count: int) -> None:
        """Counts bytes that came out of an archive."""
        with self._lock:
            self._bytes += count
        if self._bytes > min(MOST_BYTES, BYTES + BYTES_A_BYTE * self._size):
            self.cancel(
                DataError(
                    f"The file of {_megabytes(self._size)} unpacks to more than {_megabytes(self._bytes)}. Save fewer "
                    "or smaller images, and upload those."
                )
            )
        self.check()

    def wait(self, future: Future[T]) -> T:
        """Returns what a future will hold. What takes too long is left alone, and the upload ends.

        Raises:
            DataError: If it took too long, or something is spent.
        """
        until = time.monotonic() + STALL
        while True:
            try:
                return future.result(BEAT)
            except TimeoutError:
                if future.done():
                    raise
                if time.monotonic() > until:
                    self.cancel(_too_long(STALL))
                self.check()


class Once(io.RawIOBase):
    """A stream that can be sought in but is read once: what has come is kept, so that no seek inflates again.

    Arguments:
        source: Read forwards only.
        budget: What comes counts as inflated, and each read asks it.
        most: Bytes that are kept at most; then the file seems to end.
    """

    def __init__(self, source: IO[bytes], budget: Budget, most: int) -> None:
        super().__init__()
        self._source, self._budget, self._most = source, budget, most
        self._known, self._at = bytearray(), 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._budget.check()
        if whence == io.SEEK_END:
            self._fill(self._most)
        at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._known)}[whence]
        if at < 0:
            raise ValueError(f"negative seek value {at}")
        self._at = at
        return at

    def read(self, size: int | None = -1) -> bytes:
        """Returns so many bytes, fewer at the end."""
        self._budget.check()
        until = self._most if size is None or size < 0 else self._at + size
        self._fill(until)
        found = bytes(memoryview(self._known)[self._at : until])
        self._at += len(found)
        return found

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def _fill(self, until: int) -> None:
        while len(self._known) < min(until, self._most):
            chunk = self._source.read(min(_MB, max(2**13, until - len(self._known)), self._most - len(self._known)))
            if not chunk:
                return
            self._budget.inflated(len(chunk))
            self._known += chunk


def _too_long(seconds: float) -> DataError:
    return DataError(
        f"Reading was stopped after {seconds:.0f} seconds of computing, more than a file of this size should need: "
        "it is damaged, or made to keep a computer busy. Save the images again, as PNG files in a new zip, and upload "
        "that."
    )


def _megabytes(size: int) -> str:
    return f"{size / _MB:,.0f} MB" if size >= _MB else f"{size / 2**10:,.0f} KB"
