"""How long a run will take: measured once a choice beside the page, which never waits for it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import replace
from typing import NamedTuple

import streamlit as st

from vae_explorer import data
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.jobs.estimates import Estimate, EstimateError, in_process
from vae_explorer.jobs.records import Order
from vae_explorer.ui.shell import say
from vae_explorer.ui.shell.caches import lasting
from vae_explorer.ui.train.film import duration

EVERY = 0.4  # seconds between two looks at a measurement that is under way
BUSY = 0.6  # programs for each core, from which a measurement says that it was not alone
MOST = 64  # choices whose measurement is kept
AGAIN = 30.0  # seconds after which one that failed is tried again


class Measurement(NamedTuple):
    """A measurement, under way or done."""

    estimate: Future[Estimate]
    beside: tuple[str, ...]  # the jobs that trained when it began
    asked: float = 0.0  # when, on the monotonic clock

    def stale(self, busy: Sequence[str]) -> bool:
        """Whether it is to be done again: it failed a while ago, or was beside other jobs that are over."""
        if not self.estimate.done():
            return False
        failed = self.estimate.cancelled() or self.estimate.exception() is not None
        return time.monotonic() - self.asked > AGAIN if failed else bool(self.beside) and not busy


class Forecasts:
    """All measurements of this server, one after the other."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.known: dict[tuple[ModelConfig, TrainingConfig, int], Measurement] = {}

    def ask(
        self, model: ModelConfig, training: TrainingConfig, counts: tuple[int, int], busy: Sequence[str]
    ) -> Measurement:
        """Returns the measurement of a choice: a new one where there is none, or a stale one."""
        # What does not change the time of a step is no choice of its own.
        model = replace(model, beta=1.0)
        training = replace(training, epochs=1, seed=0, reduction="sum")
        key = (model, training, counts[0])
        known = self.known.get(key)
        if known is None or known.stale(busy):
            while len(self.known) >= MOST:
                self.known.pop(next(iter(self.known))).estimate.cancel()
            measured = self.pool.submit(in_process, model, training, *counts)
            known = Measurement(measured, tuple(busy), time.monotonic())
            self.known[key] = known
        return known


@lasting  # its measurements are of random images, so many as are asked for
@st.cache_resource(show_spinner=False)
def forecasts() -> Forecasts:
    return Forecasts()


def show(order: Order, busy: Sequence[str]) -> None:
    """Shows the time of an order, as soon as it is known.

    Arguments:
        order: The choice.
        busy: Names of the jobs that train now.
    """
    counts = _counts(order.model.data)
    measurement = forecasts().ask(order.model, order.training, counts, busy)
    done = measurement.estimate.done()
    st.fragment(_line, run_every=None if done else EVERY)(measurement, order.training, counts[0], done)


def words(measurement: Measurement, training: TrainingConfig, images: int) -> str:
    """Returns one line: the time, its uncertainty, and what it was measured beside."""
    if not measurement.estimate.done():
        return "Timing half a second of it ..."
    try:
        estimate = measurement.estimate.result()
    except (EstimateError, CancelledError) as error:
        return f"Its time could not be measured: {say.plain(str(error) or 'another was asked for')}."
    seconds, error_ = estimate.run(images, training)
    least = f"{duration(seconds - error_)} to" if seconds - error_ >= 1 else "up to"
    line = f"About {duration(seconds)} here ({least} {duration(seconds + error_)}), "
    line += f"{duration(estimate.epoch(images, training.batch))} an epoch."
    if measurement.beside:
        line += f" Measured while {say.listed(measurement.beside)} trained: alone it takes less."
    elif estimate.load > BUSY:
        line += " Other programs kept the machine busy: alone it takes less."
    return line


def _line(measurement: Measurement, training: TrainingConfig, images: int, done: bool) -> None:
    st.caption(words(measurement, training, images))
    if measurement.estimate.done() and not done:
        st.rerun()  # there is nothing to look at again


@st.cache_data(max_entries=16, show_spinner=False)
def _counts(name: str) -> tuple[int, int]:
    """Returns the numbers of training and validation images."""
    train, validation = (len(data.load(name, part).pixels) for part in ("train", "validation"))
    return train, validation
