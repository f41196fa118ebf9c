"""What the benchmarks of the running app share: a server of their own, a browser, and quantiles."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.error import URLError

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
VIEWPORT = {"width": 1280, "height": 720}
_BROWSER = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


class Server(NamedTuple):
    """A Streamlit server that is ready for its first session."""

    address: str  # http://host:port
    pid: int


@contextlib.contextmanager
def serve(
    script: str = "app.py", *, points: int | None = None, cores: int | None = None, defaults: bool = False
) -> Iterator[Server]:
    """Serves a script as `streamlit run` does, on a free port, to the end of the block.

    Arguments:
        script: The script, from the repository's root.
        points: The number of MNIST images that the map shows; None for what the data folder holds.
        cores: The number of cores that the server may use (Linux only); None for all.
        defaults: Whether what our `config.toml` changes of Streamlit's server is as Streamlit has it.

    Raises:
        RuntimeError: If the server does not start, or printed a traceback; its output is the message.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = ["streamlit"] if points is None else ["benchmarks._points", str(points)]
    options = ["--server.headless=true", "--server.address=127.0.0.1", f"--server.port={port}"]
    if defaults:
        options += ["--server.fileWatcherType=auto", "--runner.postScriptGC=true"]
    command = [sys.executable, "-m", *program, "run", script, *options]
    with tempfile.TemporaryFile("w+") as log, _started(command, cores, log.fileno()) as process:
        try:
            _wait(f"http://127.0.0.1:{port}/_stcore/health", process)
            yield Server(f"http://127.0.0.1:{port}", process.pid)
        finally:
            ended = process.poll()
            process.send_signal(signal.SIGCONT)  # one that was stopped would not end
            process.terminate()
            process.wait()
            log.seek(0)
            output = log.read()
            if ended is not None or "Traceback" in output:
                raise RuntimeError(f"{' '.join(command)}\n{output}")


@contextlib.contextmanager
def open_browser() -> Iterator[Browser]:
    """A headless Chromium without a GPU."""
    with sync_playwright() as playwright:
        # A whole Chromium draws a window that nobody sees, on the processors that are measured.
        program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=program, args=_BROWSER)
        yield browser
        browser.close()


def new_page(browser: Browser) -> Page:
    """Returns a page of the size that all benchmarks use, in a session of its own."""
    return browser.new_page(viewport={"width": VIEWPORT["width"], "height": VIEWPORT["height"]})


def p95(values: Sequence[float]) -> float:
    """Returns the 95th percentile."""
    return float(np.percentile(values, 95))


def _started(command: list[str], cores: int | None, log: int) -> subprocess.Popen[bytes]:
    if cores is None:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(mine)[:cores])  # a child inherits it, with all threads that it starts
    try:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    finally:
        os.sched_setaffinity(0, mine)


def _wait(address: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        with contextlib.suppress(URLError, ConnectionError), urllib.request.urlopen(address):
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise TimeoutError(f"no answer at {address}")
