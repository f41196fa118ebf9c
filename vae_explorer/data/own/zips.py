"""A zip of image files: nothing is extracted, and its declarations are checked before anything is read."""

from __future__ import annotations

import itertools
import re
import stat
import struct
from functools import partial
from io import BytesIO
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZIP_STORED, ZipFile, ZipInfo

from vae_explorer.data.images import DataError
from vae_explorer.data.own.code_pages import decoded
from vae_explorer.data.own.members import Member, by_systems, flaw, tidy
from vae_explorer.data.own.pictures import BROKEN
from vae_explorer.data.own.stacks import MOST

MOST_UNPACKED = 8 * 2**30  # bytes of all files
_CENTRAL = b"PK\x01\x02"  # begins each entry of the list of contents
_END = b"PK\x05\x06"  # begins what stands behind the list
_SPLIT = (b"PK\x07\x08", b"PK00PK")  # begins the first piece of a zip in pieces
_LOCAL = 30  # bytes before a file's name, where it is stored
_ENCRYPTED, _UTF8 = 0x1, 0x800
_UNICODE_PATH = 0x7075  # the extra field that holds a name in UTF-8
_METHODS = {
    1: "Shrink",
    6: "Implode",
    9: "Deflate64, as Windows does with large files",
    93: "Zstandard",
    95: "XZ",
    96: "JPEG",
    97: "WavPack",
    98: "PPMd",
    99: "AES encryption",
}


def open_zip(content: bytes) -> ZipFile:
    """Opens a zip whose declarations are within bounds.

    Raises:
        DataError: If they are not, or it is no zip, or a piece of one.
    """
    # The list of contents is parsed at once, 1 KB a file in memory: so it is counted before.
    if content.count(_CENTRAL) > MOST:
        raise DataError(
            f"The zip holds more than {MOST:,} files. Make a smaller one, for instance of every tenth image."
        )
    _demand_whole(content)
    try:
        archive = ZipFile(BytesIO(content))
    except BROKEN as error:
        raise DataError(f"The zip is damaged or cut off ({error}). Make it again, and upload that.") from error
    unpacked = sum(info.file_size for info in archive.infolist())
    if unpacked > MOST_UNPACKED:
        raise DataError(
            f"The zip would unpack to {unpacked / 2**30:,.0f} GB, and {MOST_UNPACKED / 2**30:.0f} GB are read at most. "
            "Save the images smaller (64 x 64 pixels are all that is used), and upload those."
        )
    return archive


def members(archive: ZipFile) -> list[Member]:
    """Returns the files in a zip that a user may have put there, in its order."""
    names, overlapping = _names(archive), _overlapping(archive)
    found = []
    for info, name in zip(archive.infolist(), names, strict=True):
        inside = name.replace("\\", "/")
        path = tidy(inside)
        if inside.endswith("/") or by_systems(path):
            continue
        over = "lies over another file, as in a zip made to keep a computer busy: make it again"
        refused = _harm(info, inside) or flaw(path) or (over if info.header_offset in overlapping else None)
        found.append(Member(name if refused else path, info.file_size, partial(archive.open, info), refused))
    return found


def _demand_whole(content: bytes) -> None:
    at = content.rfind(_END)
    disk = struct.unpack_from("<H", content, at + 4)[0] if 0 <= at <= len(content) - 22 else 0
    if content.startswith(_SPLIT) or disk not in (0, 0xFFFF):
        raise DataError("This is one piece of a zip in several. Make one zip of the images, and upload that.")


def _overlapping(archive: ZipFile) -> set[int]:
    """Returns where those files begin that reach into the next one: each byte would be read many times over."""
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    return {
        info.header_offset
        for info, after in itertools.pairwise(infos)
        if info.header_offset + _LOCAL + len(info.orig_filename) + info.compress_size > after.header_offset
    }


def _names(archive: ZipFile) -> list[str]:
    """Returns the names of all files, in the code page that they were most likely written in."""
    raw = {
        info.orig_filename: info.orig_filename.encode("cp437")
        for info in archive.infolist()
        if not info.flag_bits & _UTF8
    }
    known = decoded(raw.values())
    return [
        _own_name(info) or (info.orig_filename if info.flag_bits & _UTF8 else known[raw[info.orig_filename]])
        for info in archive.infolist()
    ]


def _own_name(info: ZipInfo) -> str | None:
    """Returns a name from the extra field that holds it in UTF-8."""
    at = 0
    while at + 4 <= len(info.extra):
        kind, size = struct.unpack_from("<HH", info.extra, at)
        if kind == _UNICODE_PATH and size > 5:
            try:
                return info.extra[at + 9 : at + 4 + size].decode("utf-8")
            except UnicodeDecodeError:
                return None
        at += 4 + size
    return None


def _harm(info: ZipInfo, path: str) -> str | None:
    """Returns what no honest zip of images holds, or what cannot be read."""
    if path.startswith("/") or re.match("[A-Za-z]:/", path):
        return "an absolute path: use paths inside the zip"
    if ".." in path.split("/"):
        return "a path that climbs out of the zip: use paths inside it"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link: put the image itself into the zip"
    if info.flag_bits & _ENCRYPTED:
        return "encrypted: make the zip without a password"
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2, ZIP_LZMA):
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return f"packed by {method}, which cannot be read here: make the zip with Deflate, the usual method"
    return None
