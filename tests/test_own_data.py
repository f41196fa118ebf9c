"""Own data: what is read equals what was put in, and what is bad is left out or refused with a reason."""

from __future__ import annotations

import io
import pickle
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from vae_explorer import data
from vae_explorer.data import PARTS, DataError, own
from vae_explorer.data.own import Choices, Reading, Upload, gathering, pictures, zips

RANDOM = np.random.default_rng(0)
GREY: NDArray[np.uint8] = RANDOM.integers(0, 256, (60, 12, 10), dtype=np.uint8)
COLOUR: NDArray[np.uint8] = RANDOM.integers(0, 256, (60, 12, 10, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that does not exist."""
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def png(image: NDArray[np.uint8] | Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(out, kind, **options)
    return out.getvalue()


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def npz(**arrays: NDArray[np.generic]) -> bytes:
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def good(images: NDArray[np.uint8] = GREY) -> dict[str, bytes]:
    """Files of two classes, in turn."""
    return {f"set/{('cat', 'dog')[k % 2]}/{k:03}.png": png(image) for k, image in enumerate(images)}


def add(upload: Upload, name: str = "mine", choices: Choices | None = None) -> None:
    data.add(name, upload, choices or Choices(), "mine.zip", lambda _: None)


def whys(upload: Upload) -> dict[str, str]:
    return {skipped.name: skipped.why for skipped in upload.skipped}


def inside(tmp: Path) -> set[str]:
    return {str(path.relative_to(tmp)) for path in tmp.rglob("*")}


# What is read is what was put in.


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
def test_a_zips_images_are_the_files_pixel_by_pixel_and_folders_are_classes(images: NDArray[np.uint8]) -> None:
    upload = own.read(zipped(good(images)))
    np.testing.assert_array_equal(upload.pixels, images)
    assert upload.names == ("cat", "dog")
    assert upload.labels.tolist() == [0, 1] * 30
    assert (upload.sizes, upload.skipped, upload.notes) == ("12 x 10", (), ())
    assert upload.range == (images.min(), images.max())


@pytest.mark.parametrize("prefix", ["", "all/"])
def test_without_folders_there_are_no_labels(prefix: str) -> None:
    upload = own.read(zipped({f"{prefix}{k}.png": png(image) for k, image in enumerate(GREY)}))
    assert upload.names == own.UNLABELLED
    assert not upload.labels.any()


def test_classes_are_in_natural_order_and_systems_files_are_no_images() -> None:
    files = {f"page {k % 12}/{k}.png": png(image) for k, image in enumerate(GREY)}
    upload = own.read(zipped({**files, "__MACOSX/0/._1.png": b"x", "0/.DS_Store": b"x", "0/Thumbs.db": b"x"}))
    assert upload.names == tuple(f"page {k}" for k in range(12))
    assert upload.labels.tolist() == [k % 12 for k in range(60)]
    assert upload.skipped == ()


def test_more_classes_than_a_legend_shows_are_read_without_labels() -> None:
    upload = own.read(zipped({f"{k}/a.png": png(image) for k, image in enumerate(GREY)}))
    assert upload.names == own.UNLABELLED
    assert "60 classes" in upload.notes[0]


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
def test_an_npz_files_images_are_the_array(images: NDArray[np.uint8]) -> None:
    labels = np.arange(60) % 3 + 5
    upload = own.read(npz(images=images, labels=labels))
    np.testing.assert_array_equal(upload.pixels, images)
    assert upload.names == ("5", "6", "7")
    np.testing.assert_array_equal(upload.labels, labels - 5)
    assert own.read(npz(images=images)).names == own.UNLABELLED


@pytest.mark.parametrize("order", ["C", "F"])
def test_torchs_axes_and_fortrans_order_are_read_alike(order: str) -> None:
    first = np.array(np.moveaxis(COLOUR, -1, 1), order=order)  # type: ignore[call-overload]
    np.testing.assert_array_equal(own.read(npz(images=first)).pixels, COLOUR)
    np.testing.assert_array_equal(own.read(npz(images=np.array(GREY[:, None], order=order))).pixels, GREY)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("values", "low", "high"),
    [
        (GREY / np.float32(255), 0, 1),
        (GREY / 127.5 - 1, -1, 1),
        (GREY.astype(np.uint16) * 257, 0, 65_535),
        (GREY.astype(np.float64), 0, 255),
        (3 * GREY.astype(np.int32) - 1000, -1000, -235),
    ],
)
def test_an_arrays_range_is_found_and_spread_over_the_grey_levels(
    values: NDArray[np.generic], low: float, high: float
) -> None:
    upload = own.read(npz(images=values))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert upload.range == pytest.approx((low, high))


def test_masks_are_black_and_white() -> None:
    upload = own.read(npz(images=GREY > 127))
    np.testing.assert_array_equal(upload.pixels, np.where(GREY > 127, 255, 0))


def test_labels_may_be_words_and_numbers_that_are_no_classes_are_left_out() -> None:
    words = np.array(["b", "a"] * 30)
    assert own.read(npz(images=GREY, labels=words)).names == ("a", "b")
    assert own.read(npz(images=GREY, labels=words)).labels.tolist() == [1, 0] * 30
    upload = own.read(npz(images=GREY, labels=np.linspace(0, 1, 60)))
    assert upload.names == own.UNLABELLED
    assert "no classes" in upload.notes[0]


def test_a_sheet_is_cut_row_by_row_and_its_empty_end_is_left_out() -> None:
    sheet = np.zeros((6 * 12 + 3, 11 * 10), np.uint8)
    for k, image in enumerate(GREY):
        sheet[12 * (k // 11) : 12 * (k // 11) + 12, 10 * (k % 11) : 10 * (k % 11) + 10] = image
    upload = own.read(png(sheet), Reading(tile=(12, 10)))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert len(upload.skipped) == 6
    assert "3 pixels below" in upload.notes[0]
    assert upload.tile == (12, 10)
    assert "tile" in upload.asks


def test_a_sheets_tile_is_guessed() -> None:
    assert own.read(png(RANDOM.integers(0, 255, (160, 320), dtype=np.uint8))).tile == (32, 32)


def test_photographs_are_turned_as_they_were_taken() -> None:
    photograph = np.zeros((40, 80, 3), np.uint8)
    photograph[:, :40] = 255, 0, 0  # red at the left
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees, clockwise: the left side becomes the top
    files = {f"{k}.jpg": png(np.roll(photograph, k % 3, 0) - np.uint8(k % 2), "JPEG", exif=exif) for k in range(60)}
    upload = own.read(zipped(files))
    assert upload.sizes == "80 x 40"
    assert upload.pixels.shape == (60, 64, 32, 3)
    assert upload.pixels[0, :24, :, 0].min() > 200
    assert upload.pixels[0, 40:, :, 0].max() < 55


# Sizes, grounds and kinds of pixels.


def test_larger_images_are_averages_of_their_pixels() -> None:
    blocks = np.kron(GREY[:, :8, :8], np.ones((1, 16, 16), np.uint8))  # 128 x 128, of 16 x 16 blocks
    upload = own.read(zipped({f"{k}.png": png(image) for k, image in enumerate(blocks)}))
    assert upload.pixels.shape == (60, 64, 64)
    np.testing.assert_allclose(upload.pixels[:, 4::8, 4::8], GREY[:, :8, :8], atol=1)


def test_mixed_sizes_are_padded_or_cropped_but_never_stretched() -> None:
    wide, high = np.full((10, 30), 200, np.uint8), np.full((30, 10), 100, np.uint8)
    content = zipped({f"{k}.png": png(wide if k % 2 else high) for k in range(60)})
    upload = own.read(content)
    assert upload.sizes == "10 x 30 to 30 x 10"
    assert upload.pixels.shape == (60, 30, 30)
    assert upload.asks == {"fit", "ground"}
    assert (upload.pixels[1, 10:20] == 200).all()
    assert not upload.pixels[1, :10].any()
    assert (own.read(content, Reading(ground="white")).pixels[1, :10] == 255).all()
    cropped = own.read(content, Reading(fit="crop"))
    assert (cropped.pixels[1] == 200).all()
    assert cropped.asks == {"fit"}


def test_one_shape_in_different_sizes_needs_no_choice() -> None:
    images = [np.kron(image[:10], np.ones((1 + k % 3, 1 + k % 3), np.uint8)) for k, image in enumerate(GREY)]
    upload = own.read(zipped({f"{k}.png": png(image) for k, image in enumerate(images)}))
    assert upload.sizes == "10 x 10 to 30 x 30"
    assert upload.pixels.shape[1:] == (20, 20)
    assert upload.asks == frozenset()


def test_eight_bits_written_as_sixteen_are_the_eight() -> None:
    deep = {f"{k}.png": png(Image.fromarray(image.astype(np.uint16) * 257)) for k, image in enumerate(GREY)}
    upload = own.read(zipped(deep))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert "60 images with more than 8 bits a pixel" in upload.notes[-1]


def test_palettes_and_colours_that_are_grey_become_grey() -> None:
    palettes = [Image.fromarray(image).convert("P") for image in GREY]
    np.testing.assert_array_equal(own.read(zipped({f"{k}.png": png(p) for k, p in enumerate(palettes)})).pixels, GREY)
    colours = [Image.fromarray(image).convert("RGB") for image in GREY]
    np.testing.assert_array_equal(own.read(zipped({f"{k}.png": png(p) for k, p in enumerate(colours)})).pixels, GREY)


def test_a_palette_of_colours_keeps_them() -> None:
    few = COLOUR // 128 * 255
    palettes = [Image.fromarray(image).quantize(8) for image in few]
    np.testing.assert_array_equal(
        own.read(zipped({f"{k}.gif": png(p, "GIF") for k, p in enumerate(palettes)})).pixels, few
    )


def test_one_image_in_colour_makes_all_of_them_colour() -> None:
    files = {f"{k}.png": png(image) for k, image in enumerate(GREY)}
    upload = own.read(zipped({**files, "30.png": png(COLOUR[30])}))
    expected = np.repeat(GREY[..., None], 3, -1)
    expected[30] = COLOUR[30]
    np.testing.assert_array_equal(upload.pixels, expected)


@pytest.mark.parametrize(("ground", "level"), [("black", 0), ("white", 255)])
def test_transparent_pixels_show_the_ground(ground: own.Ground, level: int) -> None:
    alpha = np.where(GREY > 127, 255, 0).astype(np.uint8)
    files = {
        f"{k}.png": png(Image.merge("LA", [Image.fromarray(image), Image.fromarray(a)]))
        for k, (image, a) in enumerate(zip(GREY, alpha, strict=True))
    }
    upload = own.read(zipped(files), Reading(ground=ground))
    np.testing.assert_array_equal(upload.pixels, np.where(alpha > 0, GREY, level))
    assert upload.asks == {"ground"}
    assert ground in upload.notes[0]


def test_an_animations_first_frame_is_read() -> None:
    frames = [Image.fromarray(image) for image in GREY]
    files = {
        f"{k}.gif": png(frame, "GIF", save_all=True, append_images=[frames[k - 1]]) for k, frame in enumerate(frames)
    }
    upload = own.read(zipped(files))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert upload.notes == ("60 images animated: the first frame is used.",)


# What is bad is left out and listed, or refused; nothing is written.


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def declared(width: int, height: int) -> bytes:
    """A PNG file that says it is so large and has hardly any data."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("set/cat/cut.png", png(RANDOM.integers(0, 255, (90, 90), dtype=np.uint8))[:3000], "damaged or cut off"),
        ("set/cat/note.png", b"not an image", "no image"),
        ("set/cat/readme.txt", b"hello", "no image"),
        ("set/cat/empty.png", b"", "no image"),
        ("set/cat/page.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "no image"),
        ("../../cat/up.png", png(GREY[0]), "climbs out"),
        ("set/..\\..\\up.png", png(GREY[0]), "climbs out"),
        ("/etc/cat/root.png", png(GREY[0]), "absolute path"),
        ("C:\\cat\\root.png", png(GREY[0]), "absolute path"),
        ("set/cat/large.png", declared(10_000, 5_000), "50 megapixels"),
        ("set/cat/bomb.png", declared(60_000, 60_000), "too many pixels"),
        ("set/cat/zeros.png", bytes(gathering.MOST_FILE + 1), "64 MB"),
    ],
)
def test_a_bad_file_among_good_ones_is_left_out_and_listed(name: str, content: bytes, why: str, tmp_path: Path) -> None:
    upload = own.read(zipped({name: content, **good()}))
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert upload.names == ("cat", "dog")
    (listed,) = upload.skipped
    assert listed.name == name
    assert why in listed.why
    assert not inside(tmp_path)


def test_links_in_a_zip_are_left_out() -> None:
    out = io.BytesIO(zipped(good()))
    with zipfile.ZipFile(out, "a") as archive:
        link = zipfile.ZipInfo("set/cat/link.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    upload = own.read(out.getvalue())
    assert "a link" in whys(upload)["set/cat/link.png"]


def test_a_member_with_a_wrong_checksum_is_left_out() -> None:
    content = bytearray(zipped(good(), zipfile.ZIP_STORED))
    at = content.index(png(GREY[7])) + len(png(GREY[7])) - 30
    content[at] ^= 255
    upload = own.read(bytes(content))
    assert list(whys(upload)) == ["set/dog/007.png"]
    np.testing.assert_array_equal(upload.pixels, np.delete(GREY, 7, 0))


def test_a_password_is_named() -> None:
    content = zipped(good())
    flagged = content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")
    assert flagged != content
    with pytest.raises(DataError, match="without a password"):
        own.read(flagged)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zips, "MOST_UNPACKED", 10 * 2**20)
    monkeypatch.setattr(pictures, "decode", None)  # nothing is decoded
    with pytest.raises(DataError, match="would unpack to"):
        own.read(zipped({f"{k}.png": bytes(3 * 2**20) for k in range(4)}))


def test_a_member_that_unpacks_to_more_than_it_declares_is_left_out() -> None:
    honest = zipped({"a/bomb.png": bytes(2**20), **good()})
    lying = honest.replace(struct.pack("<I", 2**20), struct.pack("<I", 100))
    assert lying != honest
    assert list(whys(own.read(lying))) == ["a/bomb.png"]


def test_a_hundred_thousand_tiny_files_are_refused_at_once() -> None:
    entry = struct.pack("<4sBBHHHHIIIHHHHHII", b"PK\x01\x02", 20, 3, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0) + b"a"
    with pytest.raises(DataError, match="more than 100,000 files"):
        own.read(b"PK\x03\x04" + 100_001 * entry)


@pytest.mark.parametrize("content", [b"PK\x03\x04 and nothing", zipped(good())[:-40], b"", b"hello", b"%PDF-1.4"])
def test_what_is_no_upload_is_refused_with_what_to_do(content: bytes) -> None:
    with pytest.raises(DataError, match=r"Make it again|Upload a sheet"):
        own.read(content)


@pytest.mark.parametrize("count", [0, 1, 49])
def test_too_few_images_are_counted(count: int) -> None:
    with pytest.raises(DataError, match=rf"{count} images? could be read, and 50 are needed"):
        own.read(zipped({"x.txt": b"x", **{f"{k}.png": png(image) for k, image in enumerate(GREY[:count])}}))
    if count:
        with pytest.raises(DataError, match=rf"{count} images? could be read, and 50 are needed"):
            own.read(npz(images=GREY[:count]))


def test_what_was_left_out_is_told_when_too_few_remain() -> None:
    with pytest.raises(DataError, match=r"60 more were left out: 60 x no image of a known kind \(0.png\)"):
        own.read(zipped({f"{k}.png": b"x" for k in range(60)}))


def test_identical_images_are_refused() -> None:
    with pytest.raises(DataError, match="All 60 images are the same"):
        own.read(zipped({f"{k}.png": png(GREY[0]) for k in range(60)}))


def test_too_thin_images_are_refused() -> None:
    with pytest.raises(DataError, match="too thin"):
        own.read(zipped({f"{k}.png": png(np.full((3, 300), k, np.uint8)) for k in range(60)}))


class Trap:
    """Whoever unpickles it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return Path.touch, (self.path,)  # type: ignore[return-value]


@pytest.mark.parametrize("name", ["images", "labels"])
def test_objects_in_an_npz_are_never_unpickled(name: str, tmp_path: Path) -> None:
    trap = Trap(tmp_path / "sprung")
    pickle.loads(pickle.dumps(trap))
    (tmp_path / "sprung").unlink()  # the trap works
    arrays: dict[str, NDArray[np.generic]] = {"images": GREY, "labels": np.arange(60)}
    objects = np.array([trap] * 60, dtype=object)
    with pytest.raises(DataError, match=f"`{name}` holds Python objects"):
        own.read(npz(**(arrays | {name: objects})))
    assert not (tmp_path / "sprung").exists()


def test_images_with_nan_are_left_out_with_their_labels() -> None:
    values = GREY / 255
    values[5, 3, 3], values[7, 0, 0] = np.nan, np.inf
    upload = own.read(npz(images=values, labels=np.arange(60) % 2))
    assert list(whys(upload)) == ["image 5", "image 7"]
    np.testing.assert_array_equal(upload.pixels, np.delete(GREY, [5, 7], 0))
    assert upload.labels.tolist() == np.delete(np.arange(60) % 2, [5, 7]).tolist()
    assert upload.range == (values[np.isfinite(values)].min(), 1)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": GREY.reshape(60, -1)}, "reshape it"),
        ({"images": np.zeros((60, 8, 8, 4))}, "reshape it"),
        ({"images": np.zeros((60, 8, 8), complex)}, "save it as uint8"),
        ({"images": np.zeros((0, 8, 8))}, "holds 0 images"),
        ({"images": np.zeros((60, 1, 5000))}, "are the largest"),
        ({"images": GREY, "labels": np.arange(59)}, "one label for each image"),
        ({"pictures": GREY}, "holds pictures, and no `images`"),
        ({"images": np.full((60, 8, 8), np.nan)}, "nan or infinite"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_with_what_to_do(
    arrays: dict[str, NDArray[np.generic]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        own.read(npz(**arrays))


def test_an_array_that_declares_too_much_is_refused_before_it_is_read() -> None:
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (10**5, 512, 512)})
    with pytest.raises(DataError, match="would unpack to more"):
        own.read(zipped({"images.npy": header.getvalue()}))
    few = header.getvalue().replace(b"(100000, 512, 512)", b"(100, 512, 512)   ")
    with pytest.raises(DataError, match="cut off"):
        own.read(zipped({"images.npy": few}))


@pytest.mark.parametrize("tile", [(2, 10), (200, 10), (0, 0)])
def test_tiles_that_do_not_fit_a_sheet_are_refused(tile: tuple[int, int]) -> None:
    with pytest.raises(DataError, match="do not fit the sheet"):
        own.read(png(RANDOM.integers(0, 255, (120, 100), dtype=np.uint8)), Reading(tile=tile))


# Kept as a data set.


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
def test_the_parts_hold_every_image_once_with_its_label_and_never_change(images: NDArray[np.uint8]) -> None:
    upload = own.read(zipped(good(images)))
    add(upload)
    parts = [data.load("mine", part) for part in PARTS]
    assert [len(part.labels) for part in parts] == [30, 10, 20]
    found = {
        image.tobytes(): part.names[label]
        for part in parts
        for image, label in zip(part.pixels, part.labels, strict=True)
    }
    assert found == {image.tobytes(): ("cat", "dog")[k % 2] for k, image in enumerate(images)}
    for part, name in zip(parts, PARTS, strict=True):
        again = data.load("mine", name)
        np.testing.assert_array_equal(part.pixels, again.pixels)
        assert part.pixels.dtype == np.uint8
        assert part.pixels.flags.c_contiguous
        assert part.pixels.flags.writeable
        assert np.bincount(part.labels).tolist() == [len(part.labels) // 2] * 2
    assert parts[0].source == f"mine, your own: 60 images of 12 x 10 in {'colour' if images is COLOUR else 'grey'}"
    add(upload, "again")
    np.testing.assert_array_equal(data.load("again", "test").pixels, parts[2].pixels)


def test_parts_of_many_are_a_tenth_each() -> None:
    add(own.read(npz(images=np.concatenate([GREY] * 10))))
    assert [len(data.load("mine", part).labels) for part in PARTS] == [480, 60, 60]


def test_choices_change_size_ground_and_colour() -> None:
    plain = np.kron(COLOUR, np.ones((1, 2, 2, 1), np.uint8))
    upload = own.read(npz(images=plain))
    add(upload, choices=Choices(size=(12, 10), inverted=True, grey=True))
    pixels = np.concatenate([data.load("mine", part).pixels for part in PARTS])
    assert pixels.shape == (60, 12, 10)
    luma = plain @ np.array([0.299, 0.587, 0.114])  # ITU-R 601
    means = 255 - luma.mean((1, 2))
    np.testing.assert_allclose(np.sort(pixels.mean((1, 2))), np.sort(means), atol=1)


def test_own_data_is_in_every_list_and_can_be_deleted() -> None:
    assert data.names() == list(data.DATASETS)
    add(own.read(npz(images=GREY)))
    assert data.names() == [*data.DATASETS, "mine"]
    assert data.available("mine")
    assert not data.downloadable("mine")
    assert own.summary("mine").counts == (30, 10, 20)
    assert not own.summary("mine").labelled
    own.delete("mine")
    assert data.names() == list(data.DATASETS)
    with pytest.raises(DataError, match="no data set 'mine'"):
        data.load("mine", "train")


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A", ".hidden", "x" * 41, "mnist", "a b", "/etc", ".."])
def test_names_that_cannot_be_folders_or_are_taken_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot be a name|Choose another name"):
        add(own.read(npz(images=GREY)), name)
    assert not inside(tmp_path)


def test_a_taken_name_is_refused_and_keeps_what_it_had() -> None:
    add(own.read(npz(images=GREY)))
    before = data.load("mine", "train").pixels
    with pytest.raises(DataError, match="already"):
        add(own.read(npz(images=255 - GREY)))
    np.testing.assert_array_equal(data.load("mine", "train").pixels, before)


@pytest.mark.parametrize("name", ["..", "../..", "mine/../..", "nothing", "", ".", "link"])
def test_nothing_outside_the_own_folder_is_deleted(name: str, tmp_path: Path, folder: Path) -> None:
    add(own.read(npz(images=GREY)))
    (folder / "MNIST").mkdir()
    (tmp_path / "precious").mkdir()
    (folder / "own" / "link").symlink_to(tmp_path / "precious")
    before = inside(tmp_path)
    with pytest.raises(DataError, match="no own data set"):
        own.delete(name)
    assert inside(tmp_path) == before
    assert data.names() == [*data.DATASETS, "mine"]


def test_what_interrupts_leaves_no_half_data_set(folder: Path) -> None:
    upload = own.read(npz(images=GREY))

    class Left(Exception):
        pass

    def leave(_: float) -> None:
        raise Left

    with pytest.raises(Left):
        data.add("mine", upload, Choices(), "x.npz", leave)
    assert list((folder / "own").iterdir()) == []
    with pytest.raises(Left):
        own.read(npz(images=GREY), progress=leave)


def test_a_folder_that_cannot_be_written_is_named(folder: Path) -> None:
    upload = own.read(npz(images=GREY))
    folder.parent.mkdir(exist_ok=True)
    folder.write_text("a file")
    with pytest.raises(DataError, match="VAE_EXPLORER_DATA"):
        add(upload)


def cut(path: Path) -> None:
    (path / "pixels.npy").write_bytes((path / "pixels.npy").read_bytes()[:-100])


def pickled(path: Path) -> None:
    np.save(path / "labels.npy", np.array([{}] * 60, dtype=object), allow_pickle=True)


def edited(path: Path) -> None:
    (path / "meta.json").write_text((path / "meta.json").read_text().replace("[30, 10, 20]", "[3000, 10, 20]"))


def linked(path: Path) -> None:
    (path / "pixels.npy").rename(path.parent.parent / "elsewhere.npy")
    (path / "pixels.npy").symlink_to(path.parent.parent / "elsewhere.npy")


def foreign(path: Path) -> None:
    (path / "meta.json").write_text("{")


def archive(path: Path) -> None:
    (path / "pixels.npy").write_bytes(npz(a=GREY))


def unclosed(path: Path) -> None:
    content = (path / "pixels.npy").read_bytes()
    (path / "pixels.npy").write_bytes(content.replace(b"}", b" ", 1))


@pytest.mark.parametrize("damage", [cut, pickled, edited, linked, foreign, archive, unclosed])
def test_damaged_files_are_named_and_can_be_deleted(damage: Callable[[Path], None], folder: Path) -> None:
    add(own.read(npz(images=GREY)))
    damage(folder / "own" / "mine")
    with pytest.raises(DataError, match="Delete it on the page Data"):
        data.load("mine", "train")
    assert own.summary("mine").error
    own.delete("mine")
    assert "mine" not in data.names()


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    upload = own.read(zipped(good(np.concatenate([GREY] * 5))), progress=seen.append)
    data.add("mine", upload, Choices(), "x.zip", seen.append)
    reading, adding = seen[: seen.index(1.0) + 1], seen[seen.index(1.0) + 1 :]
    assert reading == sorted(reading)
    assert adding == sorted(adding)
    assert seen[-1] == 1.0
    assert len(reading) > 3
