"""Training through the app: what it costs, what it does to the page, and how good a model is after a minute.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.training

`app`: one order given in the running app, whose Train page is filled in, pressed, and follows the run in a browser on
the same cores, against the same command on the command line: from the click, or the start of the process, to the end
of the process that trains; then milliseconds from a click to PyTorch's image on the Explore page (as in
`benchmarks.clicks`) without a job and while one trains on the same cores.

`minute`: the negative ELBO at KL weight 1 (grey targets, 2,000 validation images of MNIST, one sample of z) against
seconds. Ours is the job that the Train page proposes, its clock from the start of its process, all that a job does
included. The plain recipe is a 784-400-2 VAE with Adam 1e-3 at batch 128, torchvision's data set, ToTensor and a
DataLoader with one worker; its clock stands still while it is judged. Ours falls late because the learning rate
follows one cycle over the whole run.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median

import torch
from playwright.sync_api import Page

from benchmarks._server import new_page, open_browser, p95, serve
from benchmarks.clicks import WARM_UP, ours
from benchmarks.throughput import PlainVAE, plain_loader, plain_loss
from vae_explorer.checkpoints import checkpoints
from vae_explorer.data import load
from vae_explorer.jobs import jobs
from vae_explorer.jobs.job import Job, environment
from vae_explorer.jobs.records import Order
from vae_explorer.training.engine import EVALUATION_IMAGES
from vae_explorer.ui.train import recipe

LOOK = 0.02  # seconds between two looks at a job
LONG = 10_000  # epochs of a job that trains until it is stopped
Point = tuple[float, float]  # seconds, nats


def order(epochs: int | None = None) -> Order:
    """Returns what the Train page proposes for MNIST."""
    model, settings = recipe.propose("mnist", "multi-rate")
    return Order(model=model, training=replace(settings, epochs=epochs or settings.epochs), command="benchmark")


def as_job(name: str, what: Order, page: Page, address: str) -> float:
    """Returns the seconds of a job from the click on Train to its end, with its page open and following."""
    page.goto(f"{address}/train?data=mnist")
    for label, value in (("Epochs", str(what.training.epochs)), ("Name", name)):
        field = page.get_by_label(label, exact=True)
        field.wait_for(timeout=60_000)
        field.fill(value)
        field.press("Enter")
        page.wait_for_timeout(2000)
    start = time.perf_counter()
    page.get_by_role("button", name="Train", exact=True).click()
    job = Job(jobs.folder() / name)
    while not (job.folder / "order.json").exists():
        page.wait_for_timeout(1000 * LOOK)
    assert (job.order.model, job.order.training) == (what.model, what.training)
    while not job.alive:
        page.wait_for_timeout(1000 * LOOK)
    while job.alive:
        page.wait_for_timeout(1000 * LOOK)
    seconds = time.perf_counter() - start
    assert job.status.state == "done", job.status.message
    page.goto("about:blank")
    return seconds


def as_command(name: str, what: Order) -> float:
    """Returns the seconds of the same on the command line."""
    command = recipe._command(name, what.model, what.training).split()[1:]
    start = time.perf_counter()
    subprocess.run([sys.executable, *command], check=True, env=environment(), capture_output=True)
    return time.perf_counter() - start


def app(epochs: int, rounds: int, clicks: int) -> None:
    """Prints what the app costs training, and what training costs the page."""
    with serve() as server, open_browser() as browser:
        page = new_page(browser)
        seconds = [
            (as_job(f"job-{k}", order(epochs), page, server.address), as_command(f"command-{k}", order(epochs)))
            for k in range(rounds)
        ]
        page.close()
    job_s, command_s = (median(column) for column in zip(*seconds, strict=True))
    print(f"{epochs} epochs, medians of {rounds}: in the app {job_s:.1f} s, as a command {command_s:.1f} s, ", end="")
    print(f"ratio {median(a / b for a, b in seconds):.3f} (wanted: at most 1.05)")
    quiet, busy = click_times(clicks, None), click_times(clicks, order(LONG))
    print(f"click to image, median / p95: alone {median(quiet):.0f} / {p95(quiet):.0f} ms, ", end="")
    print(f"while a job trains {median(busy):.0f} / {p95(busy):.0f} ms; ", end="")
    print(f"x {median(busy) / median(quiet):.2f} / {p95(busy) / p95(quiet):.2f} (wanted: at most 2)")


def click_times(count: int, beside: Order | None) -> list[float]:
    """Returns milliseconds from a click to its image, while an order is trained."""
    places = random.Random(0)
    with serve() as server, open_browser() as browser:
        tab = ours(browser, server)
        job = None
        if beside is not None:
            job = jobs.create("beside", beside)
            job.start()
            while job.status.state != "training":
                time.sleep(LOOK)
        for _ in range(WARM_UP + count):
            tab.click(places.uniform(-1, 1), places.uniform(-1, 1))
        if job is not None:
            assert job.alive, job.status.message
            job.ask("stop")
            while job.alive:
                time.sleep(LOOK)
    return tab.times()


def our_curve(epochs: int | None) -> list[Point]:
    """Returns the negative ELBO after each epoch of the job that the page proposes."""
    job = jobs.create("minute", order(epochs))
    start = time.perf_counter()
    job.start()
    points: list[Point] = []
    over = False
    while not over:
        over = not job.alive
        now = time.perf_counter() - start
        records = job.status.records[len(points) :]
        points += [(now, each.validation_distortion + float(each.validation_rate or 0)) for each in records]
        time.sleep(LOOK)
    return points


def plain_curve(seconds: float, every: float = 2.5) -> list[Point]:
    """Returns the negative ELBO of the plain recipe every few seconds."""
    torch.set_num_threads(os.cpu_count() or 1)  # the app's modules have set one
    held_out = torch.from_numpy(load("mnist", "validation").pixels[:EVALUATION_IMAGES]).float() / 255
    model = PlainVAE(latent=2)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    loader = plain_loader(128, len(load("mnist", "train").pixels))
    points: list[Point] = []
    start = time.perf_counter()
    while True:
        for x, _ in loader:
            optimizer.zero_grad()
            plain_loss(model, x).backward()
            optimizer.step()
            now = time.perf_counter() - start
            if now > every * (len(points) + 1):
                with torch.no_grad():
                    points.append((now, plain_loss(model, held_out).item() / len(held_out)))
                start += time.perf_counter() - start - now  # judging is no training
            if now > seconds:
                return points


def minute(seconds: float, epochs: int | None) -> None:
    """Prints both curves."""
    mine, plain = our_curve(epochs), plain_curve(seconds)
    print("negative ELBO, nats per validation image, after so many seconds")
    print("seconds       ours    plain")
    step = max(1.0, seconds / 12)
    for mark in (step * k for k in range(1, 1 + max(int(seconds / step), int(mine[-1][0] / step) + 1))):
        print(f"{mark:7.0f} {_at(mine, mark):>10} {_at(plain, mark):>8}")
    print(f"ours ended after {mine[-1][0]:.0f} s at {mine[-1][1]:.1f} (wanted: under 145 after 60 s); ", end="")
    print(f"seconds of an epoch: {median(b - a for (a, _), (b, _) in pairwise(mine)) if len(mine) > 1 else 0:.1f}")


def _at(points: Sequence[Point], seconds: float) -> str:
    """Returns the last value until then."""
    before = [value for at, value in points if at <= seconds]
    return f"{before[-1]:.1f}" if before else "-"


def main() -> None:
    """Prints what is asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", default=["app", "minute"], help="app, minute; default both")
    parser.add_argument("--epochs", type=int, default=6, help="of the runs that are compared, default 6")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--clicks", type=int, default=100, help="default 100")
    parser.add_argument("--seconds", type=float, default=60, help="of the plain recipe, default 60")
    parser.add_argument("--minute-epochs", type=int, help="of ours; default: what Train proposes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_EXPLORER_RUNS"] = folder
        assert checkpoints.user_folder().samefile(folder)
        if "app" in options.parts:
            app(options.epochs, options.rounds, options.clicks)
        if "minute" in options.parts:
            minute(options.seconds, options.minute_epochs)


if __name__ == "__main__":
    main()
