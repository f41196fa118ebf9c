"""Names in a zip that does not say how they are written: Windows' tools write them in the code page of the country."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

# In the order of preference where two read equally well. UTF-8 is tried before all of them.
PAGES = ("cp437", "cp850", "cp1252", "gbk", "cp866", "cp1251", "cp932", "big5", "cp949", "cp852", "cp1250", "cp1253")
# The first bytes of the common characters of each page: the standards put these first, and rare ones behind.
_COMMON = {"gbk": (0xB0, 0xD7), "cp932": (0x88, 0x97), "big5": (0xA4, 0xC6), "cp949": (0xB0, 0xC8)}
_KANA = (0x81, 0x83)
# Korean's common syllables are, as bytes, three fifths of Chinese's common characters: as many bytes as these fall all
# among them by chance in one of eight Chinese names.
_KOREAN = 8
_MOST = 4_000  # characters that are judged


def decoded(raw: Iterable[bytes]) -> dict[bytes, str]:
    """Returns names by their bytes, all read by the one code page that makes the best words of them."""
    names = set(raw)
    strange = sorted({name for name in names if not name.isascii()})
    page = _page(strange) if strange else "ascii"
    return {name: name.decode(page) for name in names}


def _page(names: list[bytes]) -> str:
    sample = b"\n".join(names[:: max(1, len(names) * 40 // _MOST)])
    if _decode(b"\n".join(names), "utf-8") is not None:
        return "utf-8"
    readable = [page for page in PAGES if _decode(b"\n".join(names), page) is not None]
    oddness = {page: _oddness(sample.decode(page, "replace"), page) for page in readable}  # cp437 reads any bytes
    best = min(readable, key=oddness.__getitem__)
    if best == "gbk" and oddness.get("cp949") == oddness["gbk"] and sum(byte > 127 for byte in sample) >= _KOREAN:
        return "cp949"
    return best


def _decode(names: bytes, page: str) -> str | None:
    try:
        return names.decode(page)
    except UnicodeDecodeError:
        return None


def _oddness(text: str, page: str) -> float:
    """Returns how unlikely a text is to be words: 0 is likely, about 1 for each character that is no letter."""
    text = text[:_MOST]
    pairs = list(zip(" " + text, text, strict=False))
    odd = [_odd(before, each, page) for before, each in pairs if ord(each) > 127]
    return sum(odd) / max(1, len(odd))


def _odd(before: str, each: str, page: str) -> float:
    if not each.isalpha() and unicodedata.category(each) not in ("Mn", "Nd"):
        return 1.0
    if page in _COMMON:
        return _rare(each, page) + 0.5 * (before.isascii() and before.isalpha())
    odd = 0.05  # an ideograph that is common says more than a letter with an accent
    if before.isalpha():
        odd += 0.8 * (each.isupper() and before.islower())
        odd += 0.8 * (_script(before) != _script(each))
        odd += 0.4 * (_script(each) == "LATIN" and ord(before) > 127)  # words with two accents side by side are rare
    return odd


def _rare(each: str, page: str) -> float:
    encoded = each.encode(page)
    if len(encoded) == 1:
        return 0.9  # half-width kana
    low, high = _COMMON[page]
    if low <= encoded[0] <= high and (page != "gbk" or encoded[1] >= 0xA1):
        return 0.02
    return 0.02 if page == "cp932" and _KANA[0] < encoded[0] <= _KANA[1] else 0.6


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0]
