"""Text from outside, against the standard's own readers: HTML's parser, Python's csv, CommonMark's renderer."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from vae_explorer import text

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    '"><script>alert(1)</script>',
    "![x](http://example.invalid/x.png)",
    "[link](javascript:alert(1))",
    "https://example.invalid/x",
    "www.example.invalid",
    "a@example.invalid",
    "$ * _ ` # ~~x~~ :red[x] :material/home: <b> &amp; 1. - +",
    "# head",
    "1. item",
    "| a | b |",
    "    code",
    "=1+1",
    "@SUM(1)",
    "\u202egnp.exe",
    "\ud800 alone",
    "e\u0301",
    "a\nb\r\tc\x00",
    "--- \\ ***",
    "=== x",
    "+ x",
    "1) x",
    "___ a_b_c _d_ __e__ f_",
    ":smile: :+1: :100: :red-background[x] :blue-badge[x] :streamlit:",
    "-> <- <-> -- >= <= ~= a->b",
    "`code` ``x`` ![",
    "![a][b] [^1] [x]: http://example.invalid",
    "HTTP://EXAMPLE.INVALID WWW.EXAMPLE.INVALID mailto:a@example.invalid",
    "{.x} :abbr[x]{title=y} ::x ::: note",
    "&copy; &#60;b&#62; \\<b\\>",
]


class Collected(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.data += data


@pytest.mark.parametrize("hostile", HOSTILE)
def test_html_shows_the_text_and_makes_no_element(hostile: str) -> None:
    page = Collected(text.html(hostile))
    assert page.tags == []
    assert page.data == text.shown(hostile)
    assert not set("<>\"'") & set(text.html(hostile))


@given(st.one_of(st.sampled_from(HOSTILE), st.text(max_size=120)))
def test_markdown_is_shown_letter_by_letter(hostile: str) -> None:
    # Streamlit renders GitHub's Markdown: tables, strike-through and bare addresses besides CommonMark.
    reader = MarkdownIt("gfm-like")
    assert reader.linkify
    reader.linkify.set({"fuzzy_link": False})  # example.invalid alone is no address to GitHub
    page = Collected(reader.render(text.markdown(hostile)))
    assert set(page.tags) <= {"p"}
    assert page.data.strip().replace("\u2060", "") == text.shown(hostile).replace("\u2060", "")
    # What GitHub and Streamlit look for in the text itself: addresses, icons and emoji.
    assert not re.search(r"(?i)(https?:|mailto:|xmpp:)/?/?\w|www\.|@\w|:[\w+-]+[:[/]", page.data)


@given(st.text("abc XYZ019.,;()!?'\"/%éß日", max_size=60))
def test_plain_words_stay_as_they_are(plain: str) -> None:
    assert text.markdown(f"x{plain}") == text.shown(f"x{plain}")


@given(st.text(max_size=400), st.integers(3, 90))
def test_shown_is_one_printable_line_of_bounded_length(hostile: str, most: int) -> None:
    line = text.shown(hostile, most)
    assert len(line) <= most
    assert line == "" or (line.isprintable() and line == line.strip())


def test_twenty_megabytes_cost_no_more_than_what_is_shown() -> None:
    assert text.shown("x" * 20_000_000, 9) == "xxxx…xxxx"
    assert text.shown("first " + "x" * 100 + " last", 20).startswith("first")
    assert text.shown("first " + "x" * 100 + " last", 20).endswith("last")


def test_both_forms_of_a_letter_are_one() -> None:
    assert text.shown("e\u0301") == text.shown("\u00e9")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_csv_file_gives_back_the_text_and_no_formula(hostile: str) -> None:
    file = text.csv_file(["name", "value"], [[hostile, -1.5], ['a "quoted", b', 2]])
    assert file.encode("utf-8").startswith(b"\xef\xbb\xbf")
    head, first, second = csv.reader(io.StringIO(file.removeprefix("\ufeff"), newline=""))
    assert (head, second) == (["name", "value"], ['a "quoted", b', "2"])
    assert first[1] == "-1.5"
    assert first[0].removeprefix("'") == hostile.replace("\ud800", "?")
    assert not first[0].lstrip().startswith(("=", "+", "-", "@"))
