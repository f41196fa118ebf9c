"""Data sets in shards: read one file after another, seen once an epoch, and the same as in memory."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.test_models import config
from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.config import TrainingConfig
from vae_explorer.data import PARTS, DataError, Images, Shards, load, stream
from vae_explorer.models.autoencoder import build
from vae_explorer.training.batches import batches
from vae_explorer.training.engine import Epoch, fit

TRAIN, VALIDATION = load("digits", "train"), load("digits", "validation")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path))
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    return tmp_path / "shards"


def shards(images: int, name: str = "some") -> Shards:
    assert main(["shard", "digits", "--name", name, "--images", str(images)]) == 0
    opened = stream(f"shards/{name}", "train")
    assert isinstance(opened, Shards)
    return opened


def trained(train: Images | Shards) -> tuple[list[Any], Tensor]:
    model = build(config(), 0)
    epochs: list[Epoch] = list(fit(model, train, VALIDATION, TrainingConfig(epochs=2, batch=100)))
    return [(each.train, each.validation) for each in epochs], torch.cat([p.flatten() for p in model.parameters()])


def test_what_is_cut_is_read_again_unchanged() -> None:
    assert shards(100).lengths == (*(100,) * 12, 97)
    for part in PARTS:
        whole, again = load("digits", part), load("shards/some", part)
        assert np.array_equal(whole.pixels, again.pixels)
        assert np.array_equal(whole.labels, again.labels)
        assert (whole.names, whole.source) == (again.names, again.source)


def test_colours_are_cut_and_read_again_and_trained_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    levels = np.random.RandomState(0).randint(0, 256, (90, 7, 5, 3)).astype(np.uint8)
    parts = {part: levels[30 * k : 30 * (k + 1)] for k, part in enumerate(PARTS)}
    labels = np.arange(30) % 2
    data.cut("coloured", lambda part: Images(parts[part], labels, ("a", "b"), "colours"), 20)
    for part in PARTS:
        again = load("shards/coloured", part)
        assert np.array_equal(again.pixels, parts[part])
        assert np.array_equal(again.labels, labels)
    train = stream("shards/coloured", "train")
    assert isinstance(train, Shards)
    assert (train.shape, train.lengths) == ((7, 5, 3), (20, 10))
    (stacked,) = batches(train, 30, 0, slice(0, 30))
    assert sorted(map(bytes, stacked.numpy())) == sorted(map(bytes, parts["train"]))
    assert main(["train", "--name", "c", "--data", "shards/coloured", "--epochs", "1", "--encoder", "8"]) == 0


def test_one_shard_trains_as_memory_does_bit_for_bit() -> None:
    (ours, weights), (theirs, expected) = trained(shards(5000)), trained(TRAIN)
    assert ours == theirs
    assert torch.equal(weights, expected)


@pytest.mark.parametrize("images", [7, 100, 1000])
@pytest.mark.parametrize("parts", [[slice(0, 60)], [slice(0, 30), slice(30, 60)], [slice(0, 1), slice(1, 60)]])
def test_each_image_is_seen_once_an_epoch_by_one_of_the_processes(images: int, parts: list[slice]) -> None:
    cut = shards(images)
    numbered = TRAIN.pixels.copy()  # each image tells which it is
    numbered[:, 0, 0], numbered[:, 0, 1] = np.divmod(np.arange(len(numbered)), 256)
    for path, start in zip(cut.files, range(0, len(numbered), images), strict=True):
        np.save(path, numbered[start : start + images])
    orders = []
    for seed in (0, 1):
        seen = [[_numbers(pixels) for pixels in batches(cut, 60, seed, part)] for part in parts]
        assert {len(each) for each in seen} == {len(TRAIN.pixels) // 60}
        for part, each in zip(parts, seen, strict=True):
            assert {len(numbers) for numbers in each} == {part.stop - part.start}
        order = [number for together in zip(*seen, strict=True) for numbers in together for number in numbers]
        assert len(set(order)) == len(order) == len(TRAIN.pixels) // 60 * 60
        assert order == [number for pixels in batches(cut, 60, seed, slice(0, 60)) for number in _numbers(pixels)]
        orders.append(order)
    assert orders[0] != orders[1]
    visited = [number // images for number in orders[0]]
    assert visited != sorted(visited) or len(cut.lengths) == 2, "the shards are shuffled too"
    assert sum(abs(a - b) == 1 for a, b in zip(orders[0], orders[0][1:], strict=False)) < 0.4 * len(orders[0])


def _numbers(pixels: Tensor) -> list[int]:
    return (pixels[:, 0, 0].int() * 256 + pixels[:, 0, 1]).tolist()


def test_memory_holds_two_shards_at_most(folder: Path) -> None:
    """NumPy counts its own memory with tracemalloc; torch shares it here, or copies less than a batch."""
    few = Images(np.zeros((4_000, 64, 64), np.uint8), np.zeros(4_000, np.int64), ("black",), "black")
    assert data.cut("large", lambda part: few, 500) == folder / "large"
    large = stream("shards/large", "train")
    tracemalloc.start()
    try:
        for _ in batches(large, 50, 0, slice(0, 50)):
            pass
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most / (500 * 64 * 64) < 2.1


def test_a_process_reads_no_rows_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    usual = Shards.read

    def spy(self: Shards, shard: int, rows: Any, pixels: Any) -> None:
        read.append(len(rows))
        usual(self, shard, rows, pixels)

    monkeypatch.setattr(Shards, "read", spy)
    list(batches(shards(100), 60, 0, slice(0, 20)))
    assert sum(read) == 1297 // 60 * 20


def test_a_model_is_trained_and_evaluated_on_them_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    shards(300)
    small = ["--encoder", "16", "--decoder", "16", "--epochs", "1"]
    assert main(["train", "--name", "sharded", "--data", "shards/some", *small]) == 0
    assert main(["evaluate", "sharded", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (shown["images"], shown["data"]) == (300, VALIDATION.source)


def test_a_name_is_taken_once_and_stays_in_the_folder(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shards(1000)
    assert main(["shard", "digits", "--name", "some"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert main(["shard", "digits", "--name", "../out"]) == 2
    assert "cannot be a name" in capsys.readouterr().err
    assert main(["shard", "kmnist", "--name", "half"]) == 2
    assert {path.name for path in folder.iterdir()} == {"some"}, "nothing half is left"
    for name in ("shards/../../etc", "shards//etc", "shards/", "shards/none"):
        with pytest.raises(DataError, match="There is no data set"):
            load(name, "train")


def _edit(**changes: Any) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps(meta | changes))

    return edit


def _array(values: Any, file: str = "train-00000.npy") -> Callable[[Path], None]:
    return lambda folder: np.save(folder / file, values)


def test_whoever_writes_the_description_by_hand_may_name_classes_by_numbers_and_add_to_it(folder: Path) -> None:
    shards(1000)
    _edit(names=list(range(10)), source=None, licence="mine")(folder / "some")
    found = load("shards/some", "test")
    assert found.names == tuple("0123456789")
    assert found.source == "shards/some"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_edit(names="cat"), "names: expected a list, got text"),
        (_edit(parts={"train": ["../../secret.npy"]}), "only names of .npy files in its folder"),
        (_edit(parts={"train": ["/etc/passwd"]}), "only names of .npy files in its folder"),
        (_edit(parts={"train": []}), "no file for the train part"),
        (_edit(parts={}), "does not describe a data set"),
        (_edit(parts=[1]), "does not describe a data set"),
        (_edit(shape=[8]), "does not describe a data set"),
        (_edit(shape=[8, 8, 4]), "does not describe a data set"),
        (_edit(shape=8), "does not describe a data set"),
        (_edit(shape=[8, 8, 3]), "needed are uint8 of shape"),
        (_edit(shape=[9, 9]), "needed are uint8 of shape"),
        (_edit(names=[]), "names no class"),
        (lambda folder: (folder / "meta.json").write_text("{"), "does not describe a data set"),
        (lambda folder: (folder / "train-00000.npy").unlink(), "train-00000.npy cannot be read"),
        (lambda folder: (folder / "train-00000.npy").write_bytes(b"\x93NUMPY"), "train-00000.npy cannot be read"),
        (_array(np.array([{}] * 3, object)), "train-00000.npy cannot be read"),
        (_array(np.zeros((3, 8, 8))), "holds float64"),
        (_array(np.zeros((0, 8, 8), np.uint8)), "needed are uint8"),
        (_array(np.zeros((3, 8, 8), np.uint8), "train-00001.labels.npy"), "needed are whole numbers"),
        (_array(np.full(297, 10), "train-00001.labels.npy"), "classes outside 0 to 9"),
    ],
)
def test_what_is_no_data_set_is_refused_by_its_file(damage: Callable[[Path], None], message: str, folder: Path) -> None:
    shards(1000)
    damage(folder / "some")
    with pytest.raises(DataError, match=message):
        load("shards/some", "train")


def test_a_file_that_changes_while_it_is_read_is_named() -> None:
    cut = shards(1000)
    np.save(cut.files[1], np.zeros((5, 8, 8), np.uint8))
    with pytest.raises(DataError, match=r"train-00001\.npy holds uint8 of shape"):
        list(batches(cut, 10, 0, slice(0, 10)))


def test_labels_are_not_needed_where_there_is_one_class(folder: Path) -> None:
    shards(1000)
    _edit(names=["image"])(folder / "some")
    for path in (folder / "some").glob("*.labels.npy"):
        path.unlink()
    assert set(load("shards/some", "test").labels.tolist()) == {0}


def test_they_need_no_download() -> None:
    shards(1000)
    assert data.available("shards/some")
    assert not data.downloadable("shards/some")
