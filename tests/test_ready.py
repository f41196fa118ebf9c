"""What a page opens with is kept: the same bytes in a process without PyTorch, and nothing of another program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE
from vae_explorer.ui.shell import ready, store
from vae_explorer.ui.shell.ready import FirstView

NAME = "digits-vae-2d"
WITHOUT = """
import sys
class No:
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            raise AssertionError("PyTorch is imported")
sys.meta_path.insert(0, No())
import json
import vae_explorer.ui.explore.page
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.explore.state import STATE
scene = Scene({name!r})
start = STATE.start(scene.limits)
sys.stdout.buffer.write(json.dumps([scene.limits.home, scene.said(start), scene.caption]).encode() + b"\\n")
sys.stdout.buffer.write(scene.world() + scene.answer(start, start))
"""
VIEW = FirstView((0.0, 1.0, 2.0), {"alt": "an image"}, b"a world\nof lines")
OF = ("/somewhere/model.safetensors", 7, "test")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda *_, **__: tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path.parent))
    store.forget_images()
    return tmp_path


def first() -> tuple[bytes, bytes]:
    """Returns what PyTorch makes of the first view."""
    store.forget_images()
    scene = Scene(NAME)
    start = STATE.start(scene.limits)
    head = json.dumps([scene.limits.home, scene.said(start), scene.caption]).encode()
    made = scene.world() + scene.answer(start, start)
    scene.keep()
    return head, made


def test_the_next_process_shows_the_same_without_pytorch(folder: Path) -> None:
    head, made = first()
    (folder.parent / "vae-explorer").symlink_to(folder)  # where platformdirs looks for it in another process
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT.replace("{name!r}", repr(NAME))], capture_output=True, check=False
    )
    assert found.returncode == 0, found.stderr.decode()
    line, _, rest = found.stdout.partition(b"\n")
    assert json.loads(line) == json.loads(head)
    assert rest == made


def test_what_is_kept_is_what_a_click_would_say(folder: Path) -> None:
    first()
    scene = Scene(NAME)
    start = STATE.start(scene.limits)
    assert store.first_view(scene.key) is not None
    kept = scene.said(start)
    for path in (folder / "first-views").iterdir():
        path.unlink()
    store.forget_images()
    asked = Scene(NAME)
    assert store.first_view(asked.key) is None
    assert json.loads(json.dumps(asked.said(start))) == kept
    assert asked.limits == scene.limits


def test_only_shipped_models_are_kept(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vae_explorer.checkpoints.files.SHIPPED", tmp_path / "others")
    key = store.Key(str(Path("pretrained").absolute() / f"{NAME}.safetensors"), 0)
    store.keep_first_view(key, lambda: pytest.fail("it is none of ours"))
    assert not (folder / "first-views").exists()


def test_a_view_comes_back_whole() -> None:
    assert ready.find(OF, "weights", "images") is None
    ready.keep(VIEW, OF, "weights", "images")
    assert ready.find(OF, "weights", "images") == VIEW


@pytest.mark.parametrize(
    ("of", "made_from"),
    [
        ((OF[0], 8, "test"), ("weights", "images")),
        (OF, ("others", "images")),
        (OF, ("weights", "others")),
        (OF, (None, "images")),
    ],
)
def test_what_was_made_from_anything_else_is_not_taken(of: tuple[Any, ...], made_from: tuple[Any, ...]) -> None:
    ready.keep(VIEW, OF, "weights", "images")
    assert ready.find(of, *made_from) is None


def test_another_version_of_the_program_takes_nothing_over(monkeypatch: pytest.MonkeyPatch) -> None:
    ready.keep(VIEW, OF, "weights", "images")
    monkeypatch.setattr(ready, "_program", lambda: "another")
    assert ready.find(OF, "weights", "images") is None


def test_a_damaged_file_is_made_anew(folder: Path) -> None:
    ready.keep(VIEW, OF, "weights", "images")
    path = folder / "first-views" / "model.test"
    whole = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(300):
        cut = bytearray(whole)
        cut[random.integers(len(cut))] ^= int(random.integers(1, 256))
        path.write_bytes(bytes(cut))
        assert ready.find(OF, "weights", "images") in (None, VIEW)
    for content in (b"", b"[]\n", whole[:-1], b"\xff\n"):
        path.write_bytes(content)
        assert ready.find(OF, "weights", "images") is None


def test_a_disk_that_refuses_stops_nothing(folder: Path) -> None:
    (folder / "first-views").write_text("a file in the folder's place")
    ready.keep(VIEW, OF, "weights", "images")
    assert ready.find(OF, "weights", "images") is None
