"""The data sets by name."""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from vae_explorer.data.bundled import DIGITS, digits, mnist_sample
from vae_explorer.data.circles import circles
from vae_explorer.data.fingerprints import fingerprint
from vae_explorer.data.idx import IdxFiles, data_folder
from vae_explorer.data.images import ALL, PARTS, DataError, Images, joined
from vae_explorer.data.own import Choices, Upload, folders
from vae_explorer.data.shards import PREFIX, Shards, open_shards

# Upper and lower case are one class where they look alike in handwriting.
_BALANCED = string.digits + string.ascii_uppercase + "abdefghnqrt"


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """Where a data set comes from: files in the data folder, or else what is always at hand."""

    files: IdxFiles | None = None
    at_hand: Callable[[str], Images] | None = None  # from the part's name


DATASETS: dict[str, Dataset] = {
    "digits": Dataset(at_hand=digits),
    "circles": Dataset(at_hand=circles),
    "mnist": Dataset(
        files=IdxFiles(title="MNIST", megabytes=12, folder="MNIST", names=tuple(DIGITS)),
        at_hand=mnist_sample,
    ),
    "fashion-mnist": Dataset(
        files=IdxFiles(
            title="Fashion-MNIST",
            megabytes=31,
            folder="FashionMNIST",
            names=(
                *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
                *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
            ),
        )
    ),
    "kmnist": Dataset(
        files=IdxFiles(
            title="Kuzushiji-MNIST",
            megabytes=21,
            folder="KMNIST",
            names=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        )
    ),
    "emnist": Dataset(
        files=IdxFiles(
            title="EMNIST balanced",
            megabytes=562,
            folder="EMNIST",
            names=tuple(_BALANCED),
            prefixes=("emnist-balanced-train", "emnist-balanced-test"),
            counts=(112_800, 18_800),
            transposed=True,
        )
    ),
}


def names() -> list[str]:
    """Returns the names of all data sets: those that everybody has, then the user's own."""
    return [*DATASETS, *(name for name in folders.names() if name not in DATASETS)]


def load(name: str, part: str) -> Images:
    """Returns one part of a data set; the same images each time, and no network.

    Arguments:
        name: One of `names()`, or `shards/NAME`.
        part: One of `PARTS`, or `ALL` of them, one after another.

    Raises:
        DataError: If the name or the part is unknown, or the data is not there or damaged.
    """
    if part == ALL:
        return joined([load(name, each) for each in PARTS])
    dataset = _find(name)
    if part not in PARTS:
        raise DataError(f"There is no part {part!r}. The parts are {', '.join(PARTS)}.")
    if dataset.files and not downloadable(name):
        return dataset.files.read(data_folder(), part)
    damage = dataset.files.damage(data_folder()) if dataset.files else None
    if dataset.at_hand:
        images = dataset.at_hand(part)
        return images._replace(source=f"{images.source}; {damage}") if damage else images
    how = f"press Download in the app, or run `python -m vae_explorer download {name}`"
    if damage:
        raise DataError(f"Cannot read {name}: {damage}. To download it again, {how}.")
    raise DataError(f"The data set {name} is not downloaded yet: {how}.")


def stream(name: str, part: str) -> Images | Shards:
    """Returns one part to train on: what comes in shards stays in its files.

    Raises:
        DataError: As `load` does.
    """
    return open_shards(name, part) if name.startswith(PREFIX) else load(name, part)


def changed(name: str, part: str, images: Images, kept: Mapping[str, str]) -> str | None:
    """Says in words that images are not those that a model was trained with; None where they are, or nobody knows.

    A sample that stands for the whole set, while that is not downloaded, is legitimate; its source says what it is.

    Arguments:
        name: Of the data set.
        part: Of it, which the images are.
        images: As `load` gives them now.
        kept: Fingerprints by part, as the model's training found them.
    """
    if part not in kept or kept[part] == fingerprint(images) or _stands_in(name, part, kept[part]):
        return None
    return (
        f"The data set {name} has changed since the model was trained: its {part} images are others now "
        f"({images.source}), so figures and pictures of them say little of the model."
    )


def _stands_in(name: str, part: str, kept: str) -> bool:
    """Says whether a sample was trained with, or is loaded, in the place of the whole set."""
    dataset = DATASETS.get(name)
    if dataset is None or not dataset.files or not dataset.at_hand:
        return False
    return downloadable(name) or fingerprint(dataset.at_hand(part)) == kept


def available(name: str) -> bool:
    """Says whether `load` will find the data. Looks at four file headers at most.

    Raises:
        DataError: If the name is unknown.
    """
    dataset = _find(name)
    return dataset.at_hand is not None or not downloadable(name)


def downloadable(name: str) -> bool:
    """Says whether `download` would bring data that the data folder does not hold yet.

    Raises:
        DataError: If the name is unknown.
    """
    files = _find(name).files
    return files is not None and bool(files.flaws(data_folder()))


def megabytes(name: str) -> int:
    """Returns how much a download brings."""
    files = _find(name).files
    return files.megabytes if files else 0


def download(name: str, progress: Callable[[float], None]) -> None:
    """Downloads a data set into the data folder, unless it lies there whole.

    Arguments:
        name: A key of `DATASETS`.
        progress: Called with the rising fraction done; 1 comes last, when the data is in place. What it
            raises ends the download and leaves nothing behind.

    Raises:
        DataError: If the name is unknown, the data set needs no download, no mirror can be reached,
            the folder cannot be written, or the same download is already running.
    """
    files = _find(name).files
    if files is None:
        raise DataError(f"The data set {name} needs no download: it is always there.")
    if not downloadable(name):
        progress(1.0)
        return
    # Here and not above: it needs torchvision, whose import takes longer than a second.
    from vae_explorer.data.archives import download_files

    download_files(files, data_folder(), progress)


def demand_free(name: str) -> None:
    """Raises DataError if no own data set can be added under that name; the message says why."""
    if name in DATASETS:
        raise DataError(f"{name} is a data set that everybody has. Choose another name.")
    folders.demand_free(name)


def add(name: str, upload: Upload, choices: Choices, origin: str, progress: Callable[[float], None]) -> None:
    """Makes an upload a data set like any other; see `own.folders.add`.

    Raises:
        DataError: If the name cannot be used or is taken, or the data folder cannot be written.
    """
    demand_free(name)
    folders.add(name, upload, choices, origin, progress)


def _find(name: str) -> Dataset:
    if name.startswith(PREFIX):
        return Dataset(at_hand=partial(_whole, name))
    if name in DATASETS:
        return DATASETS[name]
    if name in folders.names():
        return Dataset(at_hand=partial(folders.read_part, name))
    raise DataError(f"There is no data set {name!r}. The data sets are {', '.join(names())}.")


def _whole(name: str, part: str) -> Images:
    return open_shards(name, part).whole()
