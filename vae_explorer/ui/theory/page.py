"""Theory: one screen of the course at a time; what it asks is answered over the live channel, or by the fragment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from vae_explorer import text
from vae_explorer.checkpoints import files
from vae_explorer.config import ModelConfig
from vae_explorer.figures import theme
from vae_explorer.ui import canvas
from vae_explorer.ui.canvas.wire import pack
from vae_explorer.ui.explore.scene import Scene
from vae_explorer.ui.shell import lost, say
from vae_explorer.ui.shell.carried import Carried, brought, carry
from vae_explorer.ui.shell.head import aside, head
from vae_explorer.ui.state.codecs import nearest_weight
from vae_explorer.ui.state.limits import is_index
from vae_explorer.ui.state.words import Refused, link, quoted
from vae_explorer.ui.theory import answers, exports
from vae_explorer.ui.theory.course import course
from vae_explorer.ui.theory.screen import Screen, Term, View

PAGE = PLACE = "theory"  # in addresses; and what the picture and its couriers are called


def page() -> None:
    """Picker, course and picture; what the picture asks for is answered by the fragment alone."""
    picker, caption, share, export = head(4)
    screen = _screen()
    known = {entry.name: entry.config for entry in files.list_all() if entry.config is not None and not entry.error}
    fitting = sorted(
        (name for name, config in known.items() if screen.fits(config)), key=lambda name: (name != screen.default, name)
    )
    if not fitting:
        say.error(
            f"The screen “{screen.title}” needs {screen.needed}, and there is none here: "
            "`python -m vae_explorer train --help`."
        )
        return
    with picker:
        name = _model(screen, known, fitting)
    if lost.told():
        return
    with say.refusals():
        _draw(Scene(name), screen, (caption, share, export))


def _screen() -> Screen:
    """Returns the screen that is shown: what the page reported last, or the link's, or the first one."""
    state, screens = st.session_state, course()
    if reported := _wanted(_reported()):
        state.theory_screen = reported
    elif "theory_screen" not in state:
        wanted = st.query_params.get("screen", next(iter(screens)))
        state.theory_messages = [] if wanted in screens else [f"There is no screen “{quoted(wanted)}”."]
        state.theory_screen = wanted if wanted in screens else next(iter(screens))
        state.theory_linked = True
    return screens[state.theory_screen]


def _model(screen: Screen, known: Mapping[str, ModelConfig], fitting: list[str]) -> str:
    """Shows the picker: models that this screen can show; the one that was chosen, where it is one of them."""
    state = st.session_state
    wanted = st.query_params.get("model") if state.get("theory_linked") else state.get("theory_wanted")
    if state.get("theory_linked") and wanted is not None and wanted not in fitting:
        why = f"there is no model “{quoted(wanted)}” here" if wanted not in known else f"“{quoted(wanted)}” is none"
        state.theory_messages.append(f"This screen needs {screen.needed}, and {why}. Shown instead: {fitting[0]}.")
    if wanted in fitting and state.get("theory_linked"):
        state.theory_wanted = wanted
    if state.get("theory_model") not in fitting or state.get("theory_for") != screen.name:
        state.theory_model = wanted if wanted in fitting else fitting[0]
    state.theory_for = screen.name
    options: dict[str, Any] = {"format_func": text.shown, "label_visibility": "collapsed"}
    return str(st.selectbox("Model", fitting, key="theory_model", on_change=_chosen, **options))


def _chosen() -> None:
    st.session_state.theory_wanted = st.session_state.theory_model


def _draw(scene: Scene, screen: Screen, places: tuple[DeltaGenerator, ...]) -> None:
    caption, share, export = places
    start = _start(scene, screen)
    if scene.absence:
        say.error(scene.absence)
        return
    if messages := [*filter(None, [scene.shown.changed]), *st.session_state.theory_messages]:
        say.warning(messages)
    aside(caption, scene.caption)
    canvas.theory(_boot(), PLACE)
    with share:
        canvas.share()
    with export:
        _answer(scene, screen, start)
    canvas.send(scene.world(), PLACE, "world")


def _start(scene: Scene, screen: Screen) -> View:
    """Returns the view that a screen opens with: the link's, or what was set before as far as it fits."""
    state, table = st.session_state, screen.table
    if state.pop("theory_linked", False):
        query = st.query_params.to_dict()
        state.theory_start, messages = table.parse(query, scene.limits)
        state.theory_messages = [*state.theory_messages, *messages]
        if not query.keys() - {"screen", "model"}:
            state.theory_start = _brought(state.theory_start, scene)
    else:
        begun: View | None = state.get("theory_start")
        if begun is None or (begun.screen, begun.model) != (screen.name, scene.name):
            state.theory_messages = []
            kept = {} if begun is None else asdict(begun)
            state.theory_start = table.updated(table.start(scene.limits), kept, scene.limits)
    start: View = table.updated(state.theory_start, _reported(), scene.limits)
    return start


def _brought(view: View, scene: Scene) -> View:
    """Returns a view of the image and KL weight that another page showed, where its images are the same."""
    last = brought(PAGE, scene.config.data)
    if last is None:
        return view
    changes: dict[str, Any] = {}
    if is_index(last.image, scene.limits.images):
        changes["image"] = last.image
    if last.beta is not None and scene.limits.beta:
        changes["beta"] = nearest_weight(last.beta, scene.limits.beta)
    return type(view)(**{**asdict(view), **changes})


def _wanted(reported: Mapping[str, Any]) -> str | None:
    """Returns the screen that was reported, if there is one of that name."""
    name = reported.get("screen")
    return name if isinstance(name, str) and name in course() else None


def _reported() -> dict[str, Any]:
    """Returns all that the picture has reported of what the user set."""
    reported: dict[str, Any] = st.session_state.get(canvas.answer_key(PLACE), {}).get(canvas.SEEN) or {}
    return reported


@st.fragment
@lost.caught
def _answer(scene: Scene, screen: Screen, start: View) -> None:
    """Runs alone whenever the picture reports something; another screen draws the page anew."""
    reported = _reported()
    if scene.outdated or _wanted(reported) not in (None, screen.name):
        st.rerun()
    view: View = screen.table.updated(start, reported, scene.limits)
    st.session_state.theory_start = view
    carry(Carried(PAGE, scene.config.data, view.image, view.beta, (), {}))
    shown = {
        "kind": "answer",
        "start": asdict(view),
        "link": link(screen.table.link(view)),
        "weights": scene.limits.beta,
    }
    header, arrays = ({}, {}) if reported.get("answered") is True else _said(screen, scene, view)
    canvas.answer(pack({**header, **shown, "empty": not header}, arrays), PLACE)
    _more(scene, screen, view, reported.get("wants"))
    exports.export(screen, scene, view)


def _said(screen: Screen, scene: Scene, view: View) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        return answers.main(screen, scene, view)
    except Refused as refused:
        return {"refused": str(refused)}, {}


def _more(scene: Scene, screen: Screen, view: View, wants: object) -> None:
    """Answers what the picture could not ask over the live channel."""
    part, n = (wants.get("part"), wants.get("n")) if isinstance(wants, dict) else (None, None)
    if not (isinstance(part, str) and part in screen.parts and isinstance(n, int)):
        return
    try:
        header, arrays = answers.said(screen, part, scene, view, wants.get("more") if isinstance(wants, dict) else None)
    except Refused as refused:
        header, arrays = {"refused": str(refused)}, {}
    canvas.send(pack({**header, "kind": "part", "n": n}, arrays), PLACE, "part")


def _boot() -> bytes:
    """Returns what the page is sent once: the words of all screens, and the colours of terms."""
    screens = [_words(screen) for screen in course().values()]
    return pack({"kind": "theory", "screens": screens, "colours": theme.TERMS}, {})


def _words(screen: Screen) -> dict[str, Any]:
    formula = [each._asdict() if isinstance(each, Term) else each for each in screen.formula]
    return {
        "name": screen.name,
        "title": screen.title,
        "question": screen.question,
        "formula": formula,
        "why": list(screen.why),
        "sources": [source._asdict() for source in screen.sources],
        "prediction": screen.prediction and screen.prediction._asdict(),
    }
