"""What training in the app costs over the same command on the command line.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.training [EPOCHS]

Both train the model that `train` proposes for MNIST. The app's job has the Train page open in a
browser, which follows it on the same cores. Rounds alternate. Seconds from the command, or the
start of the job, to the finished model; and seconds spent in steps, without what starting costs.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from playwright.sync_api import Browser

from benchmarks._server import new_page, open_browser, serve
from vae_explorer import jobs

ROUNDS = 3


class Seconds(NamedTuple):
    whole: float
    steps: float


def command_line(name: str, epochs: int) -> Seconds:
    """Trains as a user types it."""
    command = [sys.executable, "-m", "vae_explorer", "train", "--name", name, "--epochs", str(epochs)]
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return Seconds(time.perf_counter() - start, _steps(name))


def in_the_app(name: str, like: str, browser: Browser, address: str) -> Seconds:
    """Trains the same as a job that a page follows."""
    job = jobs.create(name, jobs.find(like).order)
    page = new_page(browser)
    page.goto(f"{address}/train?job={name}")
    page.get_by_text("Run", exact=True).wait_for(timeout=60_000)
    start = time.perf_counter()
    job.start()
    page.reload()
    while job.alive:
        page.wait_for_timeout(50)
    seconds = time.perf_counter() - start
    page.close()
    return Seconds(seconds, _steps(name))


def _steps(name: str) -> float:
    status = jobs.find(name).status
    if status.state != "done":
        raise RuntimeError(f"{name}: {status.state} {status.message}")
    return sum(each.seconds for each in status.records)


def main() -> None:
    """Prints both medians and their ratio."""
    epochs = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_EXPLORER_RUNS"] = folder
        os.environ.pop("OMP_NUM_THREADS", None)  # both take as many threads as there are cores
        with serve() as server, open_browser() as browser:
            rounds = [
                (command_line(f"typed-{k}", epochs), in_the_app(f"clicked-{k}", f"typed-{k}", browser, server.address))
                for k in range(ROUNDS)
            ]
    for what in Seconds._fields:
        typed, clicked = (
            statistics.median(getattr(each, what) for each in column) for column in zip(*rounds, strict=True)
        )
        print(f"{what}, {epochs} epochs: command line {typed:.1f} s, app {clicked:.1f} s ({clicked / typed - 1:+.1%})")


if __name__ == "__main__":
    main()
