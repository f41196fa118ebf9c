"""Classifiers that are kept: what comes back is what was fitted, and nothing of others or damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import platformdirs
import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.test_gaps_images import grey, two_classes
from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.digests import digest
from vae_explorer.data import DataError, Images, fingerprint
from vae_explorer.latent.gaps.classifier import Classifier, fit_classifier
from vae_explorer.measured import classifiers
from vae_explorer.measured.classifiers import ClassifierError

PARTS = {"train": two_classes(0, 300), "validation": two_classes(1, 100), "test": two_classes(2, 100)}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return tmp_path / "cache"


def serve(monkeypatch: pytest.MonkeyPatch, parts: dict[str, Images]) -> list[int]:
    """Has `load` find a user's own data, and returns where the seeds of fits are noted."""
    fits: list[int] = []

    def fit(train: Images, validation: Images, seed: int) -> Classifier:
        fits.append(seed)
        return fit_classifier(train, validation, seed)

    whole = data.load
    monkeypatch.setattr(data, "load", lambda name, part: parts[part] if name == "mine" else whole(name, part))
    monkeypatch.setattr(classifiers, "fit_classifier", fit)
    return fits


def same(a: Classifier, b: Classifier) -> bool:
    layers = zip(a.layers, b.layers, strict=True)
    equal = all(np.array_equal(x, y) for pair in layers for x, y in zip(*pair, strict=True))
    return equal and replace(a, layers=[]) == replace(b, layers=[])


@pytest.mark.parametrize("name", ["mnist", "digits", "circles"])
def test_what_ships_is_as_often_right_as_it_says(name: str) -> None:
    path = classifiers.FOLDER / f"{name}.safetensors"
    classifier, about = classifiers.read(path)
    found = classifiers.find(name)
    assert found is not None
    assert same(found, classifier)
    assert path.stat().st_size < 250_000
    test = data.load(name, "test")
    right = (classifier.labels(grey(test)) == test.labels).mean()
    if len(test.labels) == about.tested:  # all of MNIST's may not be here
        assert right == pytest.approx(about.accuracy, abs=2e-3), "another processor adds in another order"
        assert {part: fingerprint(data.load(name, part)) for part in about.images} == about.images
    assert right > 0.94
    assert classifier.classes == tuple(range(len(test.names)))
    assert classifier.trained == about.trained == (1_297 if name == "digits" else 10_000)
    assert (classifier.seed, about.seed) == (0, 0)


def test_shipped_models_have_shipped_classifiers_and_no_list_takes_them_for_models() -> None:
    entries = checkpoints.list_all()
    shipped = [entry for entry in entries if entry.path.parent == checkpoints.SHIPPED]
    assert {entry.config.data for entry in shipped if entry.config} == {
        path.stem for path in classifiers.FOLDER.glob("*.safetensors")
    }
    assert not {"mnist", "digits", "circles"} & {entry.name for entry in entries}


def test_a_users_data_is_fitted_once_and_kept(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    fits = serve(monkeypatch, PARTS)
    first, second = classifiers.load("mine"), classifiers.load("mine")
    assert same(first, second)
    assert fits == [0]
    exact = fit_classifier(PARTS["train"], PARTS["validation"], 0)
    images = grey(PARTS["test"])
    assert np.allclose(first.probabilities(images), exact.probabilities(images), atol=5e-3)
    (path,) = (cache / "classifiers").iterdir()
    about = classifiers.read(path).about
    assert about.accuracy == pytest.approx((first.labels(images) == PARTS["test"].labels).mean())
    assert (about.trained, about.tested, about.data) == (300, 100, "two classes")


def test_other_images_under_the_same_name_get_their_own(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    fits = serve(monkeypatch, PARTS)
    before = classifiers.load("mine")
    serve(monkeypatch, PARTS | {"train": two_classes(9, 300)})
    assert not same(before, classifiers.load("mine"))
    assert len(list((cache / "classifiers").iterdir())) == 2
    path = next((cache / "classifiers").iterdir())
    for other in (cache / "classifiers").iterdir():  # a copy under the other's name
        other.write_bytes(path.read_bytes())
    fits = serve(monkeypatch, PARTS)
    assert same(classifiers.load("mine"), before)
    serve(monkeypatch, PARTS | {"train": two_classes(9, 300)})
    classifiers.load("mine")
    assert len(fits) <= 2


def test_a_disk_that_refuses_stops_nothing(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    fits = serve(monkeypatch, PARTS)
    cache.write_text("a file where the folder should be")
    assert same(classifiers.load("mine"), classifiers.load("mine"))
    assert fits == [0, 0]


def test_data_without_two_classes_has_no_classifier(monkeypatch: pytest.MonkeyPatch, capsys: object) -> None:
    one = PARTS["train"]._replace(labels=np.zeros(300, np.int64))
    serve(monkeypatch, PARTS | {"train": one})
    with pytest.raises(ValueError, match="two classes at least"):
        classifiers.load("mine")
    with pytest.raises(DataError, match="There is no data set"):
        classifiers.load("nobody")
    assert classifiers.find("nobody") is None
    assert classifiers.find("../circles-ae-2d") is None


def edited(path: Path, change: Callable[[dict[str, str], dict[str, torch.Tensor]], None], *, signed: bool) -> None:
    """Writes a file again with something changed, and a digest of it or the one before."""
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        texts = dict(file.metadata())
    tensors = load_file(path)
    change(texts, tensors)
    if signed:
        texts["digest"] = digest({name: text for name, text in texts.items() if name != "digest"}, tensors)
    save_file(tensors, path, texts)


def about(**changes: object) -> Callable[[dict[str, str], dict[str, torch.Tensor]], None]:
    def change(texts: dict[str, str], _: dict[str, torch.Tensor]) -> None:
        texts["classifier"] = json.dumps(json.loads(texts["classifier"]) | changes)

    return change


def tensor(name: str, value: torch.Tensor | None) -> Callable[[dict[str, str], dict[str, torch.Tensor]], None]:
    def change(_: dict[str, str], tensors: dict[str, torch.Tensor]) -> None:
        tensors.pop(name, None)
        if value is not None:
            tensors[name] = value

    return change


CHANGES = {
    "temperature": about(temperature=0),
    "accuracy": about(accuracy=1.5),
    "classes": about(classes=[1, 0]),
    "more classes": about(classes=[0, 1, 2]),
    "unknown": about(colour="red"),
    "format": lambda texts, _: texts.update(format="2"),
    "no bias": tensor("1.bias", None),
    "a layer more": tensor("7.bias", torch.zeros(2)),
    "shape": tensor("1.weight", torch.zeros(64, 127).half()),
    "not finite": tensor("2.bias", torch.tensor([0, float("nan")]).half()),
    "one number": tensor("2.bias", torch.tensor(0.0)),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("signed", [False, True])
def test_what_was_changed_is_refused_and_fitted_anew(
    change: str, signed: bool, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    fits = serve(monkeypatch, PARTS)
    first = classifiers.load("mine")
    (path,) = (cache / "classifiers").iterdir()
    edited(path, CHANGES[change], signed=signed)
    with pytest.raises(ClassifierError, match="Make it again"):
        classifiers.read(path)
    assert same(classifiers.load("mine"), first)
    assert fits == [0, 0]


def test_damaged_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = (classifiers.FOLDER / "digits.safetensors").read_bytes()
    monkeypatch.setattr(classifiers, "FOLDER", tmp_path)
    path, random = tmp_path / "digits.safetensors", np.random.default_rng(0)
    path.write_bytes(whole)
    good = classifiers.find("digits")
    assert good is not None
    for _ in range(200):
        damaged = bytearray(whole)
        place = int(random.integers(len(damaged)))
        damaged[place] ^= 1 << int(random.integers(8))
        path.write_bytes(damaged)
        found = classifiers.find("digits")
        assert found is None or same(found, good)
    for content in (b"", whole[:-1], whole[: len(whole) // 2], b"no file"):
        path.write_bytes(content)
        assert classifiers.find("digits") is None
    path.unlink()
    assert classifiers.find("digits") is None
    path.mkdir()
    assert classifiers.find("digits") is None


def test_the_command_makes_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "made" / "digits.safetensors"
    assert main(["classifier", "digits", "--out", str(path), "--seed", "1"]) == 0
    printed = capsys.readouterr().out
    kept = classifiers.read(path)
    assert f"accuracy {kept.about.accuracy:.4f} on 300 test images" in printed
    assert kept.about.seed == 1
    assert asdict(kept.about)["trained"] == 1_297
    shipped = classifiers.find("digits")
    assert shipped is not None
    assert not same(kept.classifier, shipped)
    (tmp_path / "file").write_text("")
    assert main(["classifier", "digits", "--out", str(tmp_path / "file" / "digits.safetensors")]) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert main(["classifier", "nobody", "--out", str(path)]) == 2
    assert "There is no data set" in capsys.readouterr().err
    for odd in ("-1", "one", "1e3", str(2**32)):
        with pytest.raises(SystemExit):
            main(["classifier", "digits", "--out", str(path), f"--seed={odd}"])
