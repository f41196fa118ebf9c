"""Images from many files, of an archive or a folder: measured, decoded, and told apart by what is known of them."""

from __future__ import annotations

import functools
import io
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import IO, NamedTuple

from vae_explorer.data.images import DataError
from vae_explorer.data.own import beside
from vae_explorer.data.own.beside import Table
from vae_explorer.data.own.budget import Budget, Once
from vae_explorer.data.own.labelling import NO_CLASSES, Labelling, labelled
from vae_explorer.data.own.members import Member
from vae_explorer.data.own.pictures import BROKEN, Outline, Picture, Refused, decode_pages, outline_of
from vae_explorer.data.own.reading import Reading, Size
from vae_explorer.data.own.stacks import MOST, Skipped, Stack, Upload, demand_usable, outline, same_shape, working_size
from vae_explorer.data.own.values import NOTHING, STANDARD, Kind, Range, choosable, ends, words

MOST_FILE = 64 * 2**20  # bytes of one image file, unpacked
_MEASURING = 0.25  # the share of the bar that sizes take
_TURN = 128  # files that are decoded between two reports
_WORKERS = min(4, os.cpu_count() or 1)  # Pillow decodes outside Python's lock
_LARGE, _HEAVY = 4_000_000, 8 * 2**20  # pixels and bytes of a file that is decoded alone, to bound the memory


class _Found(NamedTuple):
    member: Member
    size: Size
    pages: tuple[int, ...]

    @property
    def heavy(self) -> bool:
        return self.size[0] * self.size[1] > _LARGE or self.member.size > _HEAVY


class _Read(NamedTuple):
    """What is gathered image by image."""

    stack: Stack
    paths: list[str]  # of the images in the stack
    skipped: list[Skipped]
    notes: Counter[str]
    ranges: dict[Kind, Range]  # of all values


def read_members(members: Sequence[Member], reading: Reading, budget: Budget) -> Upload:
    """Reads all images among some files.

    Raises:
        DataError: If there are too few images, or all are the same; or if something is spent.
    """
    skipped: list[Skipped] = []
    found = _measure(members, skipped, budget)
    if not found:
        _table(members, [], skipped, budget)
        demand_usable(Stack(0, (1, 1)).pixels, skipped)
    sizes = Counter({each.size: 0 for each in found})
    for each in found:
        sizes[each.size] += len(each.pages)
    size = working_size(sizes)
    read = _read_all(found, size, reading, STANDARD, budget, (_MEASURING, 0.4))
    black_white = STANDARD | {kind: ends(each, kind, reading.values) for kind, each in read.ranges.items()}
    if black_white != STANDARD:  # only now all values are known
        read.stack.forget()
        read = _read_all(found, size, reading, black_white, budget, (0.65, 0.35))
    skipped += read.skipped
    table, about_table = _table(members, read.paths, skipped, budget)
    demand_usable(read.stack.pixels, skipped)
    labels = labelled(read.paths, table, reading)
    budget(1.0)
    return _upload(read, sizes, reading, labels, skipped, about_table)


def _upload(
    read: _Read,
    sizes: Counter[Size],
    reading: Reading,
    labels: Labelling,
    skipped: list[Skipped],
    about_table: list[str],
) -> Upload:
    about_values = [each for kind, found in read.ranges.items() for each in words(found, kind, reading.values)]
    mixed = not same_shape(sizes)
    asks = {
        "fit": mixed,
        "ground": (mixed and reading.fit == "pad") or read.notes["clear"],
        "values": any(choosable(found, kind) for kind, found in read.ranges.items()),
        "classes": len(labels.class_options) > 2 or (labels.class_options[:1] == (NO_CLASSES,)),
        "group": len(labels.group_options) > 1,
    }
    return Upload(
        pixels=read.stack.pixels,
        labels=labels.labels,
        names=labels.names,
        sizes=outline(sizes),
        range=functools.reduce(Range.with_, read.ranges.values(), NOTHING),
        skipped=tuple(skipped),
        notes=(*labels.notes, *about_table, *about_values, *_sentences(read.notes, reading)),
        asks=frozenset(name for name, matters in asks.items() if matters),
        files=tuple(read.paths),
        columns=labels.columns,
        groups=labels.groups,
        grouped_by=labels.grouped_by,
        class_options=labels.class_options,
        group_options=labels.group_options,
    )


def _measure(members: Sequence[Member], skipped: list[Skipped], budget: Budget) -> list[_Found]:
    """Returns the files that are images, by their headers; hidden ones where there are few others."""
    found = []
    images = 0
    for done, member in enumerate(members, 1):
        if not _is_table(member):
            try:
                size, pages = _outline(member, budget)
                found.append(_Found(member, size, pages))
                images += len(pages)
            except Refused as error:
                skipped.append(Skipped(member.path, str(error)))
            except BROKEN as error:
                skipped.append(Skipped(member.path, f"damaged in the archive ({error})"))
        if images > MOST:
            raise DataError(f"There are more than {MOST:,} images. Upload fewer, for instance every tenth.")
        if done % _TURN == 0:
            budget(_MEASURING * done / len(members))
        budget.check()
    visible = [each for each in found if not each.member.hidden]
    if 2 * len(visible) >= len(found):  # else the user's own images are the hidden ones
        skipped += [Skipped(each.member.path, "in a hidden folder, or hidden") for each in found if each.member.hidden]
        return visible
    return found


def _outline(member: Member, budget: Budget) -> Outline:
    if member.refused:
        raise Refused(member.refused)
    if not member.size:
        raise Refused("no image: the file is empty")
    if member.size > MOST_FILE:
        raise Refused(f"{member.size / 2**20:,.0f} MB unpacked: {MOST_FILE // 2**20} MB is the most for one image")
    with member.open() as file:
        return outline_of(once(file, budget))


def once(file: IO[bytes], budget: Budget) -> IO[bytes]:
    """Returns a file that a decoder may seek in as it likes, within the budget."""
    return io.BufferedReader(Once(file, budget, MOST_FILE))


def _is_table(member: Member) -> bool:
    return member.path.lower().endswith(beside.ENDINGS) and not member.refused


def _table(
    members: Sequence[Member], paths: list[str], skipped: list[Skipped], budget: Budget
) -> tuple[Table | None, list[str]]:
    """Returns the table that names most images, and what to say of the others."""
    best: Table | None = None
    for member in filter(_is_table, members):
        if member.size > beside.MOST_BYTES:
            skipped.append(Skipped(member.path, f"a table of more than {beside.MOST_BYTES // 2**20} MB"))
            continue
        try:
            with member.open() as file:
                content = Once(file, budget, beside.MOST_BYTES).read()
        except BROKEN as error:
            skipped.append(Skipped(member.path, f"damaged in the archive ({error})"))
            continue
        found = beside.read_table(member.path, content, paths, budget.check)
        if found is None:
            skipped.append(Skipped(member.path, "no image, and no table that names the images"))
        elif best is None or found.matched > best.matched:
            best = found
    if best is None or best.matched == len(paths):
        return best, []
    return best, [f"{best.file} has no row for {len(paths) - best.matched:,} of the images."]


def _read_all(
    found: list[_Found],
    size: Size,
    reading: Reading,
    black_white: Mapping[Kind, Range],
    budget: Budget,
    bar: tuple[float, float],
) -> _Read:
    """Decodes the images one after the other."""
    read = _Read(Stack(sum(len(each.pages) for each in found), size, budget.room), [], [], Counter(), {})
    for done, (path, picture) in enumerate(_decoded(found, size, reading, black_white, budget), 1):
        if isinstance(picture, Picture):
            read.stack.add(picture.pixels)
            read.paths.append(path)
            read.notes.update(name for name in ("animated", "clear", "deep") if getattr(picture, name))
            read.ranges[picture.kind] = read.ranges.get(picture.kind, NOTHING).with_(picture.found)
        else:
            read.skipped.append(Skipped(path, str(picture)))
        if done % _TURN == 0:
            budget(bar[0] + bar[1] * min(1.0, done / len(found)))
    read.notes["pages"] = sum(len(each.pages) for each in found if len(each.pages) > 1)
    return read


def _decoded(
    found: list[_Found], size: Size, reading: Reading, black_white: Mapping[Kind, Range], budget: Budget
) -> Iterator[tuple[str, Picture | Refused]]:
    """Yields each image, or why it is left out, in the files' order."""

    def read(each: _Found) -> list[Picture | Refused]:
        try:
            with budget.alone if each.heavy else nullcontext(), each.member.open() as opened:
                file = once(opened, budget)
                return list(decode_pages(file, each.pages, size, reading, black_white, budget.pixels))
        except BROKEN as error:
            return [Refused(f"damaged in the archive ({error})")]

    pool = ThreadPoolExecutor(_WORKERS)
    try:
        for start in range(0, len(found), _TURN):
            turn = found[start : start + _TURN]
            futures = [pool.submit(read, each) for each in turn]
            for each, future in zip(turn, futures, strict=True):
                pictures = budget.wait(future)
                for page, picture in zip(each.pages, pictures, strict=False):
                    yield each.member.path + f" page {page + 1}" * (len(each.pages) > 1), picture
    finally:  # never wait for a codec that hangs
        pool.shutdown(wait=False, cancel_futures=True)


def _sentences(notes: Counter[str], reading: Reading) -> list[str]:
    texts = {
        "pages": "are pages of TIFF files.",
        "animated": "animated: the first frame is used.",
        "clear": f"with transparent pixels: what lies behind them is {reading.ground}.",
        "deep": "with more than 8 bits a pixel.",
    }
    return [f"{notes[name]:,} image{'s' * (notes[name] != 1)} {text}" for name, text in texts.items() if notes[name]]
