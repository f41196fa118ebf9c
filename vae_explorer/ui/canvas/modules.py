"""JavaScript modules joined to one text, which serves a component, a notebook and a single file alike: no build step.

A component's files are found only in some installations, their text in all. Modules import each other by relative
addresses, as a browser would read them; joining puts each after those that it imports, and takes imports, exports and
JSDoc away: types, which every message would carry. So all share one scope: names of the outermost level differ
(`tests/test_modules.py`).
"""

from __future__ import annotations

import base64
import re
from functools import cache
from importlib.resources import files
from posixpath import dirname, join, normpath

_IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
_DOC = re.compile(r"^ */\*\*(?:(?!\*/).)*\*/\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?!default )", re.MULTILINE)


class ModuleError(Exception):
    """Modules that import each other in a circle, or an import that is none of ours."""


@cache
def read(name: str) -> str:
    """Returns a file of the canvas."""
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def imports(name: str) -> list[str]:
    """Returns the modules that one imports, as names of files of the canvas."""
    return [normpath(join(dirname(name), address)) for address in _IMPORT.findall(read(name))]


def joined(*names: str) -> str:
    """Returns these modules with all that they import as one text, each of them once.

    Raises:
        ModuleError: If modules import each other in a circle.
    """
    done: dict[str, str] = {}

    def add(name: str, path: tuple[str, ...]) -> None:
        if name in done:
            return
        if name in path:
            raise ModuleError(f"These import each other in a circle: {', '.join([*path, name])}.")
        for other in imports(name):
            add(other, (*path, name))
        done[name] = _EXPORT.sub("", _DOC.sub("", _IMPORT.sub("", read(name))))

    for name in names:
        add(name, ())
    # The bytes of the product stand in the place of its file's name.
    product = base64.b64encode(files(__package__).joinpath("product.wasm").read_bytes()).decode()
    return "\n".join(done.values()).replace('"product.wasm"', f'"{product}"')
