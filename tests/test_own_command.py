"""`add` on the command line does what the page Data does."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.test_own_data import COLOUR, GREY, folder, npz, png, zipped
from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.data import ALL, own
from vae_explorer.data.own import Choices, Reading

__all__ = ["folder"]  # a data folder that does not exist, for every test

ROWS = "file,kind,patient,age\n" + "\n".join(f"{k}.png,{('ill', 'well')[k % 2]},p{k // 6},{k}" for k in range(60))


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    """A folder of grey levels from 10 to 200, with a table and a file that is no image."""
    path = tmp_path / "scans"
    path.mkdir()
    for k, image in enumerate(GREY):
        (path / f"{k}.png").write_bytes(png(np.clip(image, 10, 200)))
    (path / "all.csv").write_text(ROWS)
    (path / "bad.png").write_bytes(b"no image")
    return path


def report(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["add", "mine", *arguments, "--dry-run", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    found: dict[str, Any] = json.loads(out)
    return found


def test_a_dry_run_says_what_was_understood_and_keeps_nothing(
    capsys: pytest.CaptureFixture[str], scans: Path, folder: Path
) -> None:
    found = report(capsys, str(scans))
    assert list(found) == ["images", "size", "coloured", "classes", "range", "levels", "skipped", "notes"]
    assert (found["images"], found["size"], found["coloured"]) == (60, [12, 10], False)
    assert found["classes"] == {"ill": 30, "well": 30}
    assert (found["range"], found["levels"]) == ([10, 200], [10, 200])
    assert found["skipped"] == {"bad.png": "no image of a known kind"}
    assert any("column kind of all.csv" in note for note in found["notes"])
    assert not folder.exists()
    assert data.names() == list(data.DATASETS)


@pytest.mark.parametrize(
    ("options", "reading", "choices"),
    [
        ([], Reading(), Choices()),
        (["--classes", "column patient"], Reading(classes="column patient"), Choices()),
        (["--group", "column patient"], Reading(group="column patient"), Choices()),
        (["--values", "stretch"], Reading(values="stretch"), Choices()),
        (["--side", "6", "--invert"], Reading(), Choices(size=(6, 5), inverted=True)),
    ],
)
def test_it_keeps_what_the_page_would(
    options: list[str], reading: Reading, choices: Choices, scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", "mine", str(scans), *options]) == 0
    assert "60 images in grey" in capsys.readouterr().out
    data.add("other", own.read_folder(scans, reading), choices, "scans", lambda _: None)
    mine, other = data.load("mine", ALL), data.load("other", ALL)
    np.testing.assert_array_equal(mine.pixels, other.pixels)
    np.testing.assert_array_equal(mine.labels, other.labels)
    assert (mine.names, mine.files) == (other.names, other.files)


@pytest.mark.parametrize("kind", ["zip", "npz", "png"])
def test_a_file_is_read_by_what_it_holds(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = COLOUR.reshape(6, 10, 12, 10, 3).swapaxes(1, 2).reshape(72, 100, 3)
    content = {
        "zip": zipped({f"{k}.png": png(image) for k, image in enumerate(COLOUR)}),
        "npz": npz(images=COLOUR),
        "png": png(sheet),
    }[kind]
    path = tmp_path / f"x.{kind}"
    path.write_bytes(content)
    found = report(capsys, str(path), *(["--tile", "12x10"] * (kind == "png")))
    assert (found["images"], found["size"], found["coloured"], found["classes"]) == (60, [12, 10], True, {})
    assert report(capsys, str(path), "--grey", "--tile", "12x10")["coloured"] is False


def bad_names() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a\nb\x1b[31m.png", b"x")
    return out.getvalue()


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", bad_names(), npz(images=GREY[:3]), png(GREY[0])])
def test_what_cannot_be_used_is_one_line_and_status_two(
    content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    assert main(["add", "mine", str(path), "--dry-run", "--json"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert err.rstrip("\n").isprintable()


def test_a_path_that_is_not_there_and_a_side_that_does_not_fit(
    tmp_path: Path, scans: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["add", "mine", str(tmp_path / "nothing")]) == 2
    assert "Give the path of a file or a folder" in capsys.readouterr().err
    assert main(["add", "mine", str(scans), "--side", "65"]) == 2
    assert "from 5 to 64" in capsys.readouterr().err
    assert main(["add", "digits", str(scans)]) == 2
    assert "everybody has" in capsys.readouterr().err
