"""The real app in a real browser. Nothing here is skipped: what is missing is named."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import URLError

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, WebSocket, WebSocketRoute, sync_playwright

from tests.browser.explorer import Explorer
from tests.browser.oracle import MODEL
from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.checkpoints.checkpoints import Checkpoint

ROOT = Path(__file__).parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]

Open = Callable[..., Explorer]
Serve = Callable[..., str]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Starts an app once for each folder of runs and gives its address; fails if one printed a traceback meanwhile."""
    addresses: dict[tuple[str, Path | None, Path | None], str] = {}
    running: list[tuple[subprocess.Popen[bytes], Path]] = []

    def start(app: str, models: Path | None = None, own: Path | None = None) -> str:
        if (app, models, own) not in addresses:
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            log = tmp_path_factory.mktemp("server") / "log"
            options = ["--server.headless=true", "--server.fileWatcherType=none", f"--server.port={port}"]
            command = [sys.executable, "-m", "streamlit", "run", app, "--server.address=127.0.0.1", *options]
            runs = str(models or tmp_path_factory.mktemp("runs"))  # what is trained here joins nobody's models
            images = str(own or _data(tmp_path_factory.mktemp("data")))
            folders = {"VAE_EXPLORER_RUNS": runs, "VAE_EXPLORER_DATA": images}
            environment = {**os.environ, "PYTHONPATH": str(ROOT), **folders}
            with log.open("wb") as out:
                process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=out, env=environment)
            running.append((process, log))
            _wait_for(f"http://127.0.0.1:{port}/_stcore/health", process, log)
            addresses[app, models, own] = f"http://127.0.0.1:{port}"
        return addresses[app, models, own]

    yield start
    for process, _ in running:
        process.terminate()
        process.wait()
    for _, log in running:
        assert "Traceback" not in log.read_text(), log.read_text()


@pytest.fixture(scope="session")
def server(serve: Serve) -> str:
    """The app's address."""
    return serve("app.py")


def _data(folder: Path) -> Path:
    """Links what the user's data folder holds into another, but for own data: what is uploaded here joins nobody's."""
    root = data.data_folder()
    for path in root.iterdir() if root.is_dir() else ():
        if path.name != "own":
            (folder / path.name).symlink_to(path.absolute())
    return folder


def _counts(message: ConsoleMessage) -> bool:
    """Errors count, but for Streamlit's own search for the server below each page's path."""
    return message.type == "error" and not re.search(
        "/(compare|theory|train|data)/_stcore/", message.location.get("url", "")
    )


def _wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(address):
                return
        except URLError:
            time.sleep(0.1)
    pytest.fail(f"the app did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    # The headless shell first: a whole Chromium draws a window around each page that nobody sees, at 1.8 s of a core.
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    executable = next(filter(None, map(shutil.which, names)), None)
    if executable is None:
        pytest.fail("These tests drive a real browser, and there is none: apt-get install chromium-headless-shell")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def model() -> Checkpoint:
    return checkpoints.load(checkpoints.find(MODEL))


@pytest.fixture(scope="session")
def images() -> data.Images:
    return data.load("mnist", "test")


@pytest.fixture
def open_page(browser: Browser, server: str) -> Iterator[Open]:
    """Opens a link in a session of its own, not the user's first; any error in a console fails the test."""
    errors: list[str] = []
    contexts = []

    def open_one(
        query: str = "",
        scheme: str = "light",
        width: int = 1280,
        height: int = 720,
        touch: bool = False,
        address: str = server,
        line: Callable[[WebSocketRoute], None] | None = None,
        live: bool = True,
        heard: Callable[[WebSocket], None] | None = None,
        script: str = "",
        wait: bool = True,
        first: bool = False,
    ) -> Explorer:
        context = browser.new_context(
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": width, "height": height},
            has_touch=touch,
        )
        contexts.append(context)
        page: Page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if _counts(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        if line:
            page.route_web_socket(re.compile("_stcore/stream"), line)
        if heard:
            page.on("websocket", heard)
        if not live:  # as behind a proxy that knows Streamlit's own channel alone
            page.route_web_socket(re.compile("/live$"), lambda channel: channel.close())
        if not first:
            page.add_init_script("localStorage.setItem('vae-explorer hint', 'seen')")
        if script:
            page.add_init_script(script)
        page.goto(f"{address}/?{query}")
        return Explorer(page, wait=wait)

    yield open_one
    for context in contexts:
        context.close()
    assert not errors, errors
