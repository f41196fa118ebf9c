"""Text from outside, made safe for the place where it is shown: names, reasons and links never become anything else.

A name in a checkpoint, a file in a zip, a class, a link's parameter: each may hold markup, formulas or a megabyte.
They are kept as they are, and pass here on their way out.
"""

from __future__ import annotations

import csv
import html as _html
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence

MOST = 80  # characters of one name on the screen
# What Markdown reads anywhere; an underscore within a word means nothing to it.
_ANYWHERE = re.compile(r"[\\`*\[\]<>$~|&{}]|(?<![^\W_])_|_(?![^\W_])")
_FIRST = re.compile(r"^(?:[-+=#:]|\d{1,9}(?=[.)]))")  # what begins a list, a head or a line below a head
# Where a word joiner (U+2060) stops what is looked for in the text itself: addresses, icons, emoji, arrows and dashes.
_JOINED = re.compile(r"(?i)(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=:)(?=[\w+-])|(?<=[-<>~=])(?=[->=])")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what a spreadsheet runs, or reads past


def shown(text: str, most: int = MOST) -> str:
    """Returns text as one printable line of at most so many characters, its middle left out where it is longer.

    Controls, lone surrogates and marks of direction, which reorder what stands beside them, are dropped. Both ends
    are kept, since names from one source differ there.

    Arguments:
        text: Anything.
        most: Characters, 3 at least.
    """
    bounded = text if len(text) <= 16 * most else text[: 8 * most] + "…" + text[-8 * most :]
    spaced = " ".join("".join(c if c.isprintable() or c.isspace() else "" for c in bounded).split())
    line = unicodedata.normalize("NFC", spaced)
    if len(line) <= most:
        return line
    head = most // 2
    return line[:head] + "…" + line[len(line) - (most - head - 1) :]


def markdown(text: str, most: int = MOST) -> str:
    r"""Returns text that Streamlit's Markdown shows letter by letter: no link, image, formula, colour, icon or HTML.

    CommonMark shows any ASCII punctuation after a backslash as itself (section 2.4). Bare addresses, icons and emoji
    are looked for after that, so they get an invisible joiner.
    """
    line = _ANYWHERE.sub(r"\\\g<0>", _JOINED.sub("\u2060", shown(text, most)))
    return _FIRST.sub(lambda first: f"{first[0]}\\" if first[0].isdigit() else f"\\{first[0]}", line)


def html(text: str, most: int = MOST) -> str:
    """Returns text for HTML and SVG, in elements and in attributes."""
    return _html.escape(shown(text, most))


def file_name(text: str, most: int = MOST) -> str:
    """Returns text as a part of a file's name that any system takes: letters, digits, dots, dashes and underscores."""
    return re.sub(r"[^\w.-]+", "-", shown(text, most)).strip(".-") or "unnamed"


def csv_file(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Returns a table as a CSV file (RFC 4180) that spreadsheets read as UTF-8 and that runs nothing in them.

    A text that begins like a formula gets an apostrophe before it, as OWASP recommends; numbers stay numbers.
    """
    out = io.StringIO(newline="")
    out.write("\ufeff")
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_guarded(cell) for cell in row] for row in rows)
    return out.getvalue()


def _guarded(cell: object) -> object:
    if not isinstance(cell, str):
        return cell
    plain = cell.encode("utf-8", "replace").decode()  # a lone surrogate cannot be written
    return f"'{plain}" if plain.lstrip(" ").startswith(_FORMULA) else plain
