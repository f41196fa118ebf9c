"""All images and own numbers on the real page; Plotly's viridis is the oracle of the colours."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from plotly.colors import sample_colorscale, unlabel_rgb  # type: ignore[import-untyped]

from tests.browser.conftest import Open, Serve
from tests.test_all_images import COUNT, NAME, make
from vae_explorer.figures import theme
from vae_explorer.ui.canvas.modules import joined


@pytest.fixture(scope="module")
def address(serve: Serve, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("bars")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VAE_EXPLORER_DATA", str(folder / "data"))
        make(folder)
    return serve("app.py", folder / "runs", folder / "data")


def test_the_scale_is_viridis_and_missing_numbers_are_grey(browser: Browser) -> None:
    page = browser.new_page()
    source = joined("scatter/raster.js", "tints.js")
    world = {"labels": [0] * 5, "columns": ["x"], "column0": [2.0, 2.5, 3.0, 4.0, None], "colours": ["#000000"]}
    colours = page.evaluate(
        f"""world => {{ {source}
        const [scale, values] = [world.scale.map(packed), world.column0];
        const tints = Object.assign(Object.create(Tints.prototype), {{ world, scale, values, range: [2, 4] }});
        return [...tints.colours("#ffffff")]; }}""",
        {**world, "scale": theme.SCALE},
    )
    channels = np.array([[colour & 255, colour >> 8 & 255, colour >> 16 & 255] for colour in colours])
    wanted = [unlabel_rgb(shade) for shade in sample_colorscale("Viridis", [0.0, 0.25, 0.5, 1.0])]
    assert np.abs(channels[:4] - np.array(wanted)).max() <= 4
    assert len(set(channels[4].tolist())) == 1
    page.close()


def test_pale_is_between_the_colour_and_the_ground(browser: Browser) -> None:
    page = browser.new_page()
    source = joined("scatter/raster.js", "tints.js")
    world = {"labels": [1, 1, 1], "parts": [0, 1, 2], "columns": [], "colours": ["#000000", "#204060"]}
    colours = page.evaluate(
        f"""world => {{ {source}
        const tints = Object.assign(Object.create(Tints.prototype), {{ world, values: null, range: [0, 0] }});
        return [...tints.colours("#ffffff")]; }}""",
        world,
    )
    assert colours[0] == colours[1] == sum(round(0.38 * c + 0.62 * 255) << 8 * k for k, c in enumerate((32, 64, 96)))
    assert colours[2] == 32 | 64 << 8 | 96 << 16
    page.close()


def test_numbers_are_colours_and_the_switch_changes_the_images(open_page: Open, address: str) -> None:
    explorer = open_page(f"model={NAME}&part=all&colour=height&layers=none", address=address)
    page = explorer.page
    place = page.get_by_role("group", name="Colours of the points")
    expect(place).to_contain_text("1")
    expect(place).to_contain_text("8")

    def grey() -> bool:
        return bool((explorer.drawn() == 0x8C).all(-1).any())

    assert not grey()
    place.get_by_label("Colour by").select_option("weight")
    explorer.until(lambda: explorer.query.get("colour") == "weight")
    expect(place).to_contain_text(f"grey: {COUNT // 5} without")
    expect(page.locator(".note")).to_contain_text(".png")
    explorer.until(grey)

    page.get_by_label("Image", exact=True).fill(str(COUNT - 1))
    page.get_by_label("Image", exact=True).press("Enter")
    explorer.until(lambda: explorer.query.get("image") == str(COUNT - 1))
    file = page.locator(".note").inner_text().split("\u00b7")[1].strip()
    page.get_by_text("All images", exact=True).click()
    explorer.until(lambda: "part" not in explorer.query and explorer.query.get("image") != str(COUNT - 1))
    expect(page.locator(".note")).to_have_count(1)  # the map of all images has gone
    expect(page.locator(".note")).to_contain_text(file)
    assert explorer.query["colour"] == "weight"
