"""Brings one file from the network; the only module that touches it."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from vae_explorer.data.torchvision_cpu import import_torchvision

_CHUNK = 256 * 1024  # bytes
_PATIENCE = 15.0  # seconds without an answer
_UNREACHED = (URLError, ConnectionError, TimeoutError, HTTPException)


class Archive(NamedTuple):
    """A packed file on the network."""

    urls: tuple[str, ...]  # the same file on each mirror
    name: str
    md5: str
    share: float  # of the whole download, approximately; the shares of a data set sum to 1


class FetchError(Exception):
    """No mirror gave the file; the message says what each of them did."""


def fetch(archive: Archive, path: Path, progress: Callable[[float], None]) -> None:
    """Writes the file to `path` from the first mirror that gives it whole.

    Arguments:
        archive: What to fetch.
        path: The file to write; it holds no whole file if this raises.
        progress: Called with the fraction of the file received; falls back to 0 with the next mirror.

    Raises:
        FetchError: If no mirror gives the file with the checksum that torchvision expects.
        OSError: If the file cannot be written.
    """
    check_integrity = import_torchvision().datasets.utils.check_integrity
    failures = []
    for url in archive.urls:
        host = urlsplit(url).netloc
        try:
            _receive(url, path, progress)
        except _UNREACHED as error:
            failures.append(f"cannot reach {host} ({getattr(error, 'reason', error)})")
            continue
        if check_integrity(path, archive.md5):
            return
        failures.append(f"the file from {host} has the wrong checksum")
    raise FetchError("; ".join(failures))


def _receive(url: str, path: Path, progress: Callable[[float], None]) -> None:
    request = Request(url, headers={"User-Agent": "vae-explorer"})
    with urlopen(request, timeout=_PATIENCE) as response, path.open("wb") as file:
        total = response.length  # bytes, or None; it shrinks as we read
        received = 0
        while chunk := response.read(_CHUNK):
            file.write(chunk)
            received += len(chunk)
            if total:
                progress(received / total)
    if total and received < total:  # read() reports a cut connection like the end of the file
        raise ConnectionError(f"connection cut off after {received:,} of {total:,} bytes")
