"""A zip of image files: each member is read in memory, after its declarations have been checked."""

from __future__ import annotations

import functools
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

from vae_explorer.data.images import DataError
from vae_explorer.data.own.pictures import BROKEN, Picture, Reading, Refused, Size, decode, measure
from vae_explorer.data.own.stacks import (
    MOST,
    Progress,
    Skipped,
    Stack,
    Upload,
    classes,
    demand_usable,
    outline,
    same_shape,
    working_size,
)
from vae_explorer.data.own.values import NOTHING, STANDARD, Kind, Range, choosable, ends, words

MOST_FILE = 64 * 2**20  # bytes of one image file, unpacked
MOST_UNPACKED = 8 * 2**30  # bytes of all of them
_CENTRAL = b"PK\x01\x02"  # begins each entry of the list of contents
_MEASURING = 0.25  # the share of the bar that sizes take
_TURN = 128  # files that are decoded between two reports
_WORKERS = min(4, os.cpu_count() or 1)  # Pillow decodes outside Python's lock
_ENCRYPTED = 0x1
_BY_SYSTEMS = re.compile(r"(^|/)(__MACOSX/|\.|Thumbs\.db$|desktop\.ini$)", re.IGNORECASE)


class _Found(NamedTuple):
    info: ZipInfo
    folder: str
    size: Size


class _Read(NamedTuple):
    """What is gathered image by image."""

    stack: Stack
    folders: list[str]  # of the images in the stack
    skipped: list[Skipped]
    notes: Counter[str]
    ranges: dict[Kind, Range]  # of all values


def read_zip(archive: ZipFile, reading: Reading, progress: Progress) -> Upload:
    """Reads images from a zip; the folder that an image lies in is its class.

    Raises:
        DataError: If it holds too few images, or all are the same.
    """
    skipped: list[Skipped] = []
    found = _measure(archive, skipped, lambda share: progress(_MEASURING * share))
    if not found:
        demand_usable(Stack(0, (1, 1)).pixels, skipped)
    sizes = Counter(each.size for each in found)
    size = working_size(sizes)
    read = _read_all(archive, found, size, reading, STANDARD, lambda share: progress(_MEASURING + 0.4 * share))
    black_white = STANDARD | {kind: ends(each, kind, reading.values) for kind, each in read.ranges.items()}
    if black_white != STANDARD:  # only now all values are known
        read = _read_all(archive, found, size, reading, black_white, lambda share: progress(0.65 + 0.35 * share))
    skipped += read.skipped
    notes = read.notes
    pixels = read.stack.pixels
    demand_usable(pixels, skipped)
    labels, names, about_classes = classes(read.folders)
    about_values = [each for kind, found_ in read.ranges.items() for each in words(found_, kind, reading.values)]
    mixed = not same_shape(sizes)
    padded = mixed and reading.fit == "pad"
    progress(1.0)
    return Upload(
        pixels=pixels,
        labels=labels,
        names=names,
        sizes=outline(sizes),
        range=functools.reduce(Range.with_, read.ranges.values(), NOTHING),
        skipped=tuple(skipped),
        notes=(*about_classes, *about_values, *_sentences(notes, reading)),
        asks=frozenset(
            {
                *(["fit"] * mixed),
                *(["ground"] * bool(padded or notes["clear"])),
                *(["values"] * any(choosable(found_, kind) for kind, found_ in read.ranges.items())),
            }
        ),
    )


def open_zip(content: bytes) -> ZipFile:
    """Opens a zip whose declarations are within bounds.

    Raises:
        DataError: If they are not, or it is no zip.
    """
    # The list of contents is parsed at once, 1 KB a file in memory: so it is counted before.
    if content.count(_CENTRAL) > MOST:
        raise DataError(
            f"The zip holds more than {MOST:,} files. Make a smaller one, for instance of every tenth image."
        )
    try:
        archive = ZipFile(BytesIO(content))
    except BROKEN as error:
        raise DataError(f"The zip is damaged or cut off ({error}). Make it again, and upload that.") from error
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise DataError(
            f"The zip would unpack to {unpacked / 2**30:,.0f} GB, and {MOST_UNPACKED / 2**30:.0f} GB are read at most. "
            "Save the images smaller (64 x 64 pixels are all that is used), and upload those."
        )
    return archive


def _measure(archive: ZipFile, skipped: list[Skipped], progress: Progress) -> list[_Found]:
    """Returns the members that are images, by their headers."""
    found = []
    infos = archive.infolist()
    for done, info in enumerate(infos, 1):
        path = info.filename.replace("\\", "/")
        if not info.is_dir() and not _BY_SYSTEMS.search(path.replace("../", "")):
            try:
                _demand_harmless(info, path)
                with archive.open(info) as file:
                    size = measure(file)
                found.append(_Found(info, _folder(path), size))
            except Refused as error:
                skipped.append(Skipped(info.filename, str(error)))
            except BROKEN as error:
                skipped.append(Skipped(info.filename, f"damaged in the zip ({error})"))
        if done % _TURN == 0:
            progress(done / len(infos))
    return found


def _demand_harmless(info: ZipInfo, path: str) -> None:
    """Raises Refused for what no honest zip of images holds. Nothing is extracted, so this is a second wall."""
    if path.startswith("/") or re.match("[A-Za-z]:", path):
        raise Refused("an absolute path: use paths inside the zip")
    if ".." in path.split("/"):
        raise Refused("a path that climbs out of the zip: use paths inside it")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Refused("a link: put the image itself into the zip")
    if info.flag_bits & _ENCRYPTED:
        raise Refused("encrypted: make the zip without a password")
    if info.file_size > MOST_FILE:
        raise Refused(f"{info.file_size / 2**20:,.0f} MB unpacked: {MOST_FILE // 2**20} MB is the most for one image")


def _folder(path: str) -> str:
    return sys.intern(path.rpartition("/")[0].rpartition("/")[2])  # one string for all images of a class


def _read_all(
    archive: ZipFile,
    found: list[_Found],
    size: Size,
    reading: Reading,
    black_white: Mapping[Kind, Range],
    progress: Progress,
) -> _Read:
    """Decodes the images one after the other."""
    read = _Read(Stack(len(found), size), [], [], Counter(), {})
    for done, (each, picture) in enumerate(_decoded(archive, found, size, reading, black_white), 1):
        if isinstance(picture, Picture):
            read.stack.add(picture.pixels)
            read.folders.append(each.folder)
            read.notes.update(name for name in ("animated", "clear", "deep") if getattr(picture, name))
            read.ranges[picture.kind] = read.ranges.get(picture.kind, NOTHING).with_(picture.found)
        else:
            read.skipped.append(Skipped(each.info.filename, str(picture)))
        if done % _TURN == 0:
            progress(done / len(found))
    return read


def _decoded(
    archive: ZipFile, found: list[_Found], size: Size, reading: Reading, black_white: Mapping[Kind, Range]
) -> Iterator[tuple[_Found, Picture | Refused]]:
    """Yields each image, or why it is left out, in the zip's order."""

    def read(each: _Found) -> Picture | Refused:
        try:
            with archive.open(each.info) as file:
                return decode(file.read(MOST_FILE), size, reading, black_white)
        except Refused as error:
            return error
        except BROKEN as error:
            return Refused(f"damaged in the zip ({error})")

    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(found), _TURN):
            turn = found[start : start + _TURN]
            yield from zip(turn, pool.map(read, turn), strict=True)


def _sentences(notes: Counter[str], reading: Reading) -> list[str]:
    words = {
        "animated": "animated: the first frame is used.",
        "clear": f"with transparent pixels: what lies behind them is {reading.ground}.",
        "deep": "with more than 8 bits a pixel.",
    }
    return [f"{notes[name]:,} image{'s' * (notes[name] != 1)} {text}" for name, text in words.items() if notes[name]]
