"""How long Compare lets one wait: a gap field's first pass and the whole, the classes with the KL weight, the table.

    VAE_EXPLORER_DATA=../shared/data python -m benchmarks.compare

In headless Chromium without a GPU, on the pair that the page opens with. Each field is asked for at KL weights that
nobody has asked for yet, so that nothing comes from a cache: the clock starts with `pointerup` on its button, and stops
with the first frame after which both maps have the first pass (25 x 25), and the whole (100 x 100). The obvious way is
to show the whole alone; the share says how much earlier the first pass is seen.

The classes: the slider is moved through its range in steps, and what the main thread does for each between the event
and the end of the frame's work is timed, all of the map included; beside it the same with no field shown. The table is
read from both sidecars, its digests checked.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

from playwright.sync_api import Page

from benchmarks._server import new_page, open_browser, p95, serve
from vae_explorer.checkpoints import checkpoints, files
from vae_explorer.measured import gap_tables

PAIR = ("mnist-ae-2d", "mnist-vae-2d")
FIELDS = ("Density of codes", "Round trip", "Doubt of", "Distance to", "Change of")
STEPS = 60  # of the slider

WATCH = """
([words, button]) => {
  window.asked = new Promise((done) => {
    let start, first;
    button.addEventListener("pointerup", (event) => (start = event.timeStamp), { once: true, capture: true });
    const look = () => {
      const now = performance.now();
      const text = words.textContent;
      if (start && !first && !text.includes("Computing")) first = now - start;
      if (first && !text.includes("first pass")) done([first, now - start]);
      else requestAnimationFrame(look);
    };
    button.addEventListener("pointerup", () => setTimeout(() => requestAnimationFrame(look), 30), { once: true });
  });
}
"""

SLIDE = """
async ([input, steps]) => {
  const [low, high] = [Number(input.min), Number(input.max)];
  const taken = [];
  for (let k = 0; k < steps; k++) {
    await new Promise(requestAnimationFrame);
    let before;
    requestAnimationFrame(() => (before = performance.now()));
    input.value = String(low + ((high - low) * (k + 0.37)) / steps);
    const start = performance.now();
    input.dispatchEvent(new Event("input", { bubbles: true }));
    const event = performance.now() - start;
    await new Promise((done) => requestAnimationFrame(() => done(taken.push(event + performance.now() - before))));
  }
  return taken;
}
"""


def main() -> None:
    """Prints one line a field, the frames of the classes, and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    started = time.perf_counter()
    for name in PAIR:
        checkpoint = checkpoints.load(files.find(name))
        before = time.perf_counter()
        found = "read" if gap_tables.find(checkpoint) else "is none"
        print(f"table of {name}: {found} in {1000 * (time.perf_counter() - before):.0f} ms")
    with serve() as server, open_browser() as browser:
        page = new_page(browser)
        for field in FIELDS:
            taken = [_ask(page, server.address, field, 0.5 + 0.01 * k) for k in range(rounds)]
            first, whole = zip(*taken, strict=True)
            print(
                f"{field}: first pass {median(first):.0f} ms (worst {max(first):.0f}), whole {median(whole):.0f} ms "
                f"(worst {max(whole):.0f}); the first is seen after {median(first) / median(whole):.2f} of it"
            )
        for words, query in (("classes", "tab=class&field=class"), ("no field", "tab=class&field=none")):
            _open(page, f"{server.address}/compare?{query}")
            page.wait_for_timeout(6000)
            taken = page.evaluate(SLIDE, [page.locator(".weight input").element_handle(), STEPS])
            print(f"KL weight, {words}: {median(taken):.1f} ms a step, p95 {p95(taken):.1f}")
    print(f"in all {time.perf_counter() - started:.0f} s")


def _open(page: Page, address: str) -> None:
    page.goto(address)
    page.locator(".shown .right img[alt^=Decoded]").wait_for(timeout=60_000)
    page.wait_for_timeout(1500)


def _ask(page: Page, url: str, field: str, beta: float) -> tuple[float, float]:
    """Returns the milliseconds to the first pass and to the whole field."""
    _open(page, f"{url}/compare?tab=gaps&field=none&beta={beta:g}")
    page.evaluate(WATCH, [page.locator(each).element_handle() for each in (".tab.gaps p", ".gaps .fields")])
    page.get_by_role("button", name=field).click()
    first, whole = page.evaluate("window.asked")
    return first, whole


if __name__ == "__main__":
    main()
