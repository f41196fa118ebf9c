"""Where classes can come from: the levels of folders, patterns in file names, columns of a table beside the images."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from vae_explorer.data.own.beside import Table
from vae_explorer.data.own.stacks import MOST_CLASSES, natural, plain

NONE = "none"
FOLDERS, NAMES, COLUMN = "folder", "names", "column"
SPLITS = frozenset(
    ["train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation", "holdout"]
)
# What is numbered, but is no class: whoever took the images, and when.
OCCASIONS = frozenset(
    (
        *("session", "writer", "subject", "patient", "user", "person", "participant", "run", "take", "day", "date"),
        *("fold", "batch", "camera", "cam", "seq", "sequence", "video", "clip", "site", "hospital", "sample", "slide"),
        *("case", "visit", "scan", "donor", "author", "scanner"),
    )
)
_LABELS = (  # headings of classes, the surest first
    *("label", "labels", "class", "classes", "class_name", "classname", "category", "target", "species", "breed"),
    *("diagnosis", "dx", "y", "digit", "letter", "character", "type", "kind", "name"),
)
_NUMBERED = re.compile(r"([^\W\d_]*)[\W_]*\d[\d\W_]*")
# In the order in which they are tried: a word that says "label", then a number and a word, then a word and a number.
_PATTERNS = (
    re.compile(r".*?(?:^|[\W_\d])(?:label|class|cls|target|y)[=_\- ]?(?P<class>[^\W_]+).*", re.IGNORECASE),
    re.compile(r"\d+[ ._\-]+(?P<class>[^\W\d_].*?)", re.IGNORECASE),
    re.compile(r"(?P<class>.*[^\W\d_].*?)[ ._\-]*\(?\d+\)?", re.IGNORECASE),
    re.compile(r"(?P<class>\d{1,3})[._\-]+\d+", re.IGNORECASE),
)
_NEARLY_ALL = 0.9  # of the file names must fit a pattern
_FEW = 20  # different whole numbers in a column, above which they measure something
_ENOUGH = 4  # images a class on average, below which a pattern or a column is something else


class Source(NamedTuple):
    """One thing that classes can be read from."""

    key: str  # that the user chooses it by
    title: str
    values: tuple[str, ...]  # of each image
    plain: bool = False  # whether it is where anybody would look: the one folder that an image lies in

    @property
    def kinds(self) -> list[str]:
        """The different values, in natural order."""
        return sorted(set(self.values), key=natural)

    @property
    def is_split(self) -> bool:
        """Whether its values are the parts that somebody has divided the images into."""
        return {value.lower() for value in self.values} - {""} <= SPLITS

    @property
    def is_occasion(self) -> bool:
        """Whether it tells who or when, and not what: by its heading, or by values such as session 3."""
        heading = self.key.partition(" ")[2] if self.key.startswith(COLUMN) else ""
        if OCCASIONS & {*re.split(r"[\W\d_]+", heading.lower())}:
            return True
        words = {match[1].lower() if (match := _NUMBERED.fullmatch(kind)) else "" for kind in self.kinds if kind}
        return words <= OCCASIONS

    @property
    def numbered(self) -> bool:
        """Whether its values are words with numbers, or numbers alone that are more than digits."""
        return all(_NUMBERED.fullmatch(value) for value in self.kinds)


def sources(paths: Sequence[str], table: Table | None) -> list[Source]:
    """Returns all that can tell images apart, each with two values at least."""
    levels = _levels(paths)
    found = [*levels]
    if len(levels) > 1:
        joint = tuple("/".join(parts) for parts in zip(*(level.values for level in levels), strict=True))
        if len(set(joint)) > max(len(set(level.values)) for level in levels):
            found.append(Source(f"{FOLDERS}s", "All folders together", joint))
    if (names := _by_names(paths)) is not None:
        found.append(names)
    if table is not None:
        for name, values in table.texts.items():
            found.append(Source(f"{COLUMN} {name}", f"Column {name.removeprefix('column ')} of {table.file}", values))
    return [each for each in found if len(set(each.values)) > 1]


def likeliest(found: Sequence[Source], table: Table | None) -> Source | None:
    """Returns where a person would look for the classes: in the folders, then in a table, then in file names."""
    levels = [each for each in found if each.key.startswith(f"{FOLDERS} ") and _can_be_classes(each)]
    if levels:
        return _level(levels)
    if table is not None:
        columns = [each for each in found if each.key.startswith(COLUMN) and _is_label(each, table)]
        if columns:
            return min(columns, key=lambda each: _rank(each, table))
    return next((each for each in found if each.key == NAMES and _can_be_classes(each)), None)


def groups(found: Sequence[Source], chosen: Source | None) -> list[Source]:
    """Returns what images can be kept together by: three groups at least, so that each part has one."""
    return [
        each
        for each in found
        if each is not chosen and not each.is_split and 3 <= len(set(each.values)) <= len(each.values) // 2
    ]


def _levels(paths: Sequence[str]) -> list[Source]:
    """Returns the levels of folders that differ, from the top."""
    folders = [plain(path).split("/")[:-1] for path in paths]
    depth = max((len(each) for each in folders), default=0)
    values = [tuple(each[k] if k < len(each) else "" for each in folders) for k in range(depth)]
    differing = [each for each in values if len(set(each)) > 1]
    found = []
    for k, each in enumerate(differing, 1):
        last = len(differing) == 1 and all(
            folder and folder[-1] == value for folder, value in zip(folders, each, strict=True)
        )
        title = f"Folders, level {k}" if len(differing) > 1 else "Folders"
        found.append(Source(f"{FOLDERS} {k}", title, each, last))
    return found


def _level(levels: list[Source]) -> Source:
    """Returns the level that separates: words before numbers, then the finer of two that are nested, else the upper.

    A level that repeats beneath each value of another (session01 beneath cat and beneath dog) does not refine it.
    """
    words = [each for each in levels if not each.numbered and not each.is_occasion]
    plain = [each for each in levels if all(value.isdecimal() and len(value) < 3 for value in each.kinds)]
    candidates = words or plain or [each for each in levels if not each.is_occasion] or levels
    best = candidates[0]
    for each in candidates[1:]:
        if words and _refines(each, best):
            best = each
    return best


def _refines(fine: Source, coarse: Source) -> bool:
    parents: dict[str, str] = {}
    return all(
        parents.setdefault(below, above) == above for below, above in zip(fine.values, coarse.values, strict=True)
    )


def _can_be_classes(each: Source) -> bool:
    count = len(set(each.values))
    return count <= MOST_CLASSES and not each.is_split and (each.plain or 2 * count <= len(each.values))


def _is_label(each: Source, table: Table) -> bool:
    """Says whether a column holds classes: words, or a few whole numbers."""
    name = each.key.partition(" ")[2]
    if not _can_be_classes(each) or each.is_occasion:
        return False
    if name not in table.numbers or name.lower() in _LABELS:
        return True
    numbers = table.numbers[name][~np.isnan(table.numbers[name])]
    return len(set(each.values)) <= _FEW and bool((numbers == np.rint(numbers)).all())


def _rank(each: Source, table: Table) -> tuple[int, int]:
    name = each.key.partition(" ")[2]
    lowered = name.lower()
    named = _LABELS.index(lowered) if lowered in _LABELS else len(_LABELS) + (name in table.numbers)
    return named, list(table.texts).index(name)


def _by_names(paths: Sequence[str]) -> Source | None:
    stems = [path.rpartition("/")[2].rpartition(".")[0] or path.rpartition("/")[2] for path in paths]
    for pattern in _PATTERNS:
        matches = [pattern.fullmatch(stem) for stem in stems]
        values = tuple(match["class"] if match else "" for match in matches)
        kinds = {value for value in values if value}
        if sum(map(bool, values)) >= _NEARLY_ALL * len(stems) and 2 <= len(kinds) <= len(stems) // _ENOUGH:
            example = next(stem for stem, value in zip(stems, values, strict=True) if value)
            word = next(value for value in values if value)
            return Source(NAMES, f"File names, as {word} in {example}", values)
    return None
