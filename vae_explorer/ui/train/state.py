"""What the Train page shows: its table of state. Nothing here knows Streamlit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from vae_explorer.ui.state.codecs import OneOf
from vae_explorer.ui.state.table import Row, Table


@dataclass(frozen=True, kw_only=True)
class Runs:
    """What there is to show: the names of all runs that can be read, the newest first."""

    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RunView:
    """One view: a run, and the one that it is compared with.

    Arguments:
        run: The run's name; None where there is none.
        beside: The other's name; None where none is compared.
    """

    run: str | None = None
    beside: str | None = None


def _settled(view: RunView, _: Runs) -> RunView:
    return replace(view, beside=None) if view.beside == view.run else view


STATE: Table[RunView, Runs] = Table(
    RunView,
    (
        Row(
            name="run",
            link="job",
            codec=OneOf(lambda runs: runs.names),
            default=lambda runs: next(iter(runs.names), None),
        ),
        Row(name="beside", codec=OneOf(lambda runs: runs.names), default=lambda _: None, nothing="no other run"),
    ),
    _settled,
)
