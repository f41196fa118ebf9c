"""One declared table of state: each row a field of the view, how it is read, written, taken and kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from vae_explorer.ui.state.words import Refused

L = TypeVar("L")  # what limits a view: a model and its images, or two
V = TypeVar("V")  # a frozen dataclass with a field for each row


class Codec(Generic[L]):
    """How one kind of value is read from a link, written into one, and taken from what the browser reports."""

    def keys(self, name: str) -> tuple[str, ...]:
        """Returns the names under which a link may hold the value."""
        return (name,)

    def from_link(self, name: str, text: str, limits: L, view: Any) -> Any:
        """Returns the value that a link's text names, or raises `Refused`; `view` has all rows before this one."""
        raise NotImplementedError

    def to_link(self, name: str, value: Any) -> dict[str, str]:
        """Returns what a link says; nothing for a value that a page opens with."""
        return {} if value is None else {name: str(value)}

    def from_report(self, value: Any, limits: L, view: Any) -> Any:
        """Returns the value that the browser reports, or raises `Refused`."""
        raise Refused("It is not set by the map.")

    def words(self, key: str, value: Any) -> str:
        """Says what is shown, where a link's value cannot be; nothing where the row has words of its own for that."""
        return "" if value is None else str(value)


@dataclass(frozen=True, kw_only=True)
class Row(Generic[L]):
    """One field of the state.

    Arguments:
        name: The field of the view; what the browser calls it too.
        codec: How its values are read, written and taken.
        default: The value that a page opens with.
        link: What a link calls it, where that is another name.
        nothing: What is shown where the value is nothing, in words.
        keep: What another model keeps of a value: of the last view, what that model allowed, and what the new one does.
        of_images: Whether it means the same only where both models show the same images.
    """

    name: str
    codec: Codec[L]
    default: Callable[[L], Any]
    link: str = ""
    nothing: str = "the default"
    keep: Callable[[Any, L, L], Any] | None = None
    of_images: bool = True

    @property
    def called(self) -> str:
        return self.link or self.name

    @property
    def keys(self) -> tuple[str, ...]:
        return self.codec.keys(self.called)


class Table(Generic[V, L]):
    """All rows of a page, in the order in which a link names them.

    Arguments:
        view: The dataclass that holds a value for each row.
        rows: The fields.
        settle: Brings fields into line with each other, after any of them has changed.
    """

    def __init__(self, view: Callable[..., V], rows: tuple[Row[L], ...], settle: Callable[[V, L], V]) -> None:
        self.view, self.rows, self.settle = view, rows, settle

    def start(self, limits: L) -> V:
        """Returns the view that a page opens with."""
        return self.view(**{row.name: row.default(limits) for row in self.rows})

    def parse(self, query: Mapping[str, str], limits: L) -> tuple[V, list[str]]:
        """Returns the view that a link names; what cannot be shown keeps its default and gives a message."""
        view, refusals = self.start(limits), []
        for row in self.rows:
            for key in row.keys:
                if key not in query:
                    continue
                try:
                    view = replace(view, **{row.name: row.codec.from_link(key, query[key], limits, view)})  # type: ignore[type-var]
                except Refused as refused:
                    shown = row.codec.words(key, getattr(view, row.name)) or row.nothing
                    refusals.append(f"{refused} Shown instead: {shown}.")
        return self.settle(view, limits), refusals

    def link(self, view: V) -> dict[str, str]:
        """Returns the view as a link's query: `parse` gives the same view back."""
        said: dict[str, str] = {}
        for row in self.rows:
            said |= row.codec.to_link(row.called, getattr(view, row.name))
        return said

    def updated(self, view: V, reported: Mapping[str, Any], limits: L) -> V:
        """Returns the view after what the browser reported. What does not fit was not sent by our pages: ignored."""
        for row in self.rows:
            if row.name not in reported:
                continue
            try:
                view = replace(view, **{row.name: row.codec.from_report(reported[row.name], limits, view)})  # type: ignore[type-var]
            except Refused:
                continue
        return self.settle(view, limits)

    def asked(self, question: Mapping[str, Any], limits: L, given: Collection[str]) -> V:
        """Returns the view that a question is about: what it names, and else what a page opens with.

        Arguments:
            question: Values by the names of their rows, as the browser reports them.
            limits: What the view may hold.
            given: Rows that are part of the limits.

        Raises:
            Refused: If a value does not fit.
        """
        view = self.start(limits)
        for row in self.rows:
            if row.name not in given and question.get(row.name) is not None:
                view = self.changed(view, row.name, row.codec.from_report(question[row.name], limits, view))
        return view

    def changed(self, view: V, name: str, value: Any) -> V:
        """Returns a view with another value in one row, as the row's codec took it."""
        return replace(view, **{name: value})  # type: ignore[type-var]

    def carried(self, last: V, had: L, limits: L, *, same: bool) -> V:
        """Returns the view that another model opens with: what the user had set, as far as it means the same there.

        Arguments:
            last: What was seen of the model before.
            had: What that model allowed.
            limits: What the new one allows.
            same: Whether both show the same images.
        """
        kept = [row for row in self.rows if row.keep and (same or not row.of_images)]
        values = {row.name: row.keep(last, had, limits) for row in kept if row.keep}
        return self.settle(replace(self.start(limits), **values), limits)  # type: ignore[type-var]
