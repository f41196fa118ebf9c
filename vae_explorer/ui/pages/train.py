"""Train: jobs beside the page, their maps as they form, and what came of them."""

from __future__ import annotations

import time

import streamlit as st

from vae_explorer import jobs
from vae_explorer.data import DataError
from vae_explorer.doctor import examine
from vae_explorer.figures.training_curves import training_curves
from vae_explorer.jobs import Job, JobError, Wish
from vae_explorer.records import LIVE
from vae_explorer.training import reported_beta
from vae_explorer.ui import canvas, diagnosis, forecast, recipe, training
from vae_explorer.ui.pages.explore import STYLE

# Seconds between two looks at a job that is at work: each draws the page anew, on the job's own processors.
EVERY, CURVES_EVERY = 2.0, 4.0
ANSWER = 1.0  # seconds within which a job follows a wish, as a rule


def page() -> None:
    """A new run on the left, a run of the list on the right."""
    st.html(STYLE)
    title, caption = st.columns([5, 12], vertical_alignment="center")
    title.html("<h1>VAE Explorer</h1>")
    caption.html(
        f'<p class="aside">Jobs train beside the app, {jobs.limit()} at once, and go on when it is closed.</p>'
    )
    form, shown = st.columns([3, 10], gap="medium")
    with form:
        _new()
    found = jobs.find_all()
    with shown:
        if not found:
            st.info("No run yet. Choose on the left, and train: the latent map appears here after the first epoch.")
            return
        names = [job.name for job in found]
        if st.session_state.get("train_job") not in names:
            st.session_state.train_job = st.query_params.get("job") if st.query_params.get("job") in names else names[0]
        pick, compare = st.columns(2)
        name = str(pick.selectbox("Run", names, key="train_job"))
        other = compare.selectbox(
            "Compare with", [each for each in names if each != name], index=None, key="train_other"
        )
        st.query_params["job"] = name
        _show(jobs.find(name), jobs.find(str(other)) if other else None)


def _new() -> None:
    try:
        chosen = recipe.choose()
    except DataError as error:
        st.error(str(error))
        return
    if chosen is None:
        return
    name, order = chosen
    forecast.show(order, [job.name for job in jobs.find_all() if training.at_work(job)])
    if st.button("Train", type="primary", width="stretch"):
        try:
            jobs.create(name, order).start()
        except JobError as error:
            st.error(str(error))
            return
        st.session_state.pop("train_job", None)
        st.query_params["job"] = name
        st.rerun()
    with st.expander("The same on the command line"):
        st.code(order.command, language="bash", wrap_lines=True)


def _show(job: Job, other: Job | None) -> None:
    try:
        status, order = job.status, job.order
    except JobError as error:
        st.error(str(error))
        if st.button("Delete"):
            job.delete()
            st.rerun()
        return
    live = status.state in LIVE
    st.fragment(_watch, run_every=EVERY if live else None)(job, order.training.epochs, live)
    left, right = st.columns([6, 5], gap="medium") if status.records else (st.container(), st.container())
    if status.records:
        with left:
            canvas.training_film(f"film-{job.name}")
            canvas.send(training.film(job, status.records), f"film-{job.name}", "film")
    with right:
        st.fragment(_judge, run_every=CURVES_EVERY if live else None)(job, other)


def _watch(job: Job, epochs: int, live: bool) -> None:
    """What the job does, its buttons, and its newest frame; runs alone."""
    if not job.folder.is_dir():
        st.rerun()  # deleted in another window
    status = job.status
    words, *buttons = st.columns([8, 2, 2, 2], vertical_alignment="center")
    words.html(f'<p class="aside">{training.progress(status, epochs)}</p>')
    if status.records and live:
        st.progress(status.records[-1].number / epochs)
    if status.message and status.cause != "TrainingDiverged":  # of which the doctor says more
        (st.error if status.state == "failed" else st.info)(status.message)
    finished = bool(status.records) and status.records[-1].number == epochs and status.state == "done"
    if status.state in ("training", "waiting"):
        buttons[0].button("Pause", width="stretch", on_click=_ask, args=(job, "pause"))
    if status.state == "paused":
        buttons[0].button("Resume", width="stretch", on_click=_ask, args=(job, "run"))
    if status.state in LIVE:
        buttons[1].button("Stop", width="stretch", on_click=_ask, args=(job, "stop"))
    if status.state not in LIVE and not finished and buttons[0].button("Resume", width="stretch"):
        job.start()
        st.rerun()
    if status.state not in LIVE and buttons[1].button(
        "Delete", width="stretch", help="The model that came of it stays."
    ):
        job.delete()
        st.rerun()
    if status.state in ("done", "stopped") and status.records and buttons[2].button("Explore", width="stretch"):
        for left in ("model", "view", "start"):  # what Explore showed last: it begins with the link's model again
            st.session_state.pop(left, None)
        st.switch_page(st.session_state.explore_page, query_params={"model": job.name})
    first = st.session_state.get("train_seen") != (job.name, bool(status.records))
    st.session_state.train_seen = (job.name, bool(status.records))
    if live != (status.state in LIVE) or (first and status.records):
        st.rerun()  # the film has its place now, or there is nothing to watch any more
    if status.records:
        number = status.records[-1].number
        canvas.send(training.newest(job, number), f"film-{job.name}", "frame")


def _ask(job: Job, wish: Wish) -> None:
    """Leaves a wish, and waits a moment until it is followed: what is drawn next is the click's answer."""
    if not job.folder.is_dir():
        return
    before = job.status.state
    job.ask(wish)
    until = time.monotonic() + ANSWER
    while job.status.state == before and time.monotonic() < until:
        time.sleep(0.02)


def _judge(job: Job, other: Job | None) -> None:
    """The curves, and what the doctor sees; runs alone."""
    if not all(each.folder.is_dir() for each in (job, other) if each is not None):
        st.rerun()
    both = {each.name: (each.order, each.status) for each in (job, other) if each is not None}
    shown = {name: training.curve(status.records) for name, (_, status) in both.items()}
    if shown[job.name].epochs:
        st.plotly_chart(training_curves(shown), key="train_curves", config={"displaylogo": False})
        weights = {f"{reported_beta(order.model):g}" for order, _ in both.values() if order.model.kind == "multi-rate"}
        if weights:
            at = " and ".join(sorted(weights))
            st.caption(f"Multi-rate: training images at the KL weights drawn for them, validation images at {at}.")
    diagnosis.show({name: examine(order, status) for name, (order, status) in both.items()})
