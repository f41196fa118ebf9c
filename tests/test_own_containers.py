"""Files of arrays as other programs write them: MATLAB's, HDF5, IDX. Each is written by another library."""

from __future__ import annotations

import gzip
import io
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py  # type: ignore[import-untyped]
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.io import savemat

from tests.test_own_arrays import CLASSES
from tests.test_own_data import COLOUR, GREY, zipped
from vae_explorer.data import DataError, own
from vae_explorer.data.own import hdf5, hdf5_walk, matlab
from vae_explorer.data.own.budget import Budget


def mat(compressed: bool = True, **arrays: Any) -> bytes:
    out = io.BytesIO()
    savemat(out, arrays, do_compression=compressed)  # type: ignore[arg-type]
    return out.getvalue()


def h5(matlab: bool = False, **arrays: Any) -> bytes:
    out = io.BytesIO()
    with h5py.File(out, "w", userblock_size=512 if matlab else 0) as file:
        for name, values in arrays.items():
            file.create_dataset(
                name.replace("__", "/"), data=values, **({"compression": "gzip"} if values.ndim else {})
            )
    content = out.getvalue()
    return b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + content[512:] if matlab else content


def idx(values: NDArray[np.generic], code: int = 8) -> bytes:
    return struct.pack(f">BBBB{values.ndim}I", 0, 0, code, values.ndim, *values.shape) + values.tobytes()


@pytest.mark.parametrize("compressed", [True, False])
def test_a_mat_files_images_lie_along_the_last_axis(compressed: bool) -> None:
    content = mat(compressed, X=COLOUR.transpose(1, 2, 3, 0), y=CLASSES[:, None] + 1)  # as SVHN is
    upload = own.read(content)
    np.testing.assert_array_equal(upload.pixels, COLOUR)
    assert (upload.names, upload.labels.tolist()) == (("1", "2", "3"), CLASSES.tolist())
    assert "last axis" in " ".join(upload.notes)


def test_a_mat_files_columns_are_images_written_down_their_columns() -> None:
    square = np.add.outer(np.arange(60) * 7 % 50, np.add.outer(np.arange(12), 8 * np.arange(12))).astype(np.uint8)
    columns = square.transpose(2, 1, 0).reshape(144, 60)  # MATLAB's reshape goes down the columns
    upload = own.read(mat(faces=columns.astype(float)))
    assert np.corrcoef(upload.pixels.ravel(), square.ravel())[0, 1] > 0.999
    assert upload.range == (square.min(), square.max())


@pytest.mark.parametrize("matlab", [False, True])
def test_an_hdf5_files_arrays_are_read_in_their_own_order(matlab: bool) -> None:
    images = COLOUR.transpose(0, 3, 2, 1) if matlab else COLOUR  # MATLAB's (H, W, C, N) lies there turned round
    upload = own.read(h5(matlab, images=images, labels=CLASSES))
    np.testing.assert_array_equal(upload.pixels, COLOUR)
    assert upload.labels.tolist() == CLASSES.tolist()


def test_an_hdf5_files_groups_and_texts_are_understood() -> None:
    names = np.array(["cat", "dog", "\u00f6x"], object)[CLASSES]
    content = h5(train__data=GREY[:50, :10, :10].reshape(50, 100) / 255, train__target=names[:50],
                 test__data=GREY[50:, :10, :10].reshape(10, 100) / 255, test__target=names[50:])  # fmt: skip
    upload = own.read(content)
    np.testing.assert_array_equal(upload.pixels, GREY[:, :10, :10])
    assert [upload.names[k] for k in upload.labels] == names.tolist()


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "i4", "u4", "i8", "u8", "f4", "f8", "?"])
def test_a_mat_files_numbers_are_those_that_scipy_wrote(dtype: str, compressed: bool) -> None:
    values = (GREY.transpose(1, 2, 0) // 2 + np.arange(60)).astype(dtype)
    found = matlab.tables(mat(compressed, few=np.array([[7, 8, 9]], dtype), images=values), Budget(10**6)).found
    np.testing.assert_array_equal(found["images"].whole(), values)
    np.testing.assert_array_equal(found["few"].whole(), np.array([[7, 8, 9]], dtype))


@pytest.mark.parametrize("labels", [np.array(["cat"] * 60, object), np.array([["a"]] * 60), {"a": 1}, 1j * CLASSES])
def test_labels_of_a_mat_file_that_are_no_numbers_are_named(labels: Any) -> None:
    with pytest.raises(DataError, match=r"`labels` holds texts"):
        own.read(mat(images=GREY.transpose(1, 2, 0), labels=labels))


def test_the_one_array_of_images_may_have_any_name() -> None:
    np.testing.assert_array_equal(own.read(h5(frames=GREY, other=CLASSES)).pixels, GREY)
    np.testing.assert_array_equal(own.read(mat(ff=GREY.transpose(1, 2, 0))).pixels, GREY)


def test_nothing_outside_an_hdf5_file_is_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(GREY.tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["images"] = GREY
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset("images", GREY.shape, "u1", external=[(str(tmp_path / "secret.bin"), 0, GREY.size)])
        file["x"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "images")
        layout = h5py.VirtualLayout(GREY.shape, "u1")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "images", GREY.shape)
        file.create_virtual_dataset("data", layout)
    with pytest.raises(DataError, match="lies in another file"):
        own.read(out.getvalue())


def test_an_hdf5_file_that_declares_much_takes_no_memory() -> None:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset("images", (50, 20_000, 20_000), "f4", chunks=(1, 20_000, 20_000), compression="gzip")
    with pytest.raises(DataError, match="would unpack to more"):
        own.read(out.getvalue())


def test_without_h5py_the_line_that_installs_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    content = h5(images=GREY)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(DataError, match="python -m pip install h5py"):
        own.read(content)


@pytest.mark.parametrize("packed", [True, False])
def test_an_idx_file_is_read_packed_or_not(packed: bool) -> None:
    content = gzip.compress(idx(GREY)) if packed else idx(GREY)
    np.testing.assert_array_equal(own.read(content).pixels, GREY)
    deep = idx((GREY / 255).astype(">f4"), 0x0D)
    np.testing.assert_array_equal(own.read(gzip.compress(deep) if packed else deep).pixels, GREY)


@pytest.mark.parametrize("ending", ["-idx{}-ubyte", ".idx{}-ubyte", "-idx{}-ubyte.gz"])
def test_a_zip_of_mnists_four_files_is_one_data_set(ending: str) -> None:
    files = {}
    for part, at in (("t10k", slice(0, 12)), ("train", slice(12, 60))):
        for what, axes, values in (("images", 3, GREY[at]), ("labels", 1, CLASSES[at].astype(np.uint8))):
            content = idx(values)
            packed = gzip.compress(content) if ending.endswith("gz") else content
            files[f"MNIST/raw/{part}-{what}{ending.format(axes)}"] = packed
    upload = own.read(zipped(files))
    np.testing.assert_array_equal(upload.pixels, np.roll(GREY, -12, 0))
    assert upload.labels.tolist() == np.roll(CLASSES, -12).tolist()


@pytest.mark.parametrize("make", [mat, h5], ids=["mat", "h5"])
def test_damaged_files_end_in_a_data_set_or_in_words(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    random, content = np.random.default_rng(0), make(images=GREY, labels=CLASSES)
    monkeypatch.setattr(hdf5, "_demand_harmless", lambda *_: None)  # half a second each: it has its own test
    for _ in range(60):
        damaged = bytearray(content[: random.integers(20, len(content))] if random.random() < 0.2 else content)
        for at in random.integers(0, min(len(damaged), 3000), random.integers(1, 4)):
            damaged[at] = random.integers(256)
        try:
            upload = own.read(bytes(damaged))
        except DataError:
            continue
        assert upload.pixels.dtype == np.uint8


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"hello"), gzip.compress(idx(GREY))[:-40], idx(GREY)[:-1], idx(GREY)[:9]],
    ids=["no idx file", "packed and cut off", "cut off", "a header alone"],
)
def test_what_is_cut_off_or_no_idx_file_is_refused(content: bytes) -> None:
    with pytest.raises(DataError, match="no IDX file, or damaged"):
        own.read(content)


def test_hdf5_is_known_by_its_beginning() -> None:
    assert hdf5.is_hdf5(h5(images=GREY))
    assert hdf5.is_hdf5(h5(True, images=GREY))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "it cannot be read"),
        ("import sys; sys.exit(3)", "too much memory"),
        ("import time; time.sleep(60)", "does not end"),
    ],
)
def test_a_file_that_ends_its_reader_is_refused(
    program: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "walk.py").write_text(program)
    monkeypatch.setattr(hdf5_walk, "__file__", str(tmp_path / "walk.py"))
    monkeypatch.setattr(hdf5, "_PATIENCE", 0.5 if "sleep" in program else 30)
    with pytest.raises(DataError, match=message):
        own.read(h5(images=GREY))


def test_the_trial_reads_all_and_ends_where_memory_does() -> None:
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file.create_dataset("images", (6, 2000, 2000), "u1", chunks=(1, 2000, 2000), fillvalue=7)
        file["images"][5] = 8
    command = [sys.executable, "-I", str(hdf5_walk.__file__)]
    assert subprocess.run([*command, "400"], input=out.getvalue()).returncode == 0
    starved = subprocess.run([*command, "0"], input=out.getvalue()).returncode
    assert starved != 0 or sys.platform != "linux"


def test_an_hdf5_file_that_takes_a_while_to_hand_over_is_read() -> None:
    import h5py

    images = np.random.default_rng(0).integers(0, 256, (2_000, 64, 64), dtype=np.uint8)
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        file["images"] = images
    assert (own.read(out.getvalue()).pixels == images).all()
