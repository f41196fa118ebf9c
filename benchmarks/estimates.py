"""The time that Train announces against the time that the run then takes.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.estimates

For three choices of the Train page: `estimates.in_process`, then the same order as a job, both from the start of
their process. A ratio of 1 is a perfect estimate; the uncertainty is the one announced. Whatever else the machine
does meanwhile counts against it.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from dataclasses import replace

from vae_explorer import data
from vae_explorer.config import Backbone, Kind
from vae_explorer.jobs import estimates, jobs
from vae_explorer.jobs.records import Order
from vae_explorer.ui.train import recipe

CHOICES: tuple[tuple[str, Kind, Backbone, int], ...] = (
    # data, kind, backbone, epochs
    ("mnist", "multi-rate", "dense", 6),
    ("circles", "vae", "convolutional", 4),
    ("digits", "autoencoder", "dense", 60),
)


def trained(name: str, what: Order) -> float:
    """Returns the seconds of a job from its start to its end."""
    job = jobs.create(name, what)
    start = time.perf_counter()
    job.start()
    while job.alive:
        time.sleep(0.02)
    seconds = time.perf_counter() - start
    assert job.status.state == "done", job.status.message
    return seconds


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the epochs, default 1")
    share = parser.parse_args().share
    print("run                                    epochs   estimate, s   run, s   run / estimate")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["VAE_EXPLORER_RUNS"] = folder
        for name, kind, backbone, epochs in CHOICES:
            model, training = recipe.propose(name, kind, backbone)
            training = replace(training, epochs=max(1, round(share * epochs)))
            what = Order(model=model, training=training, command="benchmark")
            images, validation = (len(data.load(name, part).pixels) for part in ("train", "validation"))
            seconds, error = estimates.in_process(what.model, what.training, images, validation).run(
                images, what.training
            )
            took = trained(f"{name}-{kind}", what)
            title = f"{name}, {kind}, {backbone}"
            print(
                f"{title:38} {what.training.epochs:6} {seconds:7.1f} ± {error:<4.1f} {took:8.1f} {took / seconds:10.2f}"
            )


if __name__ == "__main__":
    main()
