"""The pages' JavaScript: modules that import each other as a browser would read them, joined to one text."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from vae_explorer.figures import theme
from vae_explorer.jobs import doctor
from vae_explorer.ui import canvas
from vae_explorer.ui.canvas import modules
from vae_explorer.ui.compare import scene as compare
from vae_explorer.ui.explore import scene, state
from vae_explorer.ui.shell import messages

FOLDER = Path(str(canvas.__file__)).parent
NAMES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.js") if path.parent.name != "katex")
OUTERMOST = re.compile(r"^(?:async )?(?:function\*?|class|const|let|var) +(\w+)", re.MULTILINE)


def test_there_are_modules() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_a_module_is_joined_with_all_that_it_imports(name: str) -> None:
    text = modules.joined(name)
    assert not re.search(r"^import ", text, re.MULTILINE)
    assert not re.search(r"^export (?!default )", text, re.MULTILINE)
    twice = [word for word, times in Counter(OUTERMOST.findall(text)).items() if times > 1]
    assert twice == []  # one scope for all
    assert text.count("export default") <= 1
    assert "product.wasm" not in text
    assert not re.search(r"^ *(/\*\*|\*)( |$)", text, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("scatter/")])
def test_the_scatter_plot_knows_nothing_of_autoencoders(name: str) -> None:
    assert [other for other in modules.imports(name) if not other.startswith("scatter/")] == []


def test_each_comes_once_and_after_those_that_it_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "a.js": 'import { b } from "./part/b.js";\nimport {\n  c,\n} from "./c.js";\n\nexport const a = b + c;\n',
        "part/b.js": 'import { c } from "../c.js";\n\nexport const b = 2 * c;\n',
        "c.js": "/**\n * One.\n * @type {number}\n */\nexport const c = /** @type {number} */ (1);\n",
        "d.js": 'import { e } from "./e.js";\nexport const d = 1;\n',
        "e.js": 'import { d } from "./d.js";\nexport const e = 1;\n',
    }
    monkeypatch.setattr(modules, "read", texts.__getitem__)
    lines = [line for line in modules.joined("a.js", "c.js").splitlines() if line]
    assert lines == ["const c = /** @type {number} */ (1);", "const b = 2 * c;", "const a = b + c;"]
    with pytest.raises(modules.ModuleError, match=r"circle: d\.js, e\.js, d\.js"):
        modules.joined("d.js")


@pytest.mark.parametrize(
    ("script", "name", "value"),
    [
        ("strip.js", "MOST_PINS", state.MOST_PINS),
        ("duel/pictures.js", "WALK_FRAMES", compare.WALK),
        ("duel/pictures.js", "SHEET", compare.DRAWS**0.5),
        ("duel/duel_side.js", "SPOT", compare.SPOT),
        ("film/training.js", "PRIOR_RADIUS", scene.PRIOR_RADIUS),
        ("map_layers.js", "LEAST", messages.LEAST),
        ("charts.js", "COLLAPSED", doctor.UNUSED),
        ("legend.js", "MOST_COLOURS", len(theme.CLASSES)),
    ],
)
def test_a_number_that_both_sides_know_is_one_number(script: str, name: str, value: float) -> None:
    found = re.search(rf"^(?:export )?const {name} = ([\d.e-]+);", modules.read(script), re.MULTILINE)
    assert found, f"{script} has no {name}"
    assert float(found[1]) == value
