"""What the files of a training job say: an order, and a status with a record for each epoch. Nothing is taken on trust.

All numbers are finite, as JSON has them; None stands for infinite, or for what files of before did not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any, Literal, Self, get_args

from vae_explorer.config import WIDEST, ModelConfig, TrainingConfig

State = Literal["waiting", "training", "paused", "stopped", "done", "failed", "interrupted"]

LIVE: tuple[State, ...] = ("waiting", "training", "paused")  # a process is at work, or was when it was killed
LONGEST = 10_000  # characters of a text that is read
LARGEST = 1e12  # seconds, epochs and images a second
LOSSES = 1e39  # nats: what float32 can hold


class RecordError(ValueError):
    """A value that does not belong there; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to train."""

    model: ModelConfig
    training: TrainingConfig
    command: str  # that does the same on the command line
    out: str | None = None  # absolute path of the model that comes of it; else NAME in the folder of trained models

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Raises RecordError or ConfigError."""
        found = _object(values, {"model", "training", "command"}, {"out"})
        out = found.get("out")
        return cls(
            model=ModelConfig.from_json(found["model"]),
            training=TrainingConfig.from_json(found["training"]),
            command=_text("command", found["command"]),
            out=None if out is None else _text("out", out),
        )


@dataclass(frozen=True, kw_only=True)
class Record:
    """What one epoch led to, in nats per image; JSON types alone."""

    number: int
    distortion: float  # on training images, while the weights moved
    rate: float | None  # None: infinite, of a deterministic encoder
    validation_distortion: float
    validation_rate: float | None
    validation_objective: float
    images_per_second: float
    seconds: float  # of training in this epoch, without pauses
    seconds_left: float
    objective: float | None = None  # on training images, at the KL weights drawn; None in files of before
    axis_rate: tuple[float, ...] | None = None  # of the film's images, each axis's part; None: infinite, or of before
    explained: float | None = None  # R2 of the film's images, decoded from their codes; None in files of before

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Raises RecordError."""
        found = _known(cls, values)
        rates = found.pop("axis_rate", None)
        if rates is not None:
            rates = tuple(_number("axis_rate", each, LOSSES) for each in _list("axis_rate", rates, WIDEST))
        number = _whole("number", found.pop("number"))
        large = dict.fromkeys(("images_per_second", "seconds", "seconds_left"), LARGEST)
        may_lack = ("rate", "validation_rate", "objective", "explained")
        numbers = {
            name: _maybe(name, value)
            if name in may_lack
            else _number(name, value, LARGEST if name in large else LOSSES)
            for name, value in found.items()
        }
        return cls(number=number, axis_rate=rates, **numbers)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A multi-rate model at one KL weight, on validation images, in nats per image."""

    beta: float
    distortion: float
    rate: float

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Raises RecordError."""
        return cls(**{name: _number(name, value, LOSSES) for name, value in _known(cls, values).items()})


@dataclass(frozen=True, kw_only=True)
class Status:
    """What a job does now."""

    state: State = "waiting"
    message: str = ""  # for the screen: why it failed
    cause: str = ""  # the error's name
    since: float = 0.0  # Unix time at which it was put into the queue
    records: tuple[Record, ...] = ()
    pca: float | None = None  # R2 of as many principal components as the model has axes, on the film's images
    linear: float | None = None  # the same of the best linear model at the KL weight that is trained
    ladder: tuple[Rung, ...] = ()  # of a multi-rate model that is done, by rising KL weight

    @classmethod
    def from_json(cls, values: object) -> Self:
        """Raises RecordError."""
        needed = {"state", "records"}
        found = _object(values, needed, {field.name for field in fields(cls)})
        if found["state"] not in list(get_args(State)):
            raise RecordError(f"state: there is none {_shown(found['state'])}")
        records = tuple(map(Record.from_json, _list("records", found["records"], 10**6)))
        if not all(a.number < b.number for a, b in pairwise(records)):
            raise RecordError("records: the epochs do not rise")
        if len({len(each.axis_rate) for each in records if each.axis_rate is not None}) > 1:
            raise RecordError("records: not all of one number of axes")
        return cls(
            state=found["state"],
            message=_text("message", found.get("message", "")),
            cause=_text("cause", found.get("cause", "")),
            since=_number("since", found.get("since", 0.0), LARGEST),
            records=records,
            pca=_maybe("pca", found.get("pca")),
            linear=_maybe("linear", found.get("linear")),
            ladder=tuple(map(Rung.from_json, _list("ladder", found.get("ladder", ()), 1000))),
        )


def _known(cls: type, values: object) -> dict[str, Any]:
    """Demands an object with a dataclass's fields: those without a default, and no unknown ones."""
    names = {field.name for field in fields(cls)}
    needed = {name for name in names if not hasattr(cls, name)}  # a default is an attribute of the class
    return _object(values, needed, names)


def _object(values: object, needed: set[str], known: set[str]) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise RecordError(f"an object was expected, not {_shown(values)}")
    if wrong := sorted((needed - values.keys()) | (values.keys() - needed - known)):
        raise RecordError(f"fields missing or unknown: {_shown(', '.join(wrong))}")
    return dict(values)


def _list(name: str, value: object, most: int) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple) or len(value) > most:
        raise RecordError(f"{name}: a list was expected, not {_shown(value)}")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise RecordError(f"{name}: text was expected, not {_shown(value)}")
    return value


def _number(name: str, value: object, most: float) -> float:
    if type(value) not in (int, float) or not abs(value) <= most:  # type: ignore[arg-type]
        raise RecordError(f"{name}: a number was expected, not {_shown(value)}")
    return float(value)  # type: ignore[arg-type]


def _maybe(name: str, value: object) -> float | None:
    return None if value is None else _number(name, value, LOSSES)


def _whole(name: str, value: object) -> int:
    if type(value) is not int or not 1 <= value <= LARGEST:
        raise RecordError(f"{name}: a whole number from 1 up was expected, not {_shown(value)}")
    return value


def _shown(value: object) -> str:
    return str(value)[:40] if isinstance(value, str | int | float | bool | None) else type(value).__name__
