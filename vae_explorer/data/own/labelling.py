"""What is known of images: their classes, numbers, and what keeps them together, each by a choice that is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_explorer.data.images import DataError
from vae_explorer.data.own.beside import Table
from vae_explorer.data.own.reading import Reading
from vae_explorer.data.own.sources import COLUMN, FOLDERS, NAMES, NONE, Source, groups, likeliest, sources
from vae_explorer.data.own.stacks import MOST_CLASSES, UNLABELLED, Option, classes
from vae_explorer.text import shown

_TOLD = 4  # values that name a source
_MISSING = {FOLDERS: "no folder", NAMES: "other names", COLUMN: "no label"}
NO_CLASSES, NO_GROUP = Option(NONE, "No classes"), Option(NONE, "Each by itself")


class Labelling(NamedTuple):
    """What is known of each image; see `Upload`."""

    labels: NDArray[np.int64]
    names: tuple[str, ...]
    columns: Mapping[str, NDArray[np.float64]]
    groups: NDArray[np.int64] | None
    grouped_by: str
    class_options: tuple[Option, ...]
    group_options: tuple[Option, ...]
    notes: tuple[str, ...]


def labelled(paths: Sequence[str], table: Table | None, reading: Reading) -> Labelling:
    """Returns what is known of images by their files' paths and a table.

    Raises:
        DataError: If the reading asks for classes or groups that there are not.
    """
    found = sources(paths, table)
    proposed = likeliest(found, table)
    offered = [each for each in found if len(set(each.values)) <= MOST_CLASSES]
    class_options = _options(offered, proposed, NO_CLASSES)
    chosen = _chosen(reading.classes, found, proposed, class_options, "Classes")
    together = groups(found, chosen)
    group_options = _options(together, None, NO_GROUP)
    asked = _chosen(reading.group, found, None, group_options, "Groups")
    group = asked if asked in together else None  # which may have become the classes since
    labels, names, notes = _classes(chosen, len(paths))
    columns = {name: each for name, each in (table.numbers if table else {}).items() if not _is(chosen, name)}
    return Labelling(
        labels=labels,
        names=names,
        columns=columns,
        groups=_numbered(group) if group else None,
        grouped_by=group.title if group else "",
        class_options=class_options if offered else (),
        group_options=group_options if together else (),
        notes=(
            *(notes if chosen else _why_none(found, reading.classes)),
            *_about_classes(chosen, found),
            *_about_columns(columns, table),
            *_about_groups(group, together),
        ),
    )


def _options(offered: Sequence[Source], first: Source | None, none: Option) -> tuple[Option, ...]:
    """Returns the proposal before the others."""
    options = [Option(each.key, f"{each.title} ({_told(each)})") for each in offered]
    if first is None:
        return none, *options
    return (
        *(each for each in options if each.key == first.key),
        *(each for each in options if each.key != first.key),
        none,
    )


def _chosen(
    key: str, found: Sequence[Source], proposed: Source | None, options: Sequence[Option], what: str
) -> Source | None:
    if not key:
        return proposed
    if key == NONE:
        return None
    try:
        return next(each for each in found if each.key == key)
    except StopIteration:
        keys = ", ".join(shown(option.key) for option in options)
        raise DataError(f"{what} cannot be read from {shown(key)!r}. Choose one of these: {keys}.") from None


def _classes(chosen: Source | None, count: int) -> tuple[NDArray[np.int64], tuple[str, ...], list[str]]:
    if chosen is None:
        return np.zeros(count, np.int64), UNLABELLED, []
    missing = _MISSING[chosen.key.partition(" ")[0].removesuffix("s") if chosen.key != NAMES else NAMES]
    return classes([value or missing for value in chosen.values])


def _numbered(group: Source) -> NDArray[np.int64]:
    """Returns the group of each image by number; one without a group is alone."""
    index = {value: k for k, value in enumerate(group.kinds) if value}
    alone = len(index)
    return np.array([index[value] if value else alone + k for k, value in enumerate(group.values)], np.int64)


def _is(chosen: Source | None, column: str) -> bool:
    return chosen is not None and chosen.key == f"{COLUMN} {column}"


def _told(source: Source) -> str:
    kinds = [shown(kind, 24) for kind in source.kinds if kind]
    return ", ".join(kinds[:_TOLD]) + (f", … {len(kinds):,} in all" if len(kinds) > _TOLD else "")


def _about_classes(chosen: Source | None, found: Sequence[Source]) -> list[str]:
    notes = []
    if chosen and not chosen.plain:
        title = chosen.title[0].lower() + chosen.title[1:]
        notes.append(f"Classes are read from {shown(title, 120)}: {_told(chosen)}.")
    for each in found:
        if each.key.startswith(f"{FOLDERS} ") and each.is_split and each is not chosen:
            names = " and ".join(shown(kind, 24) for kind in each.kinds if kind)
            notes.append(f"The folders {names} are taken for parts and not for classes; all images are divided anew.")
    return notes


def _why_none(found: Sequence[Source], asked: str) -> list[str]:
    """Returns why there are no classes, where folders or columns look as if there were."""
    many = [each for each in found if not each.is_split and len(set(each.values)) > MOST_CLASSES]
    if asked == NONE or not many:
        return []
    count = min(len(set(each.values)) for each in many)
    return [f"{count:,} classes are more than {MOST_CLASSES}, which can be told apart: read without labels."]


def _about_columns(columns: Mapping[str, NDArray[np.float64]], table: Table | None) -> list[str]:
    if table is None or not columns:
        return []
    names = [shown(name, 24) for name in columns]
    more = f", … {len(names)} in all" if len(names) > _TOLD else ""
    return [f"Numbers are kept from {shown(table.file)}: {', '.join(names[:_TOLD])}{more}."]


def _about_groups(group: Source | None, offered: Sequence[Source]) -> list[str]:
    if group:
        count = len(set(group.values))
        return [f"Images that are alike in {shown(group.title, 120)} stay in one part: {count:,} groups."]
    return [
        f"Images of one of {_told(each)} may come to lie in the training and the test part alike: choose them as "
        "groups to keep each together."
        for each in offered
        if each.is_occasion
    ][:1]
