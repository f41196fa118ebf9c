"""The Data page without a browser: what it says of an upload, and the way from there to a trained model."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from tests.test_own_data import COLOUR, GREY, good, npz, zipped
from vae_explorer import __main__ as command_line
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import own
from vae_explorer.data.modality import PICTURES
from vae_explorer.jobs import jobs, worker
from vae_explorer.jobs.records import Order
from vae_explorer.ui.data import previews, uploads
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import store


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path / "runs"))
    store.forget_images()
    yield tmp_path
    store.forget_images()


def opened() -> AppTest:
    def page() -> None:
        from vae_explorer.ui.data.page import page

        page()

    test = AppTest.from_function(page, default_timeout=60).run()
    assert not test.exception, test.exception
    return test


def uploaded(content: bytes, name: str = "My Pets.zip") -> AppTest:
    test = opened()
    test.file_uploader[0].set_value((name, content, "application/octet-stream")).run()
    assert not test.exception, test.exception
    return test


def press(test: AppTest, label: str) -> AppTest:
    next(each for each in test.button if each.label == label).click().run()
    assert not test.exception, test.exception
    return test


def shown(test: AppTest) -> str:
    return " ".join(str(each.proto.body) for each in test.get("html"))


def mine(name: str = "mine") -> None:
    data.add(name, own.read(zipped(good())), own.Choices(), "mine.zip", lambda _: None)


def trained(name: str, shape: tuple[int, ...], latent: int = 2) -> None:
    model = ModelConfig(kind="vae", data=name, shape=shape, latent=latent, encoder=(8,), decoder=(8,))
    job = jobs.create(f"of-{name}", Order(model=model, training=TrainingConfig(epochs=1), command=""))
    worker.work(job)
    assert job.status.state == "done", job.status.message


def test_an_empty_page_says_what_can_be_uploaded() -> None:
    assert "Classes are read from its folders" in opened().markdown[0].value


def test_what_was_understood_is_said_and_added_as_chosen() -> None:
    test = uploaded(zipped({**good(COLOUR), "set/cat/note.txt": b"x", "set/cat/<b>.png": b"x"}))
    words = shown(test)
    assert "60 images</b> in colour, 12 x 10 pixels" in words
    assert "2 classes: cat: 30, dog: 30" in words
    assert "2 left out" in test.expander[0].label
    (name,) = test.text_input
    assert name.value == "my-pets"
    test.number_input[0].set_value(24).run()
    next(each for each in test.toggle if each.label == "Invert").set_value(True).run()
    next(each for each in test.toggle if each.label == "Colour").set_value(False).run()
    press(test, "Add")
    assert "my-pets is added" in test.success[0].value
    assert own.summary("my-pets").shape == (24, 20)
    assert "60 images (30 to train" in shown(test)
    assert not test.text_input, "the upload is done with"


def test_names_in_an_upload_are_no_html() -> None:
    files = {f"{('<i>a', 'b')[k % 2]}/{k}.png": PICTURES.exported(image) for k, image in enumerate(GREY)}
    assert "&lt;i&gt;a: 30" in shown(uploaded(zipped(files)))


def test_a_sheets_tiles_can_be_chosen_also_after_a_wrong_guess() -> None:
    sheet = np.concatenate([np.concatenate([*GREY[10 * k : 10 * k + 10]], 1) for k in range(6)])
    test = uploaded(PICTURES.exported(sheet), "sheet.png")
    assert "50 are needed" in test.error[0].value
    for label, value in (("Tile height, pixels", 12), ("Tile width, pixels", 10)):
        next(each for each in test.number_input if each.label == label).set_value(value)
    test.run()
    assert "60 images" in shown(test)
    assert not test.error


def test_what_cannot_be_used_is_said_and_loses_nothing() -> None:
    mine()
    test = uploaded(b"PK\x03\x04 broken")
    assert "Make it again" in test.error[0].value
    test.file_uploader[0].set_value(("a.zip", zipped(good()), "application/zip")).run()
    test.text_input[0].set_value("mine").run()
    press(test, "Add")
    assert "Choose another name" in test.error[0].value
    test.text_input[0].set_value("other").run()
    press(test, "Add")
    assert data.names()[-2:] == ["mine", "other"]


def test_a_data_set_is_deleted_and_a_broken_one_too(folders: Path) -> None:
    mine()
    mine("broken")
    (folders / "data" / "own" / "broken" / "meta.json").write_text("{")
    test = opened()
    assert "broken cannot be read" in test.error[0].value
    press(test, "Delete broken")
    press(test, "Delete mine")
    assert data.names() == list(data.DATASETS)


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize("labelled", [True, False], ids=["labels", "no labels"])
def test_a_model_of_own_data_is_trained_shown_evaluated_and_compared(
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], labelled: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    upload = own.read(zipped(good(images)) if labelled else npz(images=images))
    data.add("mine", upload, own.Choices(), "x", lambda _: None)
    trained("mine", images.shape[1:])

    def shown_page(which: str) -> None:
        from vae_explorer.ui.compare import page as compare
        from vae_explorer.ui.explore import page as explore
        from vae_explorer.ui.train import page as train

        {"explore": explore, "compare": compare, "train": train}[which].page()

    for which in ("explore", "compare", "train"):
        test = AppTest.from_function(shown_page, default_timeout=60, kwargs={"which": which})
        test.query_params["model"] = test.query_params["left"] = test.query_params["right"] = "of-mine"
        test.run()
        assert not test.exception, test.exception
        assert not test.error, test.error
        if which == "explore":
            assert "20 test images · mine, your own" in shown(test)
    for arguments in (["evaluate", "of-mine"], ["curve", "of-mine"]):
        assert command_line.main(arguments) == 0
    if not labelled:
        assert command_line.main(["gaps", "of-mine", "--seeds", "1"]) == 2
        assert "Upload more images of each class" in capsys.readouterr().err


def test_a_model_whose_data_is_gone_or_another_says_so_and_its_film_stays() -> None:
    mine()
    trained("mine", (12, 10))
    assert Scene("of-mine").images.names == ("cat", "dog")
    press(opened(), "Delete mine")
    assert len(Scene("of-mine").images.pixels) == 0  # its decoder's plane is left, tests/test_without_images.py

    def page() -> None:
        from vae_explorer.ui.train.page import page

        page()

    test = AppTest.from_function(page, default_timeout=60).run()
    assert not test.exception, test.exception
    data.add("mine", own.read(npz(images=GREY.swapaxes(1, 2))), own.Choices(), "x", lambda _: None)
    assert len(Scene("of-mine").images.pixels) == 0
    assert command_line.main(["evaluate", "of-mine"]) == 2


def test_the_command_line_trains_on_own_data(folders: Path) -> None:
    mine()
    arguments = ["--kind", "vae", "--epochs", "1", "--encoder", "8", "--decoder", "8"]
    assert command_line.main(["train", "--name", "first", "--data", "mine", *arguments]) == 0
    assert checkpoints.load(folders / "runs" / "first.safetensors").config.shape == (12, 10)


@pytest.mark.parametrize(
    ("size", "side"),
    [((64, 64), 32), ((13, 64), 64), ((64, 30), 64), ((64, 32), 32), ((28, 28), 28), ((20, 12), 20), ((7, 64), 64)],
)
def test_the_proposed_size_stays_readable(size: tuple[int, int], side: int) -> None:
    assert own.proposed_side(size) == side
    assert own.least_side(size) <= side
    assert round(min(size) * own.least_side(size) / max(size)) >= own.SMALLEST


def test_narrow_images_can_be_added_and_their_size_is_said() -> None:
    images = np.repeat(np.arange(50, dtype=np.uint8)[:, None, None] * 5, 7, 1).repeat(64, 2)
    test = uploaded(npz(images=images), "narrow.npz")
    assert any("7 x 64 pixels" in each.value for each in test.caption)
    press(test, "Add")
    assert own.summary("narrow").shape == (7, 64)


@pytest.mark.parametrize(
    ("file", "name"), [("My Pets (2).zip", "my-pets-2"), ("digits.npz", "digits-2"), ("§.zip", "images")]
)
def test_a_free_name_is_proposed(file: str, name: str) -> None:
    assert uploads.free_name(file) == name


class Pictures(HTMLParser):
    """Reads the pictures of a page as a browser does."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "img":
            head, content = str(values["src"]).split(",")
            assert head == "data:image/png;base64"
            picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))
            self.found.append((str(values["title"]), picture))


def test_each_class_is_shown_by_images_with_the_names_of_their_files() -> None:
    names = [f"set/{('<b>', 'dog')[k % 2]}/{k:03}.png" for k in range(60)]
    upload = own.read(zipped({name: PICTURES.exported(image) for name, image in zip(names, COLOUR, strict=True)}))
    pictures = Pictures(previews.by_class(upload, own.Choices(inverted=True))).found
    assert len(pictures) == 20
    rows = [names.index(name) for name, _ in pictures]
    assert [row % 2 for row in rows] == [0] * 10 + [1] * 10
    for row, (_, picture) in zip(rows, pictures, strict=True):
        np.testing.assert_array_equal(picture, 255 - COLOUR[row])
    assert "<b>" not in previews.by_class(upload, own.Choices())


def test_the_size_and_the_parts_are_told_before_anything_is_kept() -> None:
    wide = np.random.default_rng(0).integers(0, 256, (60, 20, 100), dtype=np.uint8)
    test = uploaded(npz(images=wide), "wide.npz")
    assert "Kept at <b>13 x 64</b> pixels in grey: 30 images to train, 10 to validate, 20 to test." in shown(test)


def test_narrow_images_are_proposed_as_large_as_they_must_be() -> None:
    narrow = np.random.default_rng(0).integers(0, 256, (60, 7, 64), dtype=np.uint8)
    test = uploaded(npz(images=narrow), "narrow.npz")
    height, width = (int(each) for each in re.findall(r"<b>(\d+) x (\d+)</b> pixels", shown(test))[0])
    assert min(height, width) >= own.SMALLEST
    press(test, "Add")
    assert own.summary("narrow").shape == (height, width)


def test_classes_and_groups_are_chosen_by_switches_and_read_once_each() -> None:
    rows = "file,kind,patient\n" + "\n".join(f"{k}.png,{('ill', 'well')[k % 2]},p{k // 6}" for k in range(60))
    content = zipped(
        {**{f"{k}.png": PICTURES.exported(image) for k, image in enumerate(GREY)}, "all.csv": rows.encode()}
    )
    test = uploaded(content, "scans.zip")
    assert "2 classes: ill: 30, well: 30" in shown(test)
    classes, group = test.selectbox
    assert [classes.label, group.label] == ["Classes from", "Keep together"]
    first = test.session_state["data_read"][2]
    test.run()
    assert test.session_state["data_read"][2] is first  # a proposal that is named is no other reading
    group.set_value("column patient").run()
    assert "10 groups" in shown(test)
    test.selectbox[0].set_value("column patient").run()
    assert not test.exception
    assert "10 classes: p0: 6" in shown(test)


def test_a_data_set_whose_names_are_damaged_hurts_no_other(folders: Path) -> None:
    mine()
    mine("other")
    (folders / "data" / "own" / "mine" / "files.json").write_text("{")
    test = opened()
    assert "cannot be read" in test.error[0].value
    assert len(test.error) == 1
