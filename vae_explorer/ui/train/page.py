"""Train: jobs beside the page, their maps as they form, and what came of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import text
from vae_explorer.config import reported_beta
from vae_explorer.data import DataError
from vae_explorer.disk import asides
from vae_explorer.figures.training_curves import training_curves
from vae_explorer.jobs import jobs
from vae_explorer.jobs.doctor import examine
from vae_explorer.jobs.errors import JobError
from vae_explorer.jobs.films import FilmError
from vae_explorer.jobs.job import Job
from vae_explorer.jobs.jobs import Entry
from vae_explorer.jobs.records import LIVE, Order, Status, Wish
from vae_explorer.ui import canvas
from vae_explorer.ui.shell import say, undo
from vae_explorer.ui.shell.head import aside, head
from vae_explorer.ui.train import diagnosis, forecast, recipe, shelf
from vae_explorer.ui.train import film as training
from vae_explorer.ui.train.state import STATE, Runs, RunView

# Seconds between two looks at a job that is at work: each draws the page anew, on the job's own processors.
EVERY, CURVES_EVERY = 2.0, 4.0
ANSWER = 1.0  # seconds within which a job follows a wish, as a rule


def page() -> None:
    """A new run on the left, a run of the list on the right."""
    (caption,) = head(1)
    aside(caption, f"Runs train beside the app, {jobs.limit()} at once, and go on when it is closed.")
    with st.container(key="split"):
        form, shown = st.columns([3, 10], gap="medium")
    asides.empty(jobs.folder())
    entries = jobs.survey()
    sound = {entry.job.name: entry for entry in entries if entry.error is None}
    with form:
        _new([name for name, entry in sound.items() if entry.status and entry.status.state == "training"])
        shelf.show()
    with shown:
        undo.show()
        if problem := st.session_state.pop("train_problem", None):
            say.error(problem)
        if sound:
            _show(*_chosen(sound))
        elif not entries:
            _first()
        for entry in entries:
            if entry.error is not None:
                _broken(entry.job, entry.error)


def _chosen(sound: Mapping[str, Entry]) -> tuple[Entry, Entry | None]:
    """Shows the list of runs; returns the one chosen, and the one to compare it with."""
    names, state = list(sound), st.session_state
    if state.get("train_job") not in names:
        view, refusals = STATE.parse(st.query_params.to_dict(), Runs(names=tuple(names)))
        state.train_job, state.train_other = view.run, view.beside
        if refusals:
            say.warning(refusals)
    pick, compare = st.columns(2)
    name = str(pick.selectbox("Run", names, key="train_job"))
    others = [each for each in names if each != name]
    if state.get("train_other") not in others:
        state.pop("train_other", None)
    other = compare.selectbox("Beside it", others, index=None, key="train_other") if others else None
    st.query_params.from_dict(STATE.link(RunView(run=name, beside=other)))
    return sound[name], sound[other] if other else None


def _new(busy: Sequence[str]) -> None:
    try:
        chosen = recipe.choose()
        if chosen is None:
            return
        name, order = chosen
        forecast.show(order, busy)
    except DataError as error:
        say.error(error)
        return
    if st.button("Train", type="primary", width="stretch"):
        _start(name, order)
    with st.expander("The same on the command line"):
        st.code(order.command, language="bash", wrap_lines=True)


def _first() -> None:
    """What stands where the first run will be."""
    st.info("No run yet. Choose your own and press Train, or try the example: a VAE of 8 x 8 digits, in half a minute.")
    if st.button("Train the example"):
        _start(*recipe.example())
    st.caption("The latent map appears here after the first epoch, and forms as the run goes on.")


def _start(name: str, order: Order) -> None:
    """Starts a run, and draws the page anew with it."""
    try:
        jobs.create(name, order).start()
    except JobError as error:
        say.error(error)
        return
    st.session_state.pop("train_job", None)
    st.query_params["job"] = name
    st.rerun()


def _broken(job: Job, error: str) -> None:
    """What cannot be read, why, and a way to be rid of it."""
    words, button = st.columns([10, 2], vertical_alignment="center")
    words.error(say.plain(error))
    key = f"train_broken_{os.fsencode(job.name).hex()}"
    button.button("Delete", key=key, width="stretch", on_click=_try, args=(lambda: _delete(job),))


def _show(entry: Entry, other: Entry | None) -> None:
    job, order, status = entry.job, entry.order, entry.status
    assert order  # it is sound
    assert status
    live = status.state in LIVE
    st.fragment(_watch, run_every=EVERY if live else None)(job, order.training.epochs, live)
    left, right = st.columns([6, 5], gap="medium") if status.records else (st.container(), st.container())
    if status.records:
        with left:
            _film(job, status)
    with right:
        st.fragment(_judge, run_every=CURVES_EVERY if live else None)(job, other and other.job)


def _film(job: Job, status: Status) -> None:
    try:
        film = training.film(job, status.records)
    except (FilmError, JobError) as error:
        st.warning(f"There is no film: {say.plain(error)} The run itself is whole.")
        return
    canvas.training_film(f"film-{job.name}")
    canvas.send(film, f"film-{job.name}", "film")


def _watch(job: Job, epochs: int, live: bool) -> None:
    """What the job does, its buttons, and its newest frame; runs alone."""
    try:
        status = job.status
    except JobError:
        st.rerun()  # deleted in another window, or damaged: the whole page says which
    words, *buttons = st.columns([8, 2, 2, 2], vertical_alignment="center")
    words.html(f'<p class="aside">{text.html(training.progress(status, epochs), say.LONGEST)}</p>')
    if status.records and live:
        st.progress(min(1.0, status.records[-1].number / epochs))
    if status.message and status.cause != "TrainingDiverged":  # of which the doctor says more
        (say.error if status.state == "failed" else say.info)(status.message)
    _buttons(job, status, epochs, buttons)
    first = st.session_state.get("train_seen") != (job.name, bool(status.records))
    st.session_state.train_seen = (job.name, bool(status.records))
    if live != (status.state in LIVE) or (first and status.records):
        st.rerun()  # the film has its place now, or there is nothing to watch any more
    if status.records and (frame := training.newest(job, status.records[-1].number)):
        canvas.send(frame, f"film-{job.name}", "frame")


def _buttons(job: Job, status: Status, epochs: int, places: Sequence[DeltaGenerator]) -> None:
    """One button holds the run or lets it go on: each has one place, so that no two of them are seen together."""
    live = status.state in LIVE
    finished = bool(status.records) and status.records[-1].number == epochs and status.state == "done"
    held = status.state == "paused" or not live
    if not finished:
        action = (lambda: _ask(job, "run" if held else "pause")) if live else job.start
        label = "Resume" if held else "Pause"
        places[0].button(label, key="train_hold", width="stretch", on_click=_try, args=(action,))
    if live:
        places[1].button("Stop", key="train_end", width="stretch", on_click=_try, args=(lambda: _ask(job, "stop"),))
    else:
        places[1].button(
            "Delete",
            key="train_end",
            width="stretch",
            help="The model that came of it stays.",
            on_click=_try,
            args=(lambda: _delete(job),),
        )
    if status.state in ("done", "stopped") and status.records and places[2].button("Explore", width="stretch"):
        shelf.explore(job.name)


def _try(action: Callable[[], object]) -> None:
    """Does what was asked for; what stands in its way is said on the page."""
    try:
        action()
    except JobError as error:
        st.session_state.train_problem = str(error)


def _delete(job: Job) -> None:
    undo.remember(f"The run {job.name}", job.delete())


def _ask(job: Job, wish: Wish) -> None:
    """Leaves a wish, and waits a moment until it is followed: what is drawn next is the click's answer."""
    before = job.status.state
    job.ask(wish)
    until = time.monotonic() + ANSWER
    while job.status.state == before and time.monotonic() < until:
        time.sleep(0.02)


def _judge(job: Job, other: Job | None) -> None:
    """The curves, and what the doctor sees; runs alone."""
    try:
        both = {each.name: (each.order, each.status) for each in (job, other) if each is not None}
    except JobError:
        st.rerun()  # deleted in another window, or damaged: the whole page says which
    shown = {name: training.history(status.records) for name, (_, status) in both.items()}
    if shown[job.name].epochs:
        st.plotly_chart(training_curves(shown), key="train_curves", config={"displaylogo": False})
        weights = {f"{reported_beta(order.model):g}" for order, _ in both.values() if order.model.kind == "multi-rate"}
        if weights:
            at = text.markdown(" and ".join(sorted(weights)))
            st.caption(f"Multi-rate: training images at the KL weights drawn for them, validation images at {at}.")
    diagnosis.show({name: examine(order, status) for name, (order, status) in both.items()})
