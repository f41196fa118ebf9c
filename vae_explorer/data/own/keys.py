"""Which arrays of a file are images and which their labels: by the names that libraries and people give them."""

from __future__ import annotations

import re
from typing import NamedTuple

from vae_explorer.data.images import DataError
from vae_explorer.data.own.tables import Table, Tables
from vae_explorer.text import shown

# The first that is there is taken. NumPy names arrays without a name arr_0, arr_1.
_IMAGES = ("images", "image", "imgs", "img", "x", "data", "pixels", "faces", "fea", "arr_0")
_LABELS = ("labels", "label", "y", "targets", "target", "gnd", "arr_1")
_EITHER = "classes"  # of the images, or the classes' names
_NAMES = (_EITHER, "class_names", "label_names", "target_names", "classnames", "names", "categories")
_PARTS = {"train": "train", "training": "train", "tr": "train"} | {
    "val": "validation", "valid": "validation", "validation": "validation", "dev": "validation"
} | {"test": "test", "te": "test", "testing": "test"}  # fmt: skip
_TOGETHER = re.compile("(?<=[a-z])(?=[A-Z])|(?<=^[XYxy])(?=(?:train|test|val))")  # trainX, Xtrain
_ORDER = ("train", "", "validation", "test")
_SHOWN = 5


class Pair(NamedTuple):
    """Images, and what is said of each."""

    part: str  # one of PARTS, or nothing
    images: Table
    labels: Table | None


class Chosen(NamedTuple):
    """What of a file is used."""

    pairs: list[Pair]
    names: Table | None  # of the classes
    notes: tuple[str, ...]


def choose(tables: Tables) -> Chosen:
    """Returns the arrays that hold images, with their labels; several where they are parts of one data set.

    Raises:
        DataError: If there are none, or one that is needed cannot be read.
    """
    split = {name: _split(name) for name in (*tables.flaws, *tables.found)}
    pairs, used = [], set()
    for part in _ORDER:
        here = {word: name for name, (its, word) in split.items() if its == part}
        images = _first(here, _IMAGES)
        if images is None:
            continue
        labels = _first(here, _LABELS if images == here.get("arr_0") else _LABELS[:-1])
        either = tables.found.get(here.get(_EITHER, ""))
        if labels is None and either and either.numbers in _sound(tables, images).shape:
            labels = either.name
        pairs.append(Pair(part, _sound(tables, images), _sound(tables, labels) if labels else None))
        used.add(labels)
    pairs = [pair for pair in pairs if not pair.part] or pairs or _only(tables)
    if not pairs:
        raise _nothing(tables)
    names = next((tables.found[name] for name in tables.found if name.lower() in _NAMES and name not in used), None)
    return Chosen(pairs, names, _about(tables, pairs))


def _split(name: str) -> tuple[str, str]:
    """Returns which part a name speaks of and what of it, as `x_train`, `train_images` and `train/data` do."""
    spaced = _TOGETHER.sub("_", name)
    words = [word for word in re.split(r"[_/\\ .-]+", spaced.lower()) if word]
    part = next((_PARTS[word] for word in words if word in _PARTS), "")
    rest = [word for word in words if word not in _PARTS]
    return part, "_".join(rest) or "images"


def _first(here: dict[str, str], words: tuple[str, ...]) -> str | None:
    return next((here[word] for word in words if word in here), None)


def _sound(tables: Tables, name: str) -> Table:
    if name in tables.flaws:
        raise tables.flaws[name]
    return tables.found[name]


def _only(tables: Tables) -> list[Pair]:
    """Returns the one array that can be images, whatever its name."""
    if not tables.any_name:
        return []
    able = [table for table in tables.found.values() if table.numeric and len(table.shape) in (3, 4)]
    return [Pair("", able[0], None)] if len(able) == 1 else []


def _nothing(tables: Tables) -> DataError:
    if tables.flaws and not tables.found:
        return next(iter(tables.flaws.values()))
    names = [*tables.found, *tables.flaws]
    listed = ", ".join(shown(name, 40) for name in names[:_SHOWN]) + ", …" * (len(names) > _SHOWN)
    return DataError(
        f"The {tables.kind} file holds {listed or 'no arrays'}, and no `images`: "
        "save it with numpy.savez_compressed(file, images=..., labels=...)."
    )


def _about(tables: Tables, pairs: list[Pair]) -> tuple[str, ...]:
    """Says which names were understood where they are not the plain ones, and what was left."""
    notes = []
    said = [f"`{shown(pair.images.name)}`" for pair in pairs]
    if said != ["`images`"] and (len(tables.found) > 1 or tables.any_name):
        labels = " and ".join(f"`{shown(pair.labels.name)}`" for pair in pairs if pair.labels)
        notes.append(f"Images are {' and '.join(said)}{', labels ' * bool(labels)}{labels}.")
    return tuple(notes)
