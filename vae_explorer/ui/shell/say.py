"""Messages of the page: they quote names and reasons from files and links, so they are shown letter by letter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import streamlit as st

from vae_explorer import text
from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.data import DataError

LONGEST = 600  # characters of a message
MOST = 6  # messages of one kind at once


@contextmanager
def refusals() -> Iterator[None]:
    """Says, in the block's place, why a model or its images cannot be had, whenever that is found."""
    try:
        yield
    except (CheckpointError, DataError) as reason:
        error(reason)


def error(message: object) -> None:
    """Says why something cannot be done."""
    st.error(plain(message))


def info(message: object) -> None:
    st.info(plain(message))


def warning(messages: Sequence[object]) -> None:
    """Says what was changed, or is missing, one a line; the first of many."""
    st.warning("  \n".join(lines(messages)))


def lines(messages: Sequence[object]) -> list[str]:
    """Returns messages as Markdown, so many at most and how many more there are."""
    more = len(messages) - MOST
    return [*map(plain, messages[:MOST]), *([f"… and {more:,} more."] if more > 0 else [])]


def plain(message: object) -> str:
    """Returns a message as Markdown that shows its letters and nothing else."""
    return text.markdown(str(message), LONGEST)


def listed(names: Iterable[str], between: str = " and ") -> str:
    """Returns names as Markdown that shows their letters, the first of many."""
    return between.join(map(text.markdown, names))
