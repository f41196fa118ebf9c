"""Archives and folders as people make them, and as nobody honest does: what is understood of each."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.test_own_data import COLOUR, GREY, png, whys, zipped
from vae_explorer.data import DataError, own
from vae_explorer.data.own import Reading, Upload, budget


def files(name: Callable[[int], str], kind: str = "PNG", **options: object) -> dict[str, bytes]:
    """Sixty images under names of their numbers."""
    return {name(k): png(image, kind, **options) for k, image in enumerate(GREY)}


def read(files: dict[str, bytes], **reading: str) -> Upload:
    return own.read(zipped(files), Reading(**reading))  # type: ignore[arg-type]


def by_class(upload: Upload) -> list[str]:
    return [upload.names[label] for label in upload.labels]


# Folders.


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        (lambda k: f"./{'ab'[k % 2]}x/{k}.png", ("ax", "bx")),
        (lambda k: f".hidden/{'ab'[k % 2]}x/{k}.png", ("ax", "bx")),
        (lambda k: f"{'ab'[k % 2]}x\\{k}.png", ("ax", "bx")),
        (lambda k: f"tiny/train/n{k % 3:04}/images/n{k % 3:04}_{k}.JPEG", ("n0000", "n0001", "n0002")),
        (lambda k: f"{('train', 'test')[k % 2]}/{k % 3}/{k}.png", ("0", "1", "2")),
        (lambda k: f"{('train', 'val')[k % 5 == 0]}/{'ab'[k % 2]}x/img/{k}.png", ("ax", "bx")),
        (
            lambda k: f"{('Greek', 'Latin', 'Tengwar')[k % 3]}/character{k % 4:02}/{k}.png",
            ("Greek", "Latin", "Tengwar"),
        ),
        (lambda k: f"{('cat', 'dog')[k % 2]}/session{k % 4}/{k}.png", ("cat", "dog")),
        (lambda k: f"session{k % 4}/{('cat', 'dog')[k % 2]}/{k}.png", ("cat", "dog")),
        (lambda k: f"{('cat', 'dog')[k % 2]}/2024-01-{k % 6:02}/{k}.png", ("cat", "dog")),
        (lambda k: f"writer{k % 6:02}/{k % 3}/{k}.png", ("0", "1", "2")),
        (lambda k: f"{('animals/cat', 'animals/dog', 'plants/rose')[k % 3]}/{k}.png", ("cat", "dog", "rose")),
        (lambda k: f"{('cat', 'dog')[k % 2]}/{('left', 'right')[k % 4 // 2]}/{k}.png", ("cat", "dog")),
        (lambda k: f"{('train', 'test')[k % 2]}/{k}.png", own.UNLABELLED),
        (lambda k: f"image{k}/image.png", own.UNLABELLED),
    ],
)
def test_classes_are_the_folders_that_a_person_would_take(name: Callable[[int], str], classes: tuple[str, ...]) -> None:
    upload = read(files(name))
    assert upload.names == classes
    if classes != own.UNLABELLED:
        assert all(label in name(k).replace("\\", "/").split("/") for k, label in enumerate(by_class(upload)))
    assert upload.files[7] == name(7).replace("\\", "/").removeprefix("./")


def test_another_level_of_folders_can_be_chosen() -> None:
    named = files(lambda k: f"{('Greek', 'Latin')[k % 2]}/character{k % 6 // 2:02}/{k}.png")
    assert "level 1" in " ".join(read(named).notes)
    keys = [option.key for option in read(named).class_options]
    assert read(named, classes=keys[1]).names == ("character00", "character01", "character02")
    assert len(read(named, classes="folders").names) == 6
    assert read(named, classes="none").names == own.UNLABELLED
    with pytest.raises(DataError, match="Choose one of these: folder 1, folder 2, folders, none"):
        read(named, classes="colour")


def test_folders_that_are_parts_are_said_and_can_be_classes_all_the_same() -> None:
    named = files(lambda k: f"{('train', 'test')[k % 2]}/{k}.png")
    assert "taken for parts" in " ".join(read(named).notes)
    assert read(named, classes="folder 1").names == ("test", "train")


def test_long_names_are_kept_whole_and_forms_of_one_name_are_one() -> None:
    long = "Corn maize leaf disease, lower leaf side, "
    assert read(files(lambda k: f"{long}{('rust', 'grey')[k % 2]}/{k}.png")).names == (f"{long}grey", f"{long}rust")
    forms = ("\u00c4pfel", "A\u0308pfel", "Birnen")
    assert read(files(lambda k: f"{forms[k % 3]}/{k}.png")).names == ("Birnen", "\u00c4pfel")


@pytest.mark.parametrize(
    ("page", "names"),
    [
        ("utf-8", ("Äpfel", "Öl")),
        ("gbk", ("苹果树", "香蕉皮")),
        ("big5", ("蘋果", "香蕉")),
        ("cp932", ("りんご", "犬")),
        ("cp949", ("고양이", "강아지")),
        ("cp850", ("Größe", "Ähre")),
        ("cp1252", ("café", "naïve")),
        ("cp866", ("кошка", "собака")),
        ("cp1251", ("кошка", "собака")),
        ("cp1253", ("γάτα", "σκύλος")),
    ],
)
def test_names_without_utf8_are_read_in_the_likeliest_code_page(page: str, names: tuple[str, str]) -> None:
    """Same number of letters, so the names' bytes can be put into a zip that was written with plain ones."""
    written = [name.encode(page) for name in names]
    plain = ["a" * len(written[0]), "b" * len(written[1])]
    content = zipped(files(lambda k: f"{plain[k % 2]}/{k}.png"), zipfile.ZIP_STORED)
    for old, new in zip(plain, written, strict=True):
        content = content.replace(old.encode() + b"/", new + b"/")
    assert set(own.read(content).names) == set(names)


def test_what_systems_and_editors_leave_is_no_image_and_hidden_files_are_said() -> None:
    upload = read(
        {
            **files(lambda k: f"set/{'ab'[k % 2]}x/{k}.png"),
            "__MACOSX/set/ax/._0.png": b"x",
            "set/.DS_Store": b"x",
            "set/Icon\r": b"",
            "set/.cache/ax/9.png": png(GREY[0]),
        }
    )
    assert len(upload.pixels) == 60
    assert whys(upload) == {
        "set/Icon\r": "a folder's icon on a Mac, and no image",
        "set/.cache/ax/9.png": "in a hidden folder, or hidden",
    }


def test_images_that_are_mostly_hidden_are_read() -> None:
    upload = read({**files(lambda k: f".data/{'ab'[k % 2]}x/{k}.png"), "cover.png": png(GREY[0])})
    assert len(upload.pixels) == 61
    assert upload.skipped == ()


# File names and tables.


@pytest.mark.parametrize(
    ("name", "classes"),
    [
        (lambda k: f"{('cat', 'dog')[k % 2]}_{k:03}.png", ("cat", "dog")),
        (lambda k: f"all/{('cat', 'dog')[k % 2]}.{k}.jpg", ("cat", "dog")),
        (lambda k: f"{('sea lion', 'dog')[k % 2]} ({k}).png", ("dog", "sea lion")),
        (lambda k: f"{k:03}_label{k % 3}.png", ("0", "1", "2")),
        (lambda k: f"{k:05}-{('cat', 'dog')[k % 2]}.png", ("cat", "dog")),
        (lambda k: f"{k % 4}_{k:05}.png", ("0", "1", "2", "3")),
        (lambda k: f"IMG_{k:04}.png", own.UNLABELLED),
        (lambda k: f"{k:04}.png", own.UNLABELLED),
        (lambda k: f"{'abcdefghijklmnopqrstuvwxyz'[k % 26] * 3}{k // 26}.png", own.UNLABELLED),
    ],
)
def test_classes_are_read_from_file_names_by_pattern(name: Callable[[int], str], classes: tuple[str, ...]) -> None:
    upload = read(files(name))
    assert upload.names == classes
    if classes != own.UNLABELLED:
        assert "file names" in " ".join(upload.notes)
        assert all(label in name(k) for k, label in enumerate(by_class(upload)))
        assert read(files(name), classes="none").names == own.UNLABELLED


def table(sep: str, head: bool, name: Callable[[int], str]) -> str:
    rows = [["file", "patient", "diagnosis", "age"]] if head else []
    rows += [[name(k), f"p{k % 7}", ("ill", "well")[k % 3 == 0], str(20 + k) if k != 5 else ""] for k in range(60)]
    return "\n".join(sep.join(row) for row in rows)


@pytest.mark.parametrize(
    ("sep", "encoding", "name"),
    [
        (",", "utf-8", lambda k: f"images/{k}.png"),
        (";", "utf-8-sig", lambda k: f"{k}.png"),
        ("\t", "utf-16", lambda k: f"./{k}"),
        (",", "cp1252", lambda k: f"x\\{k}.PNG"),
    ],
)
def test_a_table_beside_the_images_labels_them(sep: str, encoding: str, name: Callable[[int], str]) -> None:
    upload = read(
        {**files(lambda k: f"data/images/{k}.png"), "data/labels.csv": table(sep, True, name).encode(encoding)}
    )
    assert by_class(upload) == [("ill", "well")[k % 3 == 0] for k in range(60)]
    assert "column diagnosis of data/labels.csv" in " ".join(upload.notes)
    expected = np.where(np.arange(60) == 5, np.nan, np.arange(60) + 20.0)
    assert list(upload.columns) == ["age"]
    np.testing.assert_array_equal(upload.columns["age"], expected)
    assert upload.skipped == ()


def test_a_table_without_a_heading_labels_images_too() -> None:
    rows = "\n".join(f"{k}.png,{('cat', 'dog')[k % 2]}" for k in reversed(range(60)))
    upload = read({**files(lambda k: f"{k}.png"), "labels.csv": rows.encode()})
    assert by_class(upload) == ["cat", "dog"] * 30
    assert "column 2 of labels.csv" in upload.notes[0]


def test_a_name_that_two_images_have_names_neither() -> None:
    rows = "\n".join(f"{k // 2}.png,{('cat', 'dog')[k % 2]}" for k in range(60))
    assert read({**files(lambda k: f"s{k % 2}/{k // 2}.png"), "labels.csv": rows.encode()}).names == ("s0", "s1")
    upload = read({**files(lambda k: f"s{k % 2}/{k // 2}.png"), "labels.csv": rows.encode()}, classes="none")
    assert set(whys(upload)) == {"labels.csv"}


def test_columns_can_be_chosen_and_rows_may_be_missing() -> None:
    rows = "file,digit,patient\n" + "\n".join(f"{k}.png,{k % 5},p{k % 8}" for k in range(50))
    named = {**files(lambda k: f"{k}.png"), "labels.csv": rows.encode()}
    upload = read(named)
    assert by_class(upload)[:50] == [str(k % 5) for k in range(50)]
    assert by_class(upload)[50:] == ["no label"] * 10
    assert "no row for 10" in " ".join(upload.notes)
    assert set(read(named, classes="column patient").names) == {"no label", *(f"p{k}" for k in range(8))}


def test_a_table_of_something_else_is_left_out_with_a_reason() -> None:
    upload = read({**files(lambda k: f"{'ab'[k % 2]}x/{k}.png"), "notes.csv": b"name,age\nBob,3\nEve,4"})
    assert whys(upload) == {"notes.csv": "no image, and no table that names the images"}


# Formats.


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG", "TIFF", "AVIF"])
def test_every_format_is_turned_as_its_exif_data_say(kind: str) -> None:
    """Orientation 6: the first row of the file is the right column of the picture (Exif 2.3, table 6)."""
    stored = Image.fromarray(np.repeat(np.array([[0, 0, 0, 0, 255, 255]], np.uint8), 4, 0).repeat(8, 0).repeat(8, 1))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    stored.save(out, kind, exif=exif, quality=95)
    tilted = out.getvalue()
    upload = own.read(
        zipped({**{f"{k}.x": png(image) for k, image in enumerate(GREY)}, **{f"t{k}": tilted for k in range(600)}})
    )
    assert upload.pixels.shape[1:] == (48, 32)
    turned = upload.pixels[upload.files.index("t0")]
    assert turned[:28].max() < 30
    assert turned[36:].min() > 225


def late_exif(image: NDArray[np.uint8]) -> bytes:
    """A PNG file whose EXIF data stand behind the pixels, as the standard allows."""
    exif = Image.Exif()
    exif[0x0112] = 6
    content = png(image, exif=exif)
    at = content.index(b"eXIf") - 4
    size = struct.unpack(">I", content[at : at + 4])[0] + 12
    end = content.index(b"IEND") - 4
    return content[:at] + content[at + size : end] + content[at : at + size] + content[end:]


def test_exif_data_behind_the_pixels_of_a_png_count_too() -> None:
    upload = own.read(zipped({f"{k}.png": late_exif(image) for k, image in enumerate(GREY)}))
    np.testing.assert_array_equal(upload.pixels, np.rot90(GREY, -1, (1, 2)))


def stack(pages: int = 60, **options: object) -> bytes:
    first, *others = [Image.fromarray(image) for image in GREY[:pages]]
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=others, **options)
    return out.getvalue()


@pytest.mark.parametrize("content", [zipped({"a/stack.tif": stack()}), stack(), stack(compression="tiff_lzw")])
def test_each_page_of_a_tiff_is_an_image(content: bytes) -> None:
    upload = own.read(content)
    np.testing.assert_array_equal(upload.pixels, GREY)
    assert upload.files[41].endswith(" page 42")
    assert "60 images are pages of TIFF files." in upload.notes


def test_smaller_copies_in_a_tiff_are_no_images() -> None:
    def copied(image: NDArray[np.uint8]) -> bytes:
        out, small = io.BytesIO(), Image.fromarray(image[::2, ::2])
        Image.fromarray(image).save(out, "TIFF", save_all=True, append_images=[small])
        return out.getvalue()

    np.testing.assert_array_equal(
        own.read(zipped({f"{k}.tif": copied(each) for k, each in enumerate(GREY)})).pixels, GREY
    )


def test_an_avif_file_is_read() -> None:
    upload = own.read(zipped({f"{k}.avif": png(image, "AVIF", quality=100) for k, image in enumerate(COLOUR)}))
    assert upload.pixels.shape == COLOUR.shape


def test_lab_colours_are_read_as_pillow_converts_them() -> None:
    lab = [Image.merge("LAB", [Image.fromarray(image[..., k]) for k in range(3)]) for image in COLOUR]
    upload = own.read(zipped({f"{k}.tif": png(image, "TIFF") for k, image in enumerate(lab)}))
    np.testing.assert_array_equal(upload.pixels, np.stack([np.asarray(image.convert("RGB")) for image in lab]))


# What is not meant well.


def test_a_stream_that_seeks_to_and_fro_is_inflated_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow seeks backwards in a TIFF; in a zip that began from the start each time."""
    given: list[int] = []
    count = budget.Budget.inflated

    def counted(self: budget.Budget, size: int) -> None:
        given.append(size)
        count(self, size)

    monkeypatch.setattr(budget.Budget, "inflated", counted)
    content = stack()
    own.read(zipped({"stack.tif": content}))
    assert len(content) <= sum(given) <= 2 * len(content) + 16  # once to measure, once to decode


def overlapping(same: bool) -> bytes:
    """Sixty entries of one content: all at one place, or each reaching over all that follow."""
    content = zipped(files(lambda k: f"{k}.png"), zipfile.ZIP_STORED)
    at = [k for k in range(len(content)) if content[k : k + 4] == b"PK\x01\x02"]
    changed = bytearray(content)
    for entry in at:
        if same:
            struct.pack_into("<I", changed, entry + 42, 0)
        else:
            offset = struct.unpack_from("<I", content, entry + 42)[0]
            struct.pack_into("<I", changed, entry + 20, at[0] - offset - 36)
    return bytes(changed)


@pytest.mark.parametrize("same", [True, False])
def test_files_that_lie_over_one_another_are_refused(same: bool) -> None:
    with pytest.raises(DataError, match="lies over another file"):
        own.read(overlapping(same))


def test_the_sum_of_all_pixels_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "PIXELS", 59 * 120)
    monkeypatch.setattr(budget, "PIXELS_A_BYTE", 0)
    with pytest.raises(DataError, match="million pixels"):
        read(files(lambda k: f"{k}.png"))
    monkeypatch.setattr(budget, "PIXELS", 60 * 120)
    assert len(read(files(lambda k: f"{k}.png")).pixels) == 60


def test_scans_of_a_jpeg_file_are_work() -> None:
    """Each scan of a progressive file is decoded over all pixels; a few bytes ask for one."""
    content = png(np.zeros((2_000, 2_000), np.uint8), "JPEG", progressive=True)
    scan = content.rindex(b"\xff\xda")
    hostile = content[:scan] + content[scan:-2] * 2_000 + content[-2:]
    with pytest.raises(DataError, match="million pixels"):
        own.read(zipped({"a.jpg": hostile, **files(lambda k: f"{k}.png")}))


class Gone(BaseException):
    """What Streamlit raises in a script whose visitor has left."""


def test_work_ends_when_the_visitor_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also within a single file, whose progress cannot be told: here a TIFF of many pages."""
    monkeypatch.setattr(budget, "BEAT", -1.0)
    looks = 0

    def leave(_: float) -> None:
        nonlocal looks
        looks += 1
        if looks > 5:
            raise Gone

    with pytest.raises(Gone):
        own.read(zipped({"stack.tif": stack()}), None, leave)
    assert looks == 6


def test_an_entry_without_a_name_is_left_out() -> None:
    content = zipped({**files(lambda k: f"{k}.png"), "x": png(GREY[0])}).replace(
        b"\x01\x00\x00\x00x", b"\x01\x00\x00\x00x"
    )
    bare = content.replace(b"PK\x05\x06", b"PK\x05\x06")
    archive = zipfile.ZipFile(io.BytesIO(bare))
    archive.infolist()[-1].filename = archive.infolist()[-1].orig_filename = ""
    from vae_explorer.data.own.zips import members

    assert members(archive)[-1].refused == "without a name"


@pytest.mark.parametrize(
    ("method", "words"), [(9, "Deflate64"), (98, "PPMd"), (93, "Zstandard"), (99, "AES encryption")]
)
def test_a_method_that_cannot_be_read_is_named(method: int, words: str) -> None:
    content = bytearray(zipped(files(lambda k: f"{k}.png")))
    for k in range(len(content)):
        if bytes(content[k : k + 4]) in (b"PK\x01\x02", b"PK\x03\x04"):
            struct.pack_into("<H", content, k + (10 if content[k + 2] == 1 else 8), method)
    with pytest.raises(DataError, match=f"{words}.*make the zip with Deflate"):
        own.read(bytes(content))


@pytest.mark.parametrize("begin", [b"PK\x07\x08PK\x03\x04", b"PK00PK\x03\x04"])
def test_a_piece_of_a_zip_in_pieces_is_named(begin: bytes) -> None:
    with pytest.raises(DataError, match="one piece of a zip in several"):
        own.read(begin + bytes(100))


def test_a_folder_is_read_as_a_zip_of_it(tmp_path: Path) -> None:
    named = {**files(lambda k: f"{('cat', 'dog')[k % 2]}/{k:02}.png"), "notes.txt": b"hello"}
    for name, content in named.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "cat/link.png").symlink_to(tmp_path / "dog/01.png")
    upload, as_zip = own.read_folder(tmp_path), read(dict(sorted(named.items())))
    np.testing.assert_array_equal(upload.pixels, as_zip.pixels)
    np.testing.assert_array_equal(upload.labels, as_zip.labels)
    assert (upload.names, upload.files) == (as_zip.names, as_zip.files)
    assert whys(upload)["cat/link.png"].startswith("a link")
