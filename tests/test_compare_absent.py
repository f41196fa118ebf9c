"""What Compare says where something is missing: classes, a classifier, a spread of the codes, a plane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.test_compare import compare
from tests.test_compare_letters import decoded, noise, one, probabilities, read, said
from tests.test_explore import PROVENANCE, sent
from tests.test_own_data import GREY, npz
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig
from vae_explorer.data import DataError, own
from vae_explorer.latent.encoding import encode
from vae_explorer.models.autoencoder import Autoencoder, build
from vae_explorer.ui.compare import gaps as gap_store
from vae_explorer.ui.compare.scene import Duel
from vae_explorer.ui.compare.state import parse
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import store

PLAIN = ("density", "round_trip", "nearest", "speed")  # fields that need no classes


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of models and one of own data, both empty; nothing is remembered of other tests' classifiers."""
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("vae_explorer.checkpoints.files.SHIPPED", tmp_path / "none")
    (tmp_path / "runs").mkdir()
    store.forget_images()
    yield tmp_path
    store.forget_images()


def save(folder: Path, name: str, change: Callable[[Autoencoder], None] = lambda _: None, **settings: Any) -> None:
    values = {"kind": "vae", "data": "digits", "shape": (8, 8), "encoder": (16,), "decoder": (16,), **settings}
    model = build(ModelConfig(**values), seed=1)
    with torch.no_grad():
        for part, weight in model.named_parameters():
            if part in ("encoder.head.weight", "decoder.out.weight"):  # untrained images are all grey
                weight.add_(torch.randn(weight.shape, generator=torch.Generator().manual_seed(0)))
        change(model)
    checkpoints.save(folder / "runs" / f"{name}.safetensors", model, PROVENANCE)


def zero(*parts: str) -> Callable[[Autoencoder], None]:
    def change(model: Autoencoder) -> None:
        for part in parts:
            dict(model.named_parameters())[part].zero_()

    return change


def twice(name: str) -> Duel:
    return Duel(Scene(name), Scene(name))


# Classes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("labelled", [False, True], ids=["no labels", "one class"])
def test_without_two_classes_the_captions_say_so_and_what_needs_none_stays(folder: Path, labelled: bool) -> None:
    upload = npz(images=GREY, labels=np.zeros(len(GREY), int)) if labelled else npz(images=GREY)
    data.add("mine", own.read(upload), own.Choices(), "x", lambda _: None)
    save(folder, "of-mine", data="mine", shape=GREY.shape[1:])
    wait("mine")
    duel = twice("of-mine")
    assert duel.limits.fields == PLAIN
    for field in PLAIN:
        found = said(duel, field=field)
        for side in one(found, "counts")["sides"]:
            assert side["absent"].startswith("There is no classifier of these images: ")
            assert "two classes" in side["absent"]
        assert one(found, "judge")["absent"] == one(found, "counts")["sides"][0]["absent"]
        for name in ("left", "right"):
            assert np.isfinite(one(found, "field", name)["values"]).all()
    _, (message,) = parse({"field": "doubt"}, duel.limits)
    assert "doubt is none of" in message
    tables = sent(compare({"left": "of-mine", "right": "of-mine"}))["tables"]
    assert set(tables["fields"]) == set(PLAIN)


def wait(name: str) -> None:
    """Waits for a classifier, or for why there is none."""
    gap_store.classifier_later(name).exception(timeout=15)


@pytest.mark.parametrize(
    "error",
    [kind("no images") for kind in (ValueError, DataError, PermissionError, RuntimeError, MemoryError)],
    ids=lambda error: type(error).__name__,
)
def test_a_classifier_that_cannot_be_fitted_is_told_in_words_and_the_page_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """Whatever ails it: nobody may wait for one that never comes."""

    def fails(_: str) -> None:
        raise error

    monkeypatch.setattr("vae_explorer.measured.classifiers.load", fails)
    save(folder, "a")
    wait("digits")
    duel = twice("a")
    assert "doubt" in duel.limits.fields, "digits have classes"
    for side in one(said(duel, field="round_trip"), "counts")["sides"]:
        assert "There is no classifier of these images" in side["absent"]
        assert "no images" in side["absent"]
    for name in ("left", "right"):
        doubt = one(said(duel, field="doubt"), "field", name)
        assert "Doubt of the network classifier cannot be computed for a" in doubt["absent"]
        assert "no images" in one(said(duel, field="class"), "classes", name)["absent"]
    messages = sent(compare({"left": "a", "right": "a", "field": "doubt"}))
    assert "no images" in messages["counts"]["sides"][0]["absent"]


def test_while_the_classifier_is_fitted_nobody_waits_and_the_words_say_so(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    never: Future[Any] = Future()
    monkeypatch.setattr(gap_store, "classifier_later", lambda _: never)
    save(folder, "a")
    for side in one(said(twice("a")), "counts")["sides"]:
        assert side["absent"] == "A classifier of the real images is being fitted: some seconds, once."
    assert "being fitted" in one(said(twice("a"), field="class"), "classes", "left")["absent"]


def test_three_images_of_a_class_are_enough(folder: Path) -> None:
    """Or too few, in words: what the parts make of three is chance."""
    random = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], [30, 27, 3])
    images = (random.integers(0, 80, (60, 8, 8)) + 80 * labels[:, None, None]).astype(np.uint8)
    data.add("few", own.read(npz(images=images, labels=labels)), own.Choices(), "x", lambda _: None)
    save(folder, "of-few", data="few")
    wait("few")
    parts = [data.load("few", part).labels for part in ("train", "validation")]
    judged = all((part == 2).any() for part in parts)
    duel = twice("of-few")
    assert ("class" in duel.limits.fields) == judged
    for side in one(said(duel), "counts")["sides"]:
        if judged:
            assert sum(side["counts"]) == 4000
            assert len(side["counts"]) == 3
        else:
            assert "two classes at least, and validation images of each" in side["absent"]


# Codes without a spread, fields without a difference ---------------------------------------------


def test_a_collapsed_vae_has_one_draw_from_its_codes_and_fields_in_numbers_or_words(folder: Path) -> None:
    """All codes are one spot: from it all draws are one image, and of one class."""
    save(folder, "flat", zero("encoder.head.weight"))
    wait("digits")
    duel = twice("flat")
    codes = encode(checkpoints.load(folder / "runs" / "flat.safetensors").arrays, duel.images.pixels, 1.0).mean
    assert np.ptp(codes, axis=0).max() < 1e-6
    counts = one(said(duel, spaces=("fitted", "prior")), "counts")["sides"]
    assert sorted(counts[0]["counts"]) == [0] * 9 + [4000]
    assert len(counts[0]["missing"]) == 9
    assert np.count_nonzero(counts[1]["counts"]) > 1, "the prior's draws are not one spot"
    for field in (*PLAIN, "doubt"):
        for name in ("left", "right"):
            message = one(said(duel, field=field), "field", name)
            if message.get("absent"):
                assert "cannot be computed for flat: " in message["absent"]
            else:
                assert np.isfinite(message["values"]).all(), field
                assert np.isfinite([spot["value"] for spot in message["spots"]]).all()
    test = compare({"left": "flat", "right": "flat", "z": "0.5,0.5"})
    assert sent(test)["answer"]["sides"][0]["z"] == [0.5, 0.5]


def test_a_field_that_is_the_same_everywhere_has_no_worst_spot(folder: Path) -> None:
    """A decoder that takes no notice of z: nothing changes, and no image is more doubtful than another."""
    save(folder, "deaf", zero("decoder.out.weight"))
    wait("digits")
    for field in ("speed", "doubt", "nearest"):
        message = one(said(twice("deaf"), field=field), "field", "left")
        assert np.ptp(message["values"]) == pytest.approx(0, abs=1e-6)
        assert message["spots"] == []


# Models of other numbers of axes -------------------------------------------------------------------


def test_draws_of_other_numbers_of_axes_are_counted_from_the_same_numbers(folder: Path) -> None:
    save(folder, "line", latent=1)
    save(folder, "five", latent=5)
    wait("digits")
    duel = Duel(Scene("line"), Scene("five"))
    assert duel.limits.fields == ()
    found = said(duel, seed=4)
    assert [kind for _, kind, _ in found] == ["judge", "counts"], "a field is of a plane"
    classifier = gap_store.classifier_later("digits").result()
    numbers: NDArray[np.float32] = noise(4, 4000, 5)
    for side, name, axes in zip(one(found, "counts")["sides"], ("line", "five"), (1, 5), strict=True):
        model = checkpoints.load(folder / "runs" / f"{name}.safetensors")
        shares = probabilities(classifier, decoded(model, numbers[:, :axes], 1.0))
        wanted = np.bincount(np.array(classifier.classes)[shares.argmax(1)], minlength=10)
        assert np.abs(np.array(side["counts"]) - wanted).sum() <= 4
        assert np.count_nonzero(wanted) > 1
    assert read(duel, parse({"tab": "gaps"}, duel.limits)[0])[0][1] == "judge"
