"""What an upload may take, and odd files that must end in a data set or in words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.test_own_data import COLOUR, GREY, folder, npz, png, whys, zipped
from vae_explorer.data import DataError, own
from vae_explorer.data.own import budget, folders, pictures
from vae_explorer.data.own.stacks import Stack

__all__ = ["folder"]  # a data folder that does not exist, for every test


def test_images_of_a_zip_take_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    content = zipped({f"{k}.png": png(image) for k, image in enumerate(COLOUR)})
    needed = COLOUR.size
    monkeypatch.setattr(budget, "KEPT_A_BYTE", 0)
    monkeypatch.setattr(budget, "KEPT", needed)
    assert (own.read(content).pixels == COLOUR).all()
    monkeypatch.setattr(budget, "KEPT", needed - 1)
    with pytest.raises(DataError, match=f"{len(COLOUR)} images of .* more than a file of this size"):
        own.read(content)


@pytest.mark.parametrize("grey", [0, 1, 255, 256, 257, 700])
def test_grey_images_before_the_first_one_with_colours_keep_their_levels(grey: int) -> None:
    images = np.random.default_rng(grey).integers(0, 256, (grey + 2, 5, 3), dtype=np.uint8)
    stack = Stack(grey + 3, (5, 3))
    for image in images[:grey]:
        stack.add(image)
    colour = np.stack([images[grey], 255 - images[grey], images[grey] // 2], -1)
    stack.add(colour)
    stack.add(images[grey + 1])
    assert stack.pixels.shape == (grey + 2, 5, 3, 3)
    assert (stack.pixels[:grey] == images[:grey, ..., None]).all()
    assert (stack.pixels[grey] == colour).all()
    assert (stack.pixels[grey + 1] == images[grey + 1][..., None]).all()


def test_the_pixels_of_a_sheet_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "PIXELS_A_BYTE", 0)
    monkeypatch.setattr(budget, "PIXELS", 80 * 80 - 1)
    with pytest.raises(DataError, match="million pixels"):
        own.read(png(np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)))


def test_an_image_that_memory_does_not_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def upright(image: Any) -> Any:
        if image.size == (3, 3):
            raise MemoryError
        return image

    monkeypatch.setattr(pictures, "_upright", upright)
    files = {f"{k}.png": png(image) for k, image in enumerate(GREY)}
    upload = own.read(zipped(files | {"large.png": png(np.eye(3, dtype=np.uint8))}))
    assert len(upload.pixels) == len(GREY)
    assert whys(upload) == {"large.png": "damaged or cut off (MemoryError)"}


def test_an_array_all_of_whose_axes_may_be_colours_is_refused() -> None:
    with pytest.raises(DataError, match="too thin"):
        own.read(npz(images=np.arange(81, dtype=np.uint8).reshape(3, 3, 3, 3)))


def test_an_empty_file_is_called_one_and_a_colon_in_a_name_is_no_drive() -> None:
    files = {f"{'ab'[k % 2]}:1/{k}.png": png(image) for k, image in enumerate(GREY)}
    upload = own.read(zipped(files | {"a:1/none.png": b"", "C:\\x.png": png(GREY[0])}))
    assert upload.names == ("a:1", "b:1")
    assert whys(upload)["a:1/none.png"] == "no image: the file is empty"
    assert whys(upload)["C:\\x.png"].startswith("an absolute path")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name here")
def test_pipes_and_links_are_not_waited_for(tmp_path: Path) -> None:
    for k, image in enumerate(GREY):
        (tmp_path / f"{k}.png").write_bytes(png(image))
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "link.png").symlink_to(tmp_path / "0.png")
    upload = own.read_path(tmp_path)
    assert whys(upload) == {
        "link.png": "a link: put the image itself there",
        "pipe.png": "a pipe, a socket or a device, and no file",
    }
    for path in (tmp_path / "pipe.png", Path(os.devnull)):
        with pytest.raises(DataError, match="is a pipe, a socket or a device"):
            own.read_path(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes by name here")
@pytest.mark.parametrize("file", ["meta.json", "pixels.npy", "labels.npy", "files.json"])
def test_a_pipe_in_a_data_sets_folder_is_damage_and_is_not_waited_for(folder: Path, file: str) -> None:
    upload = own.read(zipped({f"{k}.png": png(image) for k, image in enumerate(GREY)}))
    folders.add("mine", upload, own.Choices(size=(12, 10), inverted=False, grey=True), "x.zip")
    (folder / "own" / "mine" / file).unlink()
    os.mkfifo(folder / "own" / "mine" / file)
    with pytest.raises(DataError, match="mine cannot be read"):
        folders.read_part("mine", "test")
