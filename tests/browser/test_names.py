"""Hostile names in checkpoints, classes, files and runs: no page runs, fetches or links anything of theirs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from safetensors import safe_open
from safetensors.torch import save_file

from tests.browser.conftest import Serve
from tests.test_own_data import zipped
from tests.test_text import HOSTILE
from vae_explorer import text
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Provenance
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data.modality import PICTURES
from vae_explorer.jobs import jobs
from vae_explorer.jobs.job import write
from vae_explorer.jobs.records import Order, Status
from vae_explorer.models.autoencoder import build

TAG = "<img src=evil-x onerror=hacked=1>"
PICTURE = "![x](http://evil.example/x.png)"
LINK = "[x](http://evil.example/) http://evil.example/ www.evil.example"
CLASSES = (TAG, f"{PICTURE} {LINK}", ":red[x] $x^2$ :material/home: <b>bold</b>")
MODEL = "<img src=evil-x onerror=hacked=1> [x](javascript:hacked=1) $x$ :red[y] 1"
SETTINGS = TrainingConfig(epochs=1)
PROVENANCE = Provenance(
    command=TAG, data=PICTURE, epochs=1, seconds=1.0, metrics={}, versions={TAG: LINK}, training=SETTINGS
)
MARKS = """() => ({
  hacked: window.hacked ?? null,
  images: [...document.images].map((image) => image.getAttribute("src")).filter((src) => /evil/.test(src)),
  links: [...document.links].filter((link) => link.origin !== location.origin).map((link) => link.href),
  foreign: [...document.querySelectorAll("[onerror], .katex, b.x, [data-testid=stIconMaterial]")]
    .map((each) => each.outerHTML).filter((html) => /evil|hacked|katex|>home</.test(html)),
})"""


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An app whose models, images and runs are hostile."""
    runs, own = tmp_path_factory.mktemp("runs"), tmp_path_factory.mktemp("data")
    folder = own / "own" / "odd"
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    np.save(folder / "pixels.npy", draws.integers(0, 256, (90, 8, 8), dtype=np.uint8))
    np.save(folder / "labels.npy", (np.arange(90) % 3).astype(np.int64))
    meta = {"format": 1, "names": CLASSES, "counts": [50, 20, 20], "origin": f"{TAG}{LINK}.zip"}
    (folder / "meta.json").write_text(json.dumps({**meta, "choices": {}, "skipped": 0}))
    config = ModelConfig(kind="vae", data="odd", shape=(8, 8), encoder=(8,), decoder=(8,))
    for k in (1, 2):
        checkpoints.save(runs / f"{MODEL}{k}.safetensors", build(config, seed=k), PROVENANCE)
    with safe_open(runs / f"{MODEL}1.safetensors", framework="pt") as file:
        metadata = file.metadata()
    wrong = {**json.loads(metadata["config"]), "kind": f"{PICTURE}{TAG}{'x' * 2_000_000}"}
    save_file(
        build(config, seed=1).state_dict(), runs / "broken.safetensors", {**metadata, "config": json.dumps(wrong)}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_EXPLORER_RUNS", str(runs))
        job = jobs.create("first", Order(model=config, training=SETTINGS, command=TAG))
        write(job.folder / "status.json", asdict(Status(state="failed", records=(), message=f"{TAG} {PICTURE}")))
    return serve("app.py", runs, own)


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that may ask its own server alone, and gets no message of a megabyte."""
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    longest = [0]
    opened.on("websocket", lambda line: line.on("framereceived", lambda frame: longest.append(len(frame))))
    yield opened
    opened.wait_for_timeout(300)  # what a picture or a script would do
    found = opened.evaluate(MARKS)
    assert found == {"hacked": None, "images": [], "links": [], "foreign": []}, found
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert [url for url in asked if "evil-x" in url.split("?")[0]] == []
    assert max(longest) < 1_000_000
    opened.close()


def test_explore(page: Page, address: str) -> None:
    page.goto(f"{address}/?{urlencode({'model': f'{MODEL}1', 'tab': PICTURE, 'layers': LINK})}")
    expect(page.get_by_label("Latent map", exact=True)).to_be_visible(timeout=30_000)
    for words in ("tab = ", "broken is not in the list", "has no layer"):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.get_by_role("button", name=TAG, exact=True)).to_be_visible()  # the legend, letter by letter
    page.get_by_label("Latent map", exact=True).press("n")
    page.get_by_role("tab", name="Two pins").click()


def test_compare(page: Page, address: str) -> None:
    page.goto(f"{address}/compare?{urlencode({'left': f'{MODEL}1', 'right': f'{MODEL}2', 'field': PICTURE})}")
    expect(page.get_by_label("Latent map, right")).to_be_visible(timeout=30_000)
    page.get_by_role("tab", name="Gaps").click()
    expect(page.get_by_text("have not been measured yet")).to_be_visible()


def test_train(page: Page, address: str) -> None:
    page.goto(f"{address}/train?job=first&data=![x](http://evil.example/y.png)")
    expect(page.get_by_role("alert").filter(has_text=TAG).first).to_be_visible(timeout=30_000)


def test_data(page: Page, address: str, tmp_path: Path) -> None:
    page.goto(f"{address}/data")
    expect(page.get_by_text("Your data sets")).to_be_visible(timeout=30_000)
    image = PICTURES.exported(np.arange(256, dtype=np.uint8).reshape(16, 16))
    files = {f"{name.replace('/', '')}/{k}.png": image for name in CLASSES for k in range(12)}
    path = tmp_path / f"{LINK.replace('/', '')} {TAG}.zip"
    path.write_bytes(zipped({**files, f"{TAG} {PICTURE}.txt": b"x", f"{TAG}.png": b"no image"}))
    page.locator("input[type=file]").set_input_files(path)
    expect(page.get_by_text("36 images")).to_be_visible(timeout=30_000)


def test_streamlit_shows_hostile_texts_letter_by_letter(browser: Browser, serve: Serve) -> None:
    page = browser.new_page()
    asked: list[str] = []
    address = serve("tests/browser/hostile_texts.py")
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    expect(page.locator(f".st-key-error-{len(HOSTILE) - 1} [data-testid=stMarkdownContainer]")).to_be_visible(
        timeout=30_000
    )
    for kind in ("markdown", "button", "error"):
        for k, hostile in enumerate(HOSTILE):
            place = page.locator(f".st-key-{kind}-{k} [data-testid=stMarkdownContainer]").first
            assert place.evaluate("place => place.textContent").replace("\u2060", "").strip() == text.shown(hostile)
            tags = place.evaluate("place => [...place.querySelectorAll('*')].map((each) => each.tagName)")
            assert set(tags) <= {"P"}, (hostile, tags)
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
    page.close()
