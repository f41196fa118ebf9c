// What stands in canvas/katex is KaTeX's npm package as it is, and it sets every formula of the course.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import katex from "katex";

const OURS = new URL("../../vae_explorer/ui/canvas/katex/", import.meta.url);
const THEIRS = new URL("node_modules/katex/", import.meta.url);
const SCREENS = new URL("../../vae_explorer/ui/theory/screens/", import.meta.url);

test("each file is the package's", () => {
  const fonts = readdirSync(new URL("fonts/", OURS)).map((name) => `fonts/${name}`);
  assert.equal(fonts.length, 20);
  for (const name of ["katex.min.js", "katex.min.css", ...fonts])
    assert.ok(readFileSync(new URL(name, OURS)).equals(readFileSync(new URL(`dist/${name}`, THEIRS))), name);
  assert.ok(readFileSync(new URL("LICENSE", OURS)).equals(readFileSync(new URL("LICENSE", THEIRS))));
});

/** The TeX of a screen: raw strings within its formula, as Python writes them. */
function texOf(text) {
  const [, formula] = text.match(/^ {4}formula=\(\n([\s\S]*?)^ {4}\),/m);
  const terms = [...formula.matchAll(/Term\(\s*"\w+",\s*(r?)"((?:[^"\\]|\\.)*)"/g)];
  const between = [...formula.matchAll(/^ {8}(r?)"((?:[^"\\]|\\.)*)",$/gm)];
  return [...terms, ...between].map(([, raw, tex]) => (raw ? tex : JSON.parse(`"${tex}"`)));
}

test("every formula of the course is TeX that it sets", () => {
  const names = readdirSync(SCREENS).filter((name) => name.endsWith(".py") && name !== "__init__.py");
  assert.ok(names.length > 0);
  for (const name of names) {
    const found = texOf(readFileSync(new URL(name, SCREENS), "utf8"));
    assert.ok(found.length > 1, name);
    for (const tex of found)
      assert.doesNotThrow(() => katex.renderToString(`\\displaystyle ${tex}`, { throwOnError: true, strict: "error" }), `${name}: ${tex}`);
  }
});
