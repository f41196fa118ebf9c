"""Brings a data set of the MNIST family into the data folder, whole or not at all."""

from __future__ import annotations

import math
import shutil
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

from filelock import FileLock, Timeout

from vae_explorer.data.fetch import Archive, FetchError, fetch
from vae_explorer.data.idx import IdxFiles
from vae_explorer.data.images import DataError
from vae_explorer.data.torchvision_cpu import import_torchvision

Progress = Callable[[float], None]

_FETCHED = 0.95  # the share of the bar that fetching takes; checking and unpacking get the rest


def download_files(files: IdxFiles, root: Path, progress: Progress) -> None:
    """Downloads, checks and unpacks a data set.

    All work is done in a folder beside the target. The files move to their place only when all are
    complete and checked, each in one step, so whatever interrupts this leaves no half file that could
    be read. Other files in the target are left alone.

    Arguments:
        files: What to bring.
        root: The data folder; it is made if it is missing.
        progress: Called with the rising fraction done; 1 comes last, when the data is in place.

    Raises:
        DataError: If no mirror can be reached, the folder cannot be written, or the same download is
            already running.
    """
    target = files.raw(root)
    partial = target.with_name(".partial")
    try:
        target.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(".lock"), timeout=0):
            shutil.rmtree(partial, ignore_errors=True)  # left by a try that was killed
            try:
                _bring(files, partial, _rising(progress), target)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    except Timeout as error:
        raise DataError(f"{files.title} is already being downloaded to {target}; wait for that to end.") from error
    except OSError as error:
        raise DataError(
            f"Cannot write to the data folder {root} ({error.strerror or error}). Give it space and write permission, "
            "or name another folder in the environment variable VAE_EXPLORER_DATA."
        ) from error
    progress(1.0)


def archives(files: IdxFiles) -> list[Archive]:
    """Returns what torchvision would download for this data set."""
    source = getattr(import_torchvision().datasets, files.folder)
    if hasattr(source, "url"):  # EMNIST: one archive for all its splits
        return [Archive((source.url,), "gzip.zip", source.md5, 1.0)]
    # The sizes of the unpacked files are known without a network, and their ratios are near enough.
    sizes = {f"{name}.gz": math.prod(shape) for name, shape in files.shapes().items()}
    total = sum(sizes.values())
    return [
        Archive(tuple(mirror + name for mirror in source.mirrors), name, md5, sizes[name] / total)
        for name, md5 in source.resources
    ]


def _bring(files: IdxFiles, partial: Path, progress: Progress, target: Path) -> None:
    unpacked = files.raw(partial)
    unpacked.mkdir(parents=True)
    done = 0.0
    for archive in archives(files):
        try:
            fetch(archive, partial / archive.name, _stretch(progress, done, archive.share))
        except FetchError as error:
            raise DataError(
                f"Cannot download {files.title}: {error}. Check the network connection, "
                f"or copy the unpacked files {', '.join(files.shapes())} to {target}."
            ) from error
        _unpack(partial / archive.name, files.shapes(), unpacked)
        done += archive.share
    if flaws := files.flaws(partial):
        raise DataError(f"Cannot use what was downloaded for {files.title}: {flaws[0].text}")
    for name in files.shapes():
        (unpacked / name).replace(target / name)


def _unpack(packed: Path, names: Iterable[str], folder: Path) -> None:
    extract_archive = import_torchvision().datasets.utils.extract_archive
    if packed.suffix != ".zip":
        extract_archive(str(packed), str(folder), remove_finished=True)
        return
    # EMNIST's archive unpacks to 2 GB for its six splits: we take one.
    with zipfile.ZipFile(packed) as archive:
        for name in names:
            inner = archive.extract(f"gzip/{name}.gz", packed.parent)
            extract_archive(inner, str(folder), remove_finished=True)


def _stretch(progress: Progress, done: float, share: float) -> Progress:
    return lambda fraction: progress(_FETCHED * (done + share * fraction))


def _rising(progress: Progress) -> Progress:
    """Drops what would move the bar back: a second mirror starts its file again."""
    best = 0.0

    def report(fraction: float) -> None:
        nonlocal best
        if fraction > best:
            best = fraction
            progress(fraction)

    return report
