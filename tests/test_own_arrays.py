"""Arrays of every make: axes, parts, names and labels are understood, and no header does any harm."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.test_own_data import COLOUR, GREY, RANDOM, npz, zipped
from vae_explorer.data import DataError, own
from vae_explorer.data.own import Reading
from vae_explorer.data.own.budget import Budget
from vae_explorer.data.own.labels import read_labels
from vae_explorer.data.own.npy import parse_header
from vae_explorer.data.own.tables import held

CLASSES = np.arange(60) % 3
SMOOTH = (  # 64 waves of 64 x 60 pixels would be 60 of 64 x 64 as MATLAB has them
    127.5 + 127.5 * np.sin(np.add.outer(np.arange(60) * 2.4, np.add.outer(np.arange(64), np.arange(64)) / 9))
).astype(np.uint8)


def raw(header: bytes, body: bytes = b"", version: int = 1) -> bytes:
    """An .npy file with any header."""
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + body


# Axes.


def test_matlabs_order_is_seen_in_smooth_images_said_and_can_be_undone() -> None:
    upload = own.read(npz(images=np.moveaxis(SMOOTH, 0, -1)))
    np.testing.assert_array_equal(upload.pixels, SMOOTH)
    assert "last axis" in upload.notes[0]
    assert "order" in upload.asks
    undone = own.read(npz(images=np.moveaxis(SMOOTH, 0, -1)), Reading(order="first"))
    np.testing.assert_array_equal(undone.pixels, np.moveaxis(SMOOTH, 0, -1))
    assert "order" in undone.asks
    plain = own.read(npz(images=SMOOTH))
    np.testing.assert_array_equal(plain.pixels, SMOOTH)
    assert (plain.asks, plain.notes) == (frozenset(), ())


def test_noise_is_taken_in_numpys_order_unless_the_user_or_the_labels_say_otherwise() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 60), dtype=np.uint8)
    first = own.read(npz(images=noise))
    np.testing.assert_array_equal(first.pixels, noise)
    assert first.asks == {"order"}
    moved = np.moveaxis(noise, -1, 0)
    np.testing.assert_array_equal(own.read(npz(images=noise), Reading(order="last")).pixels, moved)
    labelled = own.read(npz(images=noise, labels=CLASSES))
    np.testing.assert_array_equal(labelled.pixels, moved)
    assert labelled.labels.tolist() == CLASSES.tolist()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "axes", [(0, 1, 2, 3), (0, 3, 1, 2), (1, 2, 3, 0), (3, 1, 2, 0)], ids=["NHWC", "NCHW", "HWCN", "CHWN"]
)
@pytest.mark.parametrize("dtype", [">f4", "<u2", "u1"])
def test_colour_images_are_found_in_any_order_of_axes(order: str, axes: tuple[int, ...], dtype: str) -> None:
    images = np.array((COLOUR.astype(float) * (257 if dtype == "<u2" else 1)).transpose(axes), dtype, order=order)  # type: ignore[call-overload]
    if dtype == "<u2":
        assert images.max() == 65_535
    np.testing.assert_array_equal(own.read(npz(images=images)).pixels, COLOUR)


def test_an_array_across_the_file_with_nan_leaves_out_the_right_images() -> None:
    values = np.asfortranarray(GREY / 255)
    values[5, 3, 3], values[7, 0, 0] = np.nan, -np.inf
    upload = own.read(npz(images=values, labels=np.arange(60) % 2))
    np.testing.assert_array_equal(upload.pixels, np.delete(GREY, [5, 7], 0))
    assert [each.name for each in upload.skipped] == ["image 5", "image 7"]
    assert upload.labels.tolist() == np.delete(np.arange(60) % 2, [5, 7]).tolist()


def test_rows_of_values_become_square_images() -> None:
    square = GREY[:, :10, :10]
    upload = own.read(npz(data=square.reshape(60, 100), target=CLASSES))
    np.testing.assert_array_equal(upload.pixels, square)
    assert "100 values is read as 10 x 10" in " ".join(upload.notes)
    planes = COLOUR[:, :10, :10].transpose(0, 3, 1, 2).reshape(60, 300)  # as CIFAR-10 has it
    for rows in (planes, np.asfortranarray(planes)):
        np.testing.assert_array_equal(own.read(npz(data=rows)).pixels, COLOUR[:, :10, :10])


# Names and parts.


@pytest.mark.parametrize(
    ("images", "labels"),
    [("X", "y"), ("data", "target"), ("arr_0", "arr_1"), ("image", "label"), ("IMAGES", "Labels"), ("x", "targets")],
)
def test_the_usual_names_are_known(images: str, labels: str) -> None:
    arrays: dict[str, NDArray[np.generic]] = {images: GREY, labels: CLASSES}
    upload = own.read(npz(**arrays))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert upload.labels.tolist() == CLASSES.tolist()


@pytest.mark.parametrize("names", ["x_{} y_{}", "{}_images {}_labels", "X{} Y{}", "{}X {}Y"])
def test_parts_are_joined_in_their_order_with_their_labels(names: str) -> None:
    (train, train_labels), (test, test_labels) = (
        tuple(name.format(part) for name in names.split()) for part in ("train", "test")
    )
    arrays: dict[str, NDArray[np.generic]] = {
        test: GREY[:12],
        test_labels: CLASSES[:12, None],
        train: GREY[12:],
        train_labels: CLASSES[12:, None],
    }
    upload = own.read(npz(**arrays))
    np.testing.assert_array_equal(upload.pixels, np.roll(GREY, -12, 0))
    assert upload.labels.tolist() == np.roll(CLASSES, -12).tolist()
    assert f"Joined: 48 of `{train}`, 12 of `{test}`" in " ".join(upload.notes).replace("\\", "")


def test_black_and_white_are_those_of_all_parts_together() -> None:
    dark, bright = GREY[:50] // 16, GREY[:20]
    upload = own.read(npz(x_train=dark, x_test=bright))
    np.testing.assert_array_equal(upload.pixels, np.concatenate([dark, bright]))


def test_parts_of_different_shapes_are_refused() -> None:
    with pytest.raises(DataError, match="different shapes"):
        own.read(npz(x_train=GREY, x_test=GREY[:, :8]))


def test_a_plain_npy_file_is_an_array_of_images() -> None:
    out = io.BytesIO()
    np.save(out, GREY)
    np.testing.assert_array_equal(own.read(out.getvalue()).pixels, GREY)


# Labels.


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (np.array([b"cat", b"dog", b"ox"])[CLASSES], ("cat", "dog", "ox")),
        (np.array(["Zo\u00eb".encode(), b"\xe9t\xe9", b"x"])[CLASSES], ("Zo\u00eb", "x", "\u00e9t\u00e9")),  # Latin-1
        (np.array(["b", "a", "c"], ">U5")[CLASSES], ("a", "b", "c")),
        (np.eye(3)[CLASSES], ("0", "1", "2")),
        (np.eye(3, dtype=bool)[CLASSES].T, ("0", "1", "2")),
        (CLASSES[None], ("0", "1", "2")),
        (CLASSES.astype(">f4"), ("0", "1", "2")),
        (np.array([1e300, 2, np.inf])[CLASSES], ("2", "1e+300", "inf")),
        (np.array(["9" * 5000, "10", "x"])[CLASSES], None),
        (np.array([1, 2, np.nan])[CLASSES], ("1", "2", "no label")),
        (np.array([0, 2**64 - 1, 5], np.uint64)[CLASSES], ("0", "5", str(2**64 - 1))),
    ],
)
def test_labels_are_classes_however_they_are_written(
    labels: NDArray[np.generic], classes: tuple[str, ...] | None
) -> None:
    upload = own.read(npz(images=GREY, labels=labels))
    assert classes is None or set(upload.names) == set(classes)
    groups = {tuple(np.flatnonzero(upload.labels == k)) for k in range(3)}
    assert groups == {tuple(np.flatnonzero(k == CLASSES)) for k in range(3)}


@pytest.mark.parametrize("first", [0, 1])
def test_classes_have_the_names_that_stand_beside_them(first: int) -> None:
    names = np.array(["zero", "one", "two"])
    upload = own.read(npz(images=GREY, labels=CLASSES + first, class_names=names))
    assert [upload.names[k] for k in upload.labels] == names[CLASSES].tolist()


def test_numbers_that_are_no_classes_are_kept_as_numbers() -> None:
    angles, values = np.linspace(0, 1, 60), GREY / 255
    values[7, 0, 0] = np.nan
    upload = own.read(npz(images=values, labels=angles))
    assert upload.names == own.UNLABELLED
    assert {name: column.tolist() for name, column in upload.columns.items()} == {
        "labels": np.delete(angles, 7).tolist()
    }
    pairs = own.read(npz(images=GREY, y=np.stack([angles, -angles], 1)))
    assert [column.tolist() for column in pairs.columns.values()] == [angles.tolist(), (-angles).tolist()]


def test_labels_beyond_unicode_are_read_and_harm_nothing() -> None:
    codes = np.array([[0x110000 + k % 2, 0xD800] for k in range(60)], "<u4")
    header = b"{'descr': '<U2', 'fortran_order': False, 'shape': (60,)}"
    images = io.BytesIO()
    np.save(images, GREY)
    content = zipped({"images.npy": images.getvalue(), "labels.npy": raw(header, codes.tobytes())})
    assert len(own.read(content).pixels) == 60


# What would take too much, or is no header.


@pytest.mark.parametrize(
    ("name", "header", "message"),
    [
        ("labels", b"{'descr': '<U17448304', 'fortran_order': False, 'shape': (60,), }", "would unpack to more"),
        ("labels", b"{'descr': '<U17448', 'fortran_order': False, 'shape': (60, 60), }", "would unpack to more"),
        ("images", b"{'descr': '|u1', 'fortran_order': True, 'shape': (60, 4000, 4000, 3)}", "256 MB at once"),
        ("images", b"{'descr': '|u1', 'fortran_order': False, 'shape': (60000, 60, 60, 3), }", "of this size"),
        ("images", b"{'descr': '|u1', 'fortran_order': False, 'shape': (True, 8, 8), }", "cannot be read"),
        ("images", b"{'descr': '|u1', 'fortran_order': False, 'shape': (-60, 8, 8), }", "cannot be read"),
        ("images", b"{'descr': '|u1', 'fortran_order': (", "cannot be read"),
        ("images", b"-" * 9000, "cannot be read"),
        ("images", b"(" * 9000, "cannot be read"),
        ("images", b"{'descr': '|u1', 'descr': '|u1', 'shape': (60, 8, 8)}", "cannot be read"),
        ("images", b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (60,), }", "records"),
        ("images", b"{'descr': '|O', 'fortran_order': False, 'shape': (60,), }", "Python objects"),
        ("images", b"{'descr': '|u1', 'fortran_order': False, 'shape': (" + b"1," * 99 + b")}", "cannot be read"),
    ],
)
def test_headers_that_lie_are_refused_without_taking_memory(name: str, header: bytes, message: str) -> None:
    images = io.BytesIO()
    np.save(images, GREY)
    content = zipped({"images.npy": images.getvalue(), f"{name}.npy": raw(header)})
    tracemalloc.start()
    with pytest.raises(DataError, match=message):
        own.read(content)
    assert tracemalloc.get_traced_memory()[1] < 20 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("value", [0, 1, 300, 70_000, -3.5])
def test_one_value_everywhere_is_said(value: float) -> None:
    with pytest.raises(DataError, match=f"one value, {value:g}"):
        own.read(npz(images=np.full((60, 8, 8), value)))


def test_an_array_that_is_a_zip_is_refused() -> None:
    with pytest.raises(DataError, match="does not begin like a NumPy file"):
        own.read(zipped({"images.npy": npz(images=GREY)}))


SIDES = st.lists(st.one_of(st.sampled_from([0, 1, 3, 8, 60]), st.integers(-1, 10**20)), max_size=5)
TYPES = st.one_of(
    st.from_regex(r"\A[<>|=]?[?a-zA-Z][0-9]{0,3}\Z"), st.sampled_from(["<f4", "|u1", ">i8", "<U3", "|S2", "M8[s]"])
)


@settings(max_examples=100, deadline=None)
@given(
    sides=SIDES,
    kind=TYPES,
    fortran=st.booleans(),
    body=st.integers(0, 4000).map(RANDOM.bytes),
    version=st.integers(0, 4),
)
def test_any_header_ends_in_a_data_set_or_in_words(
    sides: list[int], kind: str, fortran: bool, body: bytes, version: int
) -> None:
    header = str({"descr": kind, "fortran_order": fortran, "shape": tuple(sides)}).encode()
    try:
        upload = own.read(zipped({"images.npy": raw(header, body, version)}))
    except DataError:
        return
    assert upload.pixels.dtype == np.uint8


@settings(max_examples=100, deadline=None)
@given(text=st.text("{}[]()'\"descrfotan_ohp:,|u1<f8TrueFalse 0123456789L-\\\n", max_size=80))
def test_any_text_is_a_header_or_is_not(text: str) -> None:
    try:
        parse_header("{'descr': '<f8', " + text, "x")
    except (ValueError, DataError):
        return


@given(
    shape=st.lists(st.integers(0, 10**6), max_size=5),
    kind=st.sampled_from(["<f8", "|u1", ">i2", "<U7", "|S3", "|b1", "<f2"]),
    fortran=st.booleans(),
)
def test_what_numpy_writes_is_read_as_numpy_reads_it(shape: list[int], kind: str, fortran: bool) -> None:
    out = io.BytesIO()
    np.lib.format.write_array_header_1_0(out, {"descr": kind, "fortran_order": fortran, "shape": tuple(shape)})
    if np.prod(shape, dtype=object) * np.dtype(kind).itemsize > 4 * 2**30:
        return
    header = parse_header(out.getvalue()[10:].decode(), "x")
    assert header == (tuple(shape), fortran, np.dtype(kind))


def test_names_that_fit_from_0_and_from_1_are_counted_from_0() -> None:
    names = held("names", np.array(["a", "b", "c"]))
    found = read_labels(held("y", np.array([1, 2, 1])), 3, names, Budget(10**6))
    assert found.classes == ["b", "c", "b"]
