"""What is kept of an upload besides its pixels, and which part each image goes to."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.test_own_data import GREY, folder, npz, png, zipped
from vae_explorer import data
from vae_explorer.data import ALL, PARTS, DataError, own
from vae_explorer.data.own import Choices, Reading, labelling
from vae_explorer.data.own.partition import divided
from vae_explorer.data.own.sources import Source

__all__ = ["folder"]  # a data folder that does not exist, for every test

ROWS = "file,kind,patient,age\n" + "\n".join(
    f"{k}.png,{('ill', 'well')[k % 2]},p{k // 6},{20 + k if k != 7 else ''}" for k in range(60)
)
UPLOAD = zipped({**{f"scans/{k}.png": png(image) for k, image in enumerate(GREY)}, "scans/all.csv": ROWS.encode()})


def kept(**reading: str) -> data.Images:
    data.add("mine", own.read(UPLOAD, Reading(**reading)), Choices(), "scans.zip", lambda _: None)  # type: ignore[arg-type]
    return data.load("mine", ALL)


def test_each_image_leads_back_to_its_file_and_its_numbers() -> None:
    images = kept()
    numbers = [int(name.removeprefix("scans/").removesuffix(".png")) for name in images.files]
    assert sorted(numbers) == list(range(60))
    np.testing.assert_array_equal(images.pixels, GREY[numbers])
    assert [images.names[label] for label in images.labels] == [("ill", "well")[k % 2] for k in numbers]
    assert list(images.columns) == ["age"]
    np.testing.assert_array_equal(images.columns["age"], [20 + k if k != 7 else np.nan for k in numbers])
    for k, part in enumerate(PARTS):
        alone, here = data.load("mine", part), images.parts == k
        np.testing.assert_array_equal(alone.pixels, images.pixels[here])
        assert alone.files == tuple(np.array(images.files)[here])
        np.testing.assert_array_equal(alone.columns["age"], images.columns["age"][here])
    assert own.summary("mine").columns == ("age",)


def test_a_patients_images_are_all_in_one_part() -> None:
    assert "choose them as groups" in " ".join(own.read(UPLOAD).notes)
    images = kept(group="column patient")
    assert images.parts is not None
    patients = [int(name.removeprefix("scans/").removesuffix(".png")) // 6 for name in images.files]
    assert sorted(patients) == sorted([*range(10)] * 6)
    parts = {patient: {int(images.parts[k]) for k in range(60) if patients[k] == patient} for patient in range(10)}
    assert all(len(each) == 1 for each in parts.values())
    assert np.bincount(images.parts).tolist() in ([30, 12, 18], [24, 12, 24])  # as near to 30, 10, 20 as sixes allow
    assert own.summary("mine").grouped_by.startswith("Column patient")
    own.delete("mine")
    assert kept(group="column patient").files == images.files


@pytest.mark.parametrize("seed", range(5))
def test_groups_of_any_sizes_are_kept_whole_and_no_part_is_empty(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = int(random.integers(60, 900))
    groups = random.zipf(1.5, count).clip(0, 50 if seed else 3).astype(np.int64)
    groups[:3] = [0, 1, 2]
    parts = divided(np.zeros(count, np.int64), groups)
    assert list(parts) == list(PARTS)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(count))
    held = [np.unique(groups[rows]).tolist() for rows in parts.values()]
    assert all(held)
    assert sorted(each for part in held for each in part) == np.unique(groups).tolist()


def test_many_small_groups_come_to_the_usual_shares() -> None:
    parts = divided(np.zeros(1_000, np.int64), np.arange(1_000) // 4)
    assert [len(parts[part]) for part in PARTS] == [800, 100, 100]


def test_two_groups_cannot_be_three_parts() -> None:
    with pytest.raises(DataError, match="2 groups"):
        divided(np.zeros(60, np.int64), np.arange(60) % 2)


def test_a_data_set_of_the_first_format_is_read(folder: Path) -> None:
    data.add("mine", own.read(npz(images=GREY)), Choices(), "mine.npz", lambda _: None)
    path = folder / "own" / "mine"
    assert sorted(each.name for each in path.iterdir()) == ["labels.npy", "meta.json", "pixels.npy"]
    meta = json.loads((path / "meta.json").read_text())
    assert meta.pop("format") == 2
    for later in ("columns", "grouped_by"):
        meta.pop(later)
    (path / "meta.json").write_text(json.dumps({**meta, "format": 1}))
    images = data.load("mine", "test")
    assert (len(images.pixels), images.files, images.columns) == (20, (), {})


def test_a_newer_format_is_refused_and_what_a_newer_version_only_added_is_not(folder: Path) -> None:
    data.add("mine", own.read(npz(images=GREY)), Choices(), "mine.npz", lambda _: None)
    path = folder / "own" / "mine" / "meta.json"
    meta = json.loads(path.read_text())
    path.write_text(json.dumps({**meta, "format": 3}))
    with pytest.raises(DataError, match="another version wrote them"):
        data.load("mine", "test")
    path.write_text(json.dumps({**meta, "later": [1]}))
    assert len(data.load("mine", "test").pixels) == 20
    path.write_text(json.dumps({name: meta[name] for name in ("format", "names", "counts", "origin")}))
    assert len(data.load("mine", "test").pixels) == 20
    for name, odd in (("names", [1]), ("counts", ["a"]), ("origin", None), ("columns", "x")):
        path.write_text(json.dumps({**meta, name: odd}))
        with pytest.raises(DataError, match=f"cannot be read .{name}.*Delete it on the page Data"):
            data.load("mine", "test")


@pytest.mark.parametrize("file", ["files.json", "columns.npy"])
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"[1, 2"])
def test_damaged_names_and_columns_are_named(file: str, content: bytes, folder: Path) -> None:
    kept()
    (folder / "own" / "mine" / file).write_bytes(content)
    with pytest.raises(DataError, match="Delete it on the page Data"):
        data.load("mine", "train")


def test_names_longer_than_a_folder_may_have_are_no_data_sets() -> None:
    for name in ("shards/" + "\u00e9" * 300, "shards/" + "\U00020000" * 70, "x" * 300):
        with pytest.raises(DataError, match="There is no data set"):
            data.load(name, "train")


def test_images_without_a_group_are_each_alone() -> None:
    groups = labelling._numbered(Source("column patient", "patient", ("b", "", "a", "", "b")))
    assert groups[0] == groups[4]
    assert len(set(groups.tolist())) == 4
