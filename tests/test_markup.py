"""No text reaches a screen as markup but what is written in the program: read from its sources, every call."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

UI = Path(__file__).parent.parent / "vae_explorer" / "ui"
SHOWS = {"markdown", "error", "warning", "info", "success", "caption", "toast", "write"}  # read Markdown
SAFE_MODULES = {"say", "text"}  # theirs return Markdown that shows letters, or show it
SAFE = {"markdown", "plain", "lines", "duration"}  # functions that return such, called by their names
NUMBER = re.compile(r"[<>=^+ ]?\d*,?(\.\d+)?[defgn%,]")  # a format that no text takes
WRITES = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|createContextualFragment")

Node = TypeVar("Node", bound=ast.AST)


class Source:
    """One module: says of an expression whether it can hold nothing but the program's own markup."""

    def __init__(self, content: str) -> None:
        self.tree = ast.parse(content)
        self.functions = {each.name: each for each in ast.walk(self.tree) if isinstance(each, ast.FunctionDef)}

    def faults(self) -> Iterator[str]:
        """Yields the calls that show what may come from outside."""
        for function in (self.tree, *self.functions.values()):
            for call in _within(function, ast.Call):
                given = [*call.args[:1], *(each.value for each in call.keywords if each.arg in ("body", None))]
                if _shows(call) and not all(self.safe(each, function) for each in given):
                    yield ast.unparse(call)

    def safe(self, each: ast.expr, at: ast.AST) -> bool:
        match each:
            case ast.Constant():
                return True
            case ast.JoinedStr(values=values):
                return all(self.safe(value, at) for value in values)
            case ast.FormattedValue(value=value, format_spec=spec):
                return self.safe(value, at) or (spec is not None and bool(NUMBER.fullmatch(_written(spec))))
            case ast.IfExp(body=body, orelse=other):
                return self.safe(body, at) and self.safe(other, at)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self.safe(left, at) and self.safe(right, at)
            case ast.BinOp(left=ast.Constant(value=str()), op=ast.Mult()):
                return True
            case ast.Subscript(value=ast.Name(id=name)):
                return name.isupper()
            case ast.Name(id=name):
                return name.isupper() or self._assigned(name, at)
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module))) if module in SAFE_MODULES:
                return True
            case ast.Call(func=ast.Attribute(value=ast.Constant(), attr="join"), args=[joined]):
                return self.safe(joined, at)
            case ast.Call(func=ast.Name(id=name)):
                return name in SAFE or self._returned(name)
        return False

    def _assigned(self, name: str, at: ast.AST) -> bool:
        """Says whether a name has a value in this function, and no other than safe ones."""
        values = []
        for each in _within(at, ast.stmt):
            match each:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    values.append(value)
                case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
                    values.append(value)
        return bool(values) and all(self.safe(value, at) for value in values)

    def _returned(self, name: str) -> bool:
        function = self.functions.get(name)
        if function is None:
            return False
        values = [each.value for each in _within(function, ast.Return) if each.value is not None]
        return bool(values) and all(self.safe(value, function) for value in values)


def _within(function: ast.AST, kind: type[Node]) -> Iterator[Node]:
    """Yields what a function holds, without what functions within it hold."""
    for each in ast.iter_child_nodes(function):
        if isinstance(each, ast.FunctionDef):
            continue
        if isinstance(each, kind):
            yield each
        yield from _within(each, kind)


def _shows(call: ast.Call) -> bool:
    match call.func:
        case ast.Attribute(value=ast.Name(id=module), attr=name):
            return name in SHOWS and module not in SAFE_MODULES
        case ast.Attribute(attr=name):
            return name in SHOWS
    return False


def _written(spec: ast.expr) -> str:
    return "".join(str(part.value) for part in ast.walk(spec) if isinstance(part, ast.Constant))


@pytest.mark.parametrize("path", sorted(UI.rglob("*.py")), ids=lambda path: str(path.relative_to(UI)))
def test_streamlit_is_given_markup_of_ours_alone(path: Path) -> None:
    assert not list(Source(path.read_text(encoding="utf-8")).faults())


def test_scripts_write_no_markup() -> None:
    scripts = sorted(path for path in UI.rglob("*.js") if path.parent.name != "katex")  # a library, as it comes
    assert len(scripts) > 20
    assert not {path.name for path in scripts if WRITES.search(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize(
    ("shown", "fits"),
    [
        ("st.error('words')", True),
        ("st.error(name)", False),
        ("st.error(f'{name} is gone')", False),
        ("st.error(f'{name:>10}')", False),
        ("st.error(f'{name:,} images')", True),
        ("st.error(f'{name:.3g}')", True),
        ("place.caption(str(error))", False),
        ("st.container().markdown(name)", False),
        ("st.error(body=name)", False),
        ("st.error(*name)", False),
        ("say.error(name)", True),
        ("st.warning(say.plain(name))", True),
        ("st.warning('a' + name)", False),
        ("other = 'a'; other += name; st.write(other)", False),
        ("other = 'a'; st.write(other)", True),
        ("st.write(words(name))", False),
    ],
)
def test_the_reader_tells_them_apart(shown: str, fits: bool) -> None:
    source = Source(f"def words(name):\n    return name\n\ndef page(name):\n    {shown}\n")
    assert (not list(source.faults())) == fits
