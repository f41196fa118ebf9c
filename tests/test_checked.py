"""JSON from outside: each kind of mistake in words that name the field, and nothing but Misfit is ever raised."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any, Literal, NamedTuple

import pytest

from benchmarks._mutations import HOSTILE
from vae_explorer.checked import Count, Finite, Misfit, NotNegative, convert, loads


class Pair(NamedTuple):
    value: Finite
    error: NotNegative


NOTHING = Pair(0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str
    many: Count = 1


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: tuple[Inner, ...]
    kind: Literal["one", "two"] = "one"
    flag: bool = False
    loss: float | None = None
    pair: Pair = NOTHING
    by_name: dict[str, Pair] | None = None

    def __post_init__(self) -> None:
        if self.kind == "two" and not self.flag:
            raise ValueError("flag: two need it - at `$.nowhere`")


def test_what_fits_becomes_the_type_and_whole_numbers_become_floats() -> None:
    text = (
        '{"inner": [{"name": "a"}, {"name": "b", "many": 3}], "loss": 2, "pair": [1, 0], "by_name": {"x": [-1.5, 2]}}'
    )
    made = loads(text, Outer)
    assert made == Outer(
        inner=(Inner(name="a"), Inner(name="b", many=3)), loss=2.0, pair=Pair(1.0, 0.0), by_name={"x": Pair(-1.5, 2.0)}
    )
    assert type(made.loss) is type(made.pair.value) is float
    assert loads(text.encode(), Outer) == made
    assert loads('{"inner": [], "loss": Infinity}', Outer).loss == float("inf"), "a file of before may say so"
    assert loads('["\\ud800"]', tuple[str, ...]) == ("\ud800",), "half a character, as names of files have it"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "the field inner is missing"),
        ([], "expected an object, got a list"),
        (None, "expected an object, got nothing"),
        ({"inner": {}}, "inner: expected a list, got an object"),
        ({"inner": [{"name": 3}]}, r"inner\[0\]\.name: expected text, got a whole number"),
        ({"inner": [{}]}, r"inner\[0\]: the field name is missing"),
        ({"inner": [{"name": "a", "many": True}]}, r"inner\[0\]\.many: expected a whole number, got yes or no"),
        ({"inner": [{"name": "a", "many": 1.5}]}, r"inner\[0\]\.many: expected a whole number, got a number"),
        ({"inner": [{"name": "a", "many": 0}]}, r"inner\[0\]\.many: expected a whole number from 1 up$"),
        (
            {"inner": [{"name": "a", "many": 2**53}]},
            r"inner\[0\]\.many: expected a whole number up to 9007199254740991$",
        ),
        ({"inner": [], "kind": "three"}, "kind: 'three' is not among the known values"),
        ({"inner": [], "loss": "1"}, "loss: expected a number or nothing, got text"),
        ({"inner": [], "flag": 1}, "flag: expected yes or no, got a whole number"),
        ({"inner": [], "loss": 10**400}, "loss: expected a number that a float holds"),
        ({"inner": [], "pair": [float("nan"), 0]}, r"pair\[0\]: expected a finite number"),
        ({"inner": [], "pair": [2.0**53, 0]}, r"pair\[0\]: expected a finite number"),
        ({"inner": [], "pair": [0, -1]}, r"pair\[1\]: expected a number from 0.0 up"),
        ({"inner": [], "pair": [0]}, "pair: expected a list of length 2, got 1"),
        ({"inner": [], "by_name": {"x": [float("inf"), 0]}}, "by_name: expected a finite number"),
        ({"inner": [], "kind": "two"}, "^flag: two need it - at `.*nowhere`$"),
        ({"inner": [], "colour": 1, "age": 2}, "nobody knows the fields age, colour"),
        ({"inner": [{"name": "a"}, {"name": "b", "age": 1}]}, "nobody knows the fields age"),
        ({"inner": [], "kind": "\ud800"}, "half a character"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(values: Any, message: str) -> None:
    with pytest.raises(Misfit, match=message):
        convert(values, Outer)


def test_a_field_that_nobody_knows_may_be_let_pass() -> None:
    assert convert({"inner": [{"name": "a", "age": 1}], "x": 2}, Outer, open_ended=True) == Outer(
        inner=(Inner(name="a"),)
    )


@pytest.mark.parametrize("text", ["", "{", "[1] 2", "1" * 5000, "[" * 100_000, b"\xff", '{"a": nan}'])
def test_what_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(Misfit, match=r"^no JSON: "):
        loads(text, Outer)


def test_hostile_values_in_any_place_raise_nothing_else_and_messages_stay_short() -> None:
    text = (
        '{"inner": [{"name": "a", "many": 2}], "kind": "one", "flag": true, "loss": 1.5, "pair": [1, 2], "by_name": {}}'
    )
    random = Random(0)
    places = [text.index(each) for each in ("[{", '"a"', "2}", '"one"', "true", "1.5", "[1", "1, 2", "{}")]
    messages = []
    for hostile in HOSTILE:
        for place in places:
            end = place + random.choice((1, 2, 4))
            for changed in (text[:place] + hostile + text[end:], text[:place] + hostile + ", " + text[place:]):
                try:
                    loads(changed, Outer)
                except Misfit as error:
                    messages.append(str(error))
    assert len(messages) > 500
    assert max(map(len, messages)) <= 300
    assert loads(text, Outer).loss == 1.5
