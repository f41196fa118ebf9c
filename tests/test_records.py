"""What the files of a run may say: each bound is held, in words that name the field, and old files are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from vae_explorer.checked import Misfit, convert
from vae_explorer.config import WIDEST, ModelConfig, TrainingConfig
from vae_explorer.jobs.records import LONGEST, Order, Record, Rung, Status, Wished, Word

Change = Callable[[dict[str, Any]], Any]


def record(number: int, **changes: Any) -> Record:
    rest = {"rate": 4.0, "validation_distortion": 21.0, "validation_rate": 4.5, "validation_objective": 25.5}
    times = {"images_per_second": 900.0, "seconds": 2.0, "seconds_left": 8.0}
    return Record(**{"number": number, "distortion": 20.0, **rest, **times, "axis_rate": (1.5, 2.5), **changes})


STATUS = Status(
    state="done",
    message="all is well",
    since=1.7e9,
    records=(record(1, rate=None, axis_rate=None), record(2), record(5, explained=0.75)),
    pca=0.5,
    ladder=(Rung(beta=0.1, distortion=19.0, rate=9.0), Rung(beta=1.0, distortion=21.0, rate=4.0)),
)
MODEL = ModelConfig(kind="vae", data="digits", shape=(8, 8))
ORDER = Order(model=MODEL, training=TrainingConfig(epochs=3), command="train --name x", out="/tmp/x.safetensors")


def written(value: Status | Order) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(value)))
    return values


def test_what_was_written_is_read() -> None:
    assert convert(written(STATUS), Status) == STATUS
    assert convert(written(ORDER), Order) == ORDER
    assert list(written(STATUS)) == ["state", "message", "cause", "since", "records", "pca", "linear", "ladder"]


def test_files_of_before_are_read_and_whole_numbers_are_numbers() -> None:
    values = written(STATUS)
    for name in ("message", "cause", "since", "pca", "linear", "ladder"):
        del values[name]
    for each in values["records"]:
        del each["objective"], each["axis_rate"], each["explained"]
        each["distortion"] = 20
    found = convert(values, Status)
    assert [each.number for each in found.records] == [1, 2, 5]
    assert type(found.records[0].distortion) is float
    assert (found.records[1].axis_rate, found.pca, found.ladder, found.since) == (None, None, (), 0.0)
    old = written(ORDER)
    del old["out"], old["training"]["focus"]
    assert convert(old, Order).out is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("records"), "the field records is missing"),
        (lambda v: v.pop("state"), "the field state is missing"),
        (lambda v: v.update(mood="good"), "nobody knows the fields mood"),
        (lambda v: v["records"][1].update(mood="good"), "nobody knows the fields mood"),
        (lambda v: v["ladder"][1].update(mood="good"), "nobody knows the fields mood"),
        (lambda v: v.update(state="happy"), "state: 'happy' is not among"),
        (lambda v: v.update(message="x" * (LONGEST + 1)), "message: expected text of length up to 10000"),
        (lambda v: v.update(cause=None), "cause: expected text"),
        (lambda v: v.update(since=1e13), "since: expected a number up to"),
        (lambda v: v.update(since=float("nan")), "since: expected a number"),
        (lambda v: v.update(records=[v["records"][0]] * 2), "the epochs do not rise"),
        (lambda v: v["records"].reverse(), "the epochs do not rise"),
        (lambda v: v["records"][0].update(number=0), r"records\[0\]\.number: expected a whole number from 1 up"),
        (lambda v: v["records"][2].update(number=10**13), r"records\[2\]\.number: expected a whole number up to"),
        (lambda v: v["records"][0].update(number=1.0), r"records\[0\]\.number: expected a whole number, got a number"),
        (
            lambda v: v["records"][0].update(number=True),
            r"records\[0\]\.number: expected a whole number, got yes or no",
        ),
        (lambda v: v["records"][0].update(distortion=float("inf")), r"records\[0\]\.distortion: expected a number"),
        (lambda v: v["records"][0].update(distortion=-1e40), r"records\[0\]\.distortion: expected a number"),
        (
            lambda v: v["records"][0].update(distortion=None),
            r"records\[0\]\.distortion: expected a number, got nothing",
        ),
        (lambda v: v["records"][0].update(rate="4"), r"records\[0\]\.rate: expected a number or nothing"),
        (lambda v: v["records"][0].update(rate=float("nan")), r"records\[0\]\.rate: expected a number"),
        (lambda v: v["records"][0].update(seconds=1e13), r"records\[0\]\.seconds: expected a number up to"),
        (lambda v: v["records"][1].update(axis_rate=[1.0, float("inf")]), r"records\[1\]\.axis_rate\[1\]: expected"),
        (
            lambda v: v["records"][1].update(axis_rate=[0.0] * (WIDEST + 1)),
            r"records\[1\]\.axis_rate: expected a list of",
        ),
        (lambda v: v["records"][1].update(axis_rate=[1.0]), "not all of one number of axes"),
        (lambda v: v.update(pca=1e40), "pca: expected a number"),
        (lambda v: v.update(ladder=v["ladder"] * 501), "ladder: expected a list of length up to 1000"),
        (lambda v: v["ladder"][0].pop("beta"), r"ladder\[0\]: the field beta is missing"),
    ],
)
def test_a_status_that_makes_no_sense_is_refused_by_name(change: Change, message: str) -> None:
    values = written(STATUS)
    change(values)
    with pytest.raises(Misfit, match=message):
        convert(values, Status)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v.pop("command"), "the field command is missing"),
        (lambda v: v.update(command="x" * (LONGEST + 1)), "command: expected text of length up to"),
        (lambda v: v.update(out=3), "out: expected text or nothing"),
        (lambda v: v.update(queue=3), "nobody knows the fields queue"),
        (lambda v: v["model"].update(colour=3), "nobody knows the fields colour"),
        (lambda v: v["model"].update(latent=0), "latent must be at least 1"),
        (lambda v: v["training"].update(epochs="3"), r"training\.epochs: expected a whole number"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_by_name(change: Change, message: str) -> None:
    values = written(ORDER)
    change(values)
    with pytest.raises(Misfit, match=message):
        convert(values, Order)


def test_a_wish_is_one_of_three_and_a_word_has_a_message() -> None:
    assert convert({"wish": "pause"}, Wished).wish == "pause"
    assert convert({"message": "the disk is full"}, Word).cause == ""
    for values in ({}, {"wish": "dance"}, {"wish": None}, {"wish": ["run"]}):
        with pytest.raises(Misfit):
            convert(values, Wished)
    for odd in ({}, {"message": 3}, {"message": "x" * (LONGEST + 1)}):
        with pytest.raises(Misfit):
            convert(odd, Word)
