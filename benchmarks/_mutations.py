"""Damage and lies for files: each kind takes a file's content and returns another, by a seeded random generator.

A kind that cannot be applied to a content (no header, no JSON) flips bits instead, so any content may be given.
`BYTES` suit every file, `JSON` those that are one JSON text, `CHECKPOINT` a safetensors file of ours.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

Mutate = Callable[[bytes, Random], bytes]


class Mutant(NamedTuple):
    """A damaged file, and how it is made again: by the same kinds, count and seed."""

    number: int
    kind: str
    content: bytes


def mutants(content: bytes, kinds: Mapping[str, Mutate], count: int, seed: int) -> Iterator[Mutant]:
    """Yields so many mutants, the kinds in turn; each depends on the seed and its number alone."""
    names = sorted(kinds)
    for number in range(count):
        kind = names[number % len(names)]
        yield Mutant(number, kind, kinds[kind](content, Random(f"{seed}/{number}")))


def flipped(content: bytes, random: Random) -> bytes:
    """Flips one bit, or up to eight."""
    changed = bytearray(content or b"\0")
    for _ in range(random.choice((1, 1, 1, 2, 8))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _truncated(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def _extended(content: bytes, random: Random) -> bytes:
    return content + random.choice((b"\0", b"}", content, random.randbytes(random.randrange(1, 200))))


def _overwritten(content: bytes, random: Random) -> bytes:
    """Zeros, ones, noise or a stretch from elsewhere: what a disk or a copy may leave."""
    length = random.randrange(1, 1 + max(1, len(content) // 4))
    at, other = (random.randrange(max(1, len(content) - length)) for _ in range(2))
    fill = random.choice((bytes(length), b"\xff" * length, random.randbytes(length), content[other : other + length]))
    return content[:at] + fill + content[at + len(fill) :]


def _cut_out(content: bytes, random: Random) -> bytes:
    at = random.randrange(len(content))
    return content[:at] + content[at + random.randrange(1, 64) :]


BYTES: dict[str, Mutate] = {
    "bits": flipped,
    "cut off": _truncated,
    "longer": _extended,
    "overwritten": _overwritten,
    "cut out": _cut_out,
}

# What stands in a JSON text in the place of a value. Tokens, and not values: Python writes no duplicated keys.
HOSTILE = (
    *("null", "true", "false", "0", "-0.0", "1", "-1", "2", "0.5", "1e-320", "1e308", "1e400", "-1e999", "9" * 400),
    *(
        "9" * 5000,
        "NaN",
        "Infinity",
        "-Infinity",
        "9007199254740993",
        "2147483648",
        '""',
        '"1"',
        '"x"',
        '"' + "x" * 9999,
    ),
    *('"\\ud800"', '"\\u0000"', '"\\u202e\\u2066"', '"\U0001f4a5"', '"<img src=x onerror=alert(1)>"', '"=1+1"', "[]"),
    *("{}", "[[]]", '{"a": 1}', "[1, 2]", "[28, 28]", "[8, 8, 3]", "[-1, -1]", "[1e9, 1e9]", "[" * 2000 + "]" * 2000),
    *(
        "[" * 100_000,
        '"vae"',
        '"autoencoder"',
        '"multi-rate"',
        '"gaussian"',
        '"continuous-bernoulli"',
        '"mnist"',
        '"F64"',
    ),
)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[\[\]{}:,]')
_KEY = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:')


def _token_replaced(text: str, random: Random) -> str:
    """Puts something hostile in the place of a token, a bracket or a comma too."""
    return _replaced(_TOKEN, text, random, lambda _: random.choice(HOSTILE))


def _number_changed(text: str, random: Random) -> str:
    """Changes one digit of a number: what nobody sees."""
    return _replaced(re.compile(r"\d"), text, random, lambda found: str((int(found) + random.randrange(1, 10)) % 10))


def _key_doubled(text: str, random: Random) -> str:
    """Says a key twice, with another value before or after it."""
    return _replaced(_KEY, text, random, lambda key: f"{key} {random.choice(HOSTILE)}, {key}")


def _key_renamed(text: str, random: Random) -> str:
    return _replaced(_KEY, text, random, lambda key: random.choice((f'"x{key[1:]}', f"{key[:-2]} {key[-2:]}", '"": ')))


def _value_dropped(text: str, random: Random) -> str:
    """Removes a key with what follows, up to the next comma."""
    return _replaced(re.compile(r'"[^"]*"\s*:[^,]*,'), text, random, lambda _: "")


def _letter_changed(text: str, random: Random) -> str:
    odd = ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), "\u0301", "\u202e", "A", "_", "\\", '"')
    return _replaced(re.compile(r"[A-Za-z]"), text, random, lambda _: random.choice(odd))


def _replaced(pattern: re.Pattern[str], text: str, random: Random, change: Callable[[str], str]) -> str:
    places = list(pattern.finditer(text))
    if not places:
        return text + random.choice(HOSTILE)
    place = random.choice(places)
    return text[: place.start()] + change(place.group()) + text[place.end() :]


TEXTS: dict[str, Callable[[str, Random], str]] = {
    "other value": _token_replaced,
    "other digit": _number_changed,
    "key twice": _key_doubled,
    "other key": _key_renamed,
    "dropped": _value_dropped,
    "other letter": _letter_changed,
}


def _whole(change: Callable[[str, Random], str]) -> Mutate:
    """Applies a change to a file that is one text."""

    def mutate(content: bytes, random: Random) -> bytes:
        return change(content.decode("utf-8", "surrogateescape"), random).encode("utf-8", "surrogatepass")

    return mutate


JSON: dict[str, Mutate] = BYTES | {name: _whole(change) for name, change in TEXTS.items()}


def _parts(content: bytes) -> tuple[str, bytes] | None:
    """Returns a safetensors file's header and what follows it."""
    if len(content) < 8:
        return None
    (length,) = struct.unpack("<Q", content[:8])
    try:
        return content[8 : 8 + length].decode(), content[8 + length :]
    except (UnicodeDecodeError, OverflowError):
        return None


def _joined(header: str, data: bytes) -> bytes:
    encoded = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(encoded)) + encoded + data


def _in_header(change: Callable[[str, Random], str]) -> Mutate:
    """Applies a change to the header, whose length is then stated as it is."""

    def mutate(content: bytes, random: Random) -> bytes:
        parts = _parts(content)
        return flipped(content, random) if parts is None else _joined(change(parts[0], random), parts[1])

    return mutate


def _in_text(name: str, change: Callable[[str, Random], str]) -> Mutate:
    """Applies a change to the JSON text that one of the header's entries holds."""

    def mutate(content: bytes, random: Random) -> bytes:
        parts = _parts(content)
        if parts is None:
            return flipped(content, random)
        header = json.loads(parts[0])
        header["__metadata__"][name] = change(header["__metadata__"][name], random)
        return _joined(json.dumps(header), parts[1])

    return mutate


def _in_tensors(change: Callable[[dict[str, Any], Random], None]) -> Mutate:
    """Lies about one tensor, while its bits stay."""

    def mutate(content: bytes, random: Random) -> bytes:
        parts = _parts(content)
        if parts is None:
            return flipped(content, random)
        header = json.loads(parts[0])
        change(header[random.choice([name for name in sorted(header) if name != "__metadata__"])], random)
        return _joined(json.dumps(header), parts[1])

    return mutate


def _other_type(tensor: dict[str, Any], random: Random) -> None:
    tensor["dtype"] = random.choice(
        ("F64", "F16", "BF16", "I32", "U32", "I8", "BOOL", "F8_E4M3", "C64", "", "Q9", None)
    )


def _other_shape(tensor: dict[str, Any], random: Random) -> None:
    shape = tensor["shape"]
    tensor["shape"] = random.choice(
        (shape[::-1], [*shape, 1], [1, *shape], shape[:-1], [2**40], [-1], [0], [2**63], "x")
    )


def _other_place(tensor: dict[str, Any], random: Random) -> None:
    start, stop = tensor["data_offsets"]
    tensor["data_offsets"] = random.choice(
        ([start + 4, stop + 4], [stop, start], [0, stop - start], [start, 2**60], [start, stop - 1], [-4, 0], [])
    )


def _special_floats(content: bytes, random: Random) -> bytes:
    """Puts floats into the data that arithmetic does not survive, or that are only large."""
    parts = _parts(content)
    if parts is None or len(parts[1]) < 4:
        return flipped(content, random)
    header, data = parts[0], bytearray(parts[1])
    for _ in range(random.choice((1, 1, 4, 64))):
        value = random.choice((float("nan"), float("inf"), float("-inf"), 3e38, -3e38, 1e30, 1e-45, -0.0))
        struct.pack_into("<f", data, 4 * random.randrange(len(data) // 4), value)
    return _joined(header, bytes(data))


def _data_flipped(content: bytes, random: Random) -> bytes:
    parts = _parts(content)
    return flipped(content, random) if parts is None else _joined(parts[0], flipped(parts[1], random))


def _header_flipped(content: bytes, random: Random) -> bytes:
    parts = _parts(content)
    return flipped(content, random) if parts is None else content[:8] + flipped(parts[0].encode(), random) + parts[1]


def _length_changed(content: bytes, random: Random) -> bytes:
    length = random.choice((0, 1, len(content), 2**31, 2**63, 2**64 - 1, random.randrange(len(content) + 9)))
    return struct.pack("<Q", length) + content[8:]


CHECKPOINT: dict[str, Mutate] = {
    **BYTES,
    **{f"header: {name}": _in_header(change) for name, change in TEXTS.items()},
    **{
        f"{part}: {name}": _in_text(part, change) for part in ("config", "provenance") for name, change in TEXTS.items()
    },
    "format: other letters": _in_text("format", _number_changed),
    "digest: other letters": _in_text("digest", _number_changed),
    "header: bits": _header_flipped,
    "header: length": _length_changed,
    "tensor: type": _in_tensors(_other_type),
    "tensor: shape": _in_tensors(_other_shape),
    "tensor: place": _in_tensors(_other_place),
    "weights: bits": _data_flipped,
    "weights: special floats": _special_floats,
}
