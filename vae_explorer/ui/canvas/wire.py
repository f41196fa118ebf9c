"""How arrays travel to the browser: a JSON header and raw bytes in one message."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

TYPES = ("float32", "float16", "uint8")  # what wire.js reads


def pack(header: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Returns one message; its header gains `arrays` (where each lies) and `version` (a hash of all).

    Layout: the header's length as a little-endian uint32, the header, then the arrays, each starting
    on a multiple of four bytes, which typed arrays in the browser need.
    """
    blobs = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    if wrong := [name for name, array in blobs.items() if str(array.dtype) not in TYPES]:
        raise TypeError(f"the browser reads {', '.join(TYPES)} only, not {', '.join(wrong)}")
    digest = hashlib.blake2b(json.dumps(header, sort_keys=True).encode(), digest_size=8)
    for array in blobs.values():
        digest.update(array.tobytes())
    offsets = np.cumsum([0, *(_padded(array.nbytes) for array in blobs.values())])
    # Where an array starts depends on the header's length, which depends on where arrays start:
    # so the header is filled up to a length that does not.
    room = _padded(len(json.dumps(header)) + 96 * (len(blobs) + 1))
    places = [
        {"name": name, "type": str(array.dtype), "start": int(4 + room + offset), "count": array.size}
        for (name, array), offset in zip(blobs.items(), offsets, strict=False)
    ]
    text = json.dumps({**header, "version": digest.hexdigest(), "arrays": places}).encode().ljust(room)
    body = (array.tobytes().ljust(_padded(array.nbytes), b"\0") for array in blobs.values())
    return b"".join([struct.pack("<I", room), text, *body])


def addressed(name: str, message: bytes) -> bytes:
    """Returns a message headed by the name of the map that it is for; a component is not told its own key."""
    text = name.encode()
    return struct.pack("<I", len(text)) + text.ljust(_padded(len(text)), b"\0") + message


def _padded(size: int) -> int:
    return -(-size // 4) * 4
