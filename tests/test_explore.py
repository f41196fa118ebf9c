"""The Explore page without a browser: links, what goes over the wire, and the page in AppTest."""

from __future__ import annotations

import base64
import io
import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy.interpolate import RegularGridInterpolator
from streamlit.testing.v1 import AppTest

from vae_explorer import data
from vae_explorer.checkpoints import checkpoints
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.latent.encoding import decode, encode
from vae_explorer.latent.model import Encoding
from vae_explorer.measured import curves
from vae_explorer.models.arrays import Arrays
from vae_explorer.models.autoencoder import build
from vae_explorer.ui.canvas.wire import addressed, pack
from vae_explorer.ui.explore import exports
from vae_explorer.ui.explore.scene import Scene, tuple_text
from vae_explorer.ui.explore.state import MOST_PINS, STATE, View, choose, parse
from vae_explorer.ui.shell import messages, store, tiles
from vae_explorer.ui.state.limits import Limits
from vae_explorer.ui.state.points import AtImage, AtPlace

LIMITS = Limits(model="m", latent=2, beta=(0.001, 10.0), home=(0.0, 0.0, 4.0), images=100, classes=10)
FIXED = Limits(model="f", latent=3, beta=None, home=(5.0, 0.0, 10.0), images=9, classes=3, layers=("atlas",))
APP = str(Path(__file__).parents[1] / "vae_explorer/ui/shell/main.py")


PROVENANCE = checkpoints.Provenance(
    command="",
    data="",
    epochs=0,
    seconds=0.0,
    metrics={},
    versions={},
    training=TrainingConfig(),
)


# Links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("view", "limits"),
    [
        (STATE.start(LIMITS), LIMITS),
        (STATE.start(FIXED), FIXED),
        (View(model="m", beta=0.1, point=AtPlace((0.5, -1.25)), hidden=(3, 4), layers=()), LIMITS),
        (
            View(
                model="m",
                beta=10.0,
                point=AtImage(99),
                layers=("atlas", "prior"),
                window=(1.0, -2.0, 0.5),
                marks=("names", "shapes"),
            ),
            LIMITS,
        ),
        (View(model="f", point=AtPlace((1.0, 2.0, 3.0)), layers=("atlas",)), FIXED),
        (View(model="m", beta=1.0, point=AtImage(4, (0.5, -2.25)), tab="posterior"), LIMITS),
        (
            View(
                model="m",
                beta=1.0,
                pins=(AtImage(7), AtPlace((0.5, -1.0)), AtImage(0)),
                other=2,
                path="slerp",
                tab="path",
            ),
            LIMITS,
        ),
        (View(model="f", pins=(AtPlace((1.0, 2.0, 3.0)),)), FIXED),
    ],
)
def test_a_link_gives_back_the_view_that_it_was_made_from(view: View, limits: Limits) -> None:
    assert parse(STATE.link(view), limits) == (view, [])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("beta", value) for value in ("nan", "1e9", "-1", "0", "inf", "", "one", "1,2")),
        *(("z", value) for value in ("abc", "", "1", "1,2,3", "nan,0", "inf,0", "1e6,0", "0,-33", ",")),
        *(("image", value) for value in ("100", "-1", "1.5", "²", "9" * 5000, "")),
        *(("hide", value) for value in ("10", "a", "1,,2", "-1")),
        *(("layers", value) for value in ("atlas,magic", "")),
        *(("marks", value) for value in ("shapes,stars", "")),
        *(("noise", value) for value in ("1", "nan,0", "99,0", "")),
        *(("pins", value) for value in ("100", "1;", "99,0", "1;nan,0", ";".join("1" * 13))),
        *(("other", value) for value in ("-1", "x", "")),
        *(("path", value) for value in ("round", "")),
        *(("tab", value) for value in ("none", "")),
        *(("zoom", value) for value in ("1,2", "0,0,0", "0,0,nan", "0,0,1e-9", "33,0,1")),
    ],
)
def test_a_bad_value_gives_one_message_and_the_default(name: str, value: str) -> None:
    view, messages = parse({"model": "m", name: value}, LIMITS)
    assert view == STATE.start(LIMITS)
    assert len(messages) == 1
    assert messages[0].count("\n") == 0
    assert len(messages[0]) < 160
    assert name in messages[0] or name == "hide" or name == "layers"


def test_one_bad_value_leaves_the_others() -> None:
    view, messages = parse({"beta": "nan", "z": "1,2", "hide": "3"}, LIMITS)
    assert (view.beta, view.point, view.hidden, len(messages)) == (1.0, AtPlace((1.0, 2.0)), (3,), 1)


def test_a_comparison_with_no_pin_and_noise_without_an_image_are_dropped() -> None:
    view, messages = parse({"other": "3", "pins": "1;2", "z": "0,1", "noise": "1,1"}, LIMITS)
    assert (view.other, view.point, messages) == (None, AtPlace((0.0, 1.0)), [])
    assert view.pins == (AtImage(1), AtImage(2))


def test_a_weight_that_cannot_be_set_is_refused() -> None:
    view, messages = parse({"beta": "2"}, FIXED)
    assert view.beta is None
    assert "no KL weight" in messages[0]


def test_an_unknown_model_is_named_without_its_markup() -> None:
    name, messages = choose({"model": "[x](http://evil)<b>"}, ["m"])
    assert name == "m"
    assert not set("[]()<>/:") & set(messages[0].split("”")[0])


# What the map reports --------------------------------------------------------------------------


def test_reports_change_the_view() -> None:
    reported = {
        "point": {"z": [1.5, -2]},
        "beta": 0.5,
        "hidden": [2],
        "layers": ["atlas"],
        "window": [0, 1, 2],
        "pins": [{"image": 3, "noise": None}, {"z": [0.5, 1]}],
        "other": 1,
        "path": "slerp",
        "tab": "path",
    }
    assert STATE.updated(STATE.start(LIMITS), reported, LIMITS) == View(
        model="m",
        beta=0.5,
        point=AtPlace((1.5, -2.0)),
        hidden=(2,),
        layers=("atlas",),
        window=(0.0, 1.0, 2.0),
        pins=(AtImage(3), AtPlace((0.5, 1.0))),
        other=1,
        path="slerp",
        tab="path",
    )


def test_a_draw_is_kept_until_the_next_click() -> None:
    drawn = STATE.updated(STATE.start(LIMITS), {"point": {"image": 7, "noise": [0.5, -1]}}, LIMITS)
    assert drawn.point == AtImage(7, (0.5, -1.0))
    assert STATE.updated(drawn, {"point": {"image": 7, "noise": None}}, LIMITS).point == AtImage(7)
    assert STATE.updated(drawn, {"point": {"z": [1, 1]}}, LIMITS).point == AtPlace((1.0, 1.0))


def test_a_click_on_a_point_forgets_the_coordinates() -> None:
    view = View(model="m", point=AtPlace((1.0, 1.0)))
    assert STATE.updated(view, {"point": {"image": 7}}, LIMITS) == View(model="m", point=AtImage(7))


def test_axes_beyond_the_map_are_zero() -> None:
    view = STATE.updated(STATE.start(FIXED), {"point": {"z": [1.0, 2.0]}}, FIXED)
    assert view.point == AtPlace((1.0, 2.0, 0.0))


@pytest.mark.parametrize(
    "reported",
    [
        {"point": {"z": [float("nan"), 0.0]}},
        {"point": {"z": [1e9, 0.0]}},
        {"point": {"image": 100}},
        {"point": {"image": True}},
        {"point": "here"},
        {"beta": 1e9},
        {"beta": float("nan")},
        {"beta": "1"},
        {"hidden": [99]},
        {"hidden": [[1]]},
        {"layers": ["magic"]},
        {"layers": [["atlas"]]},
        *(
            {"pins": pins}
            for pins in ([{"image": 100}], [{"z": [1e9, 0]}], [1], [{"image": 1}] * (MOST_PINS + 1), None)
        ),
        *({"other": other} for other in (0, -1, True, "0")),
        *({"path": path} for path in ("round", None, ["straight"])),
        *({"tab": tab} for tab in ("none", None, 0)),
        {"window": [0, 0, -1]},
        {"window": [float("inf"), 0, 1]},
    ],
)
def test_what_no_map_would_report_changes_nothing(reported: Mapping[str, object]) -> None:
    assert STATE.updated(STATE.start(LIMITS), reported, LIMITS) == STATE.start(LIMITS)


# Over the wire ---------------------------------------------------------------------------------


def unpack(message: bytes) -> Any:
    """Reads a message, without its address, as wire.js does."""
    (length,) = struct.unpack_from("<I", message)
    header = json.loads(message[4 : 4 + length])
    assert all(place["start"] % 4 == 0 for place in header["arrays"])
    arrays = {
        place["name"]: np.frombuffer(message, place["type"], place["count"], place["start"])
        for place in header["arrays"]
    }
    return header | arrays


@pytest.mark.parametrize("words", ["", "a", "ab", "abc", "π" * 5])
def test_arrays_arrive_as_they_were(words: str) -> None:
    mean, labels = np.arange(6, dtype=np.float32).reshape(3, 2), np.arange(3, dtype=np.uint8)
    read = unpack(pack({"words": words}, {"labels": labels, "mean": mean, "none": labels[:0]}))
    assert read["words"] == words
    assert (read["mean"] == mean.ravel()).all()
    assert (read["labels"] == labels).all()
    assert read["none"].size == 0


@pytest.mark.parametrize("name", ["a", "abcd", "\u03c0"])
def test_an_address_leaves_the_message_aligned(name: str) -> None:
    message = addressed(name, b"rest")
    (length,) = struct.unpack_from("<I", message)
    assert message[4 : 4 + length].decode() == name
    assert (len(message) - len(b"rest")) % 4 == 0
    assert message.endswith(b"rest")


def test_the_version_tells_messages_apart() -> None:
    one, other = np.zeros(2, np.float32), np.ones(2, np.float32)
    versions = {unpack(pack({"a": a}, {"x": x}))["version"] for a in (1, 2) for x in (one, other)}
    assert len(versions) == 4
    assert pack({"a": 1}, {"x": one}) == pack({"a": 1}, {"x": one})


def test_doubles_are_refused() -> None:
    with pytest.raises(TypeError, match="x"):
        pack({}, {"x": np.zeros(2)})


# What the map is sent ---------------------------------------------------------------------------


def test_the_alternative_text_has_two_decimals_and_no_minus_zero() -> None:
    assert tuple_text((1.005, -0.001)) == "(1.00, 0.00)"
    assert tuple_text((1.0,) * 9).endswith("1.00, \u2026)")


def loaded(config: ModelConfig) -> checkpoints.Checkpoint:
    return checkpoints.Checkpoint("m", Path("m.safetensors"), config, PROVENANCE, build(config, seed=0).eval(), {})


SMALL = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8), encoder=(16,), decoder=(16, 12))


def test_the_world_holds_the_codes_at_every_rung() -> None:
    images = data.load("digits", "test")
    world = unpack(messages.world(loaded(SMALL), images, LIMITS))
    assert world["rungs"][0] == 0.001
    assert world["rungs"][-1] == 10.0
    model = build(SMALL, seed=0)
    for k, beta in enumerate(world["rungs"]):
        exact = encode(Arrays(model), images.pixels, beta)
        for name, values in exact._asdict().items():
            sent = world[name].reshape(-1, len(images.labels), 2)[k]
            assert np.allclose(sent, values, rtol=1e-3, atol=1e-4)


def test_a_decoder_that_is_not_dense_is_sent_as_tiles() -> None:
    config = replace(SMALL, backbone="convolutional", encoder=(4, 8), decoder=(8, 4))
    world = unpack(messages.world(loaded(config), data.load("digits", "test"), LIMITS))
    assert world["decoder"] is None
    rungs, side = len(world["grid"]["rungs"]), world["grid"]["side"]
    tiles = world["tiles"].reshape(rungs, side, side, 8, 8)
    x0, x1, y0, y1 = world["grid"]["extent"]
    corner = decode(
        Arrays(build(config, seed=0)), np.array([[x1, y1], [x0, y0]], np.float32), world["grid"]["rungs"][0]
    )
    assert np.abs(tiles[0, 0, -1] - 255 * corner[0]).max() <= 0.51
    assert np.abs(tiles[0, -1, 0] - 255 * corner[1]).max() <= 0.51


def test_the_error_of_blended_tiles_is_the_distance_to_the_decoders_images() -> None:
    config = replace(SMALL, kind="autoencoder", backbone="convolutional", encoder=(4, 8), decoder=(8, 4))
    checkpoint, images = loaded(config), data.load("digits", "test")
    world = unpack(messages.world(checkpoint, images, LIMITS))
    side, (x0, x1, y0, y1) = world["grid"]["side"], world["grid"]["extent"]
    tiles = world["tiles"].reshape(side, side, 8, 8)[::-1].astype(float)  # the first row at the bottom
    codes = encode(checkpoint.arrays, images.pixels, 1.0).mean
    some = codes[:: len(codes) // 48][:48]
    axes = (np.linspace(y0, y1, side), np.linspace(x0, x1, side))
    mixed = RegularGridInterpolator(axes, tiles, bounds_error=False, fill_value=None)(some[:, ::-1])
    wanted = np.abs(mixed - 255 * decode(checkpoint.arrays, some, 1.0)).mean()
    assert world["grid"]["error"] == pytest.approx(wanted, rel=0.02)
    assert world["grid"]["error"] > 0


def test_the_error_of_blended_tiles_counts_half_way_between_two_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    def grey(_model: object, z: NDArray[Any], beta: float) -> NDArray[Any]:
        return np.full((len(z), 8, 8), {1.0: 0.0, 10.0: 0.0, 100.0: 0.4}[round(beta, 6)])

    monkeypatch.setattr(tiles, "decode", grey)
    codes = np.zeros((60, 2), np.float32)
    grid, _ = tiles.tiles(Arrays(build(SMALL, 0)), [1.0, 100.0], (-1.0, 1.0, -1.0, 1.0), codes)
    assert grid["error"] == pytest.approx((0 + 0 + 0.2 * 255) / 3)


def test_the_first_view_of_a_shipped_model_is_small() -> None:
    """Three megabytes for 10,000 images; here as many as are at hand."""
    checkpoint = checkpoints.load(checkpoints.SHIPPED / "mnist-vae-2d.safetensors")
    images = data.load("mnist", "test")
    rows = np.resize(np.arange(len(images.labels)), 10_000)
    many = images._replace(pixels=images.pixels[rows], labels=images.labels[rows])
    assert len(messages.world(checkpoint, many, LIMITS)) < 2_900_000


def test_fields_are_pictures_and_numbers() -> None:
    atlas = unpack(messages.atlases(loaded(SMALL), LIMITS))
    picture = Image.open(io.BytesIO(atlas["atlas0"].tobytes()))
    assert picture.size == (8 * messages.ATLAS_TILES,) * 2
    change = unpack(messages.magnifications(loaded(SMALL), LIMITS))
    assert change["values"].size == len(change["rungs"]) * change["side"] ** 2
    assert (change["values"] >= 0).all()


# The page --------------------------------------------------------------------------------------

KINDS = {"a-multi": "multi-rate", "b-vae": "vae", "c-ae": "autoencoder"}


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of untrained models, one of each kind, and one broken file."""
    for name, kind in KINDS.items():
        config = ModelConfig(kind=kind, data="digits", shape=(8, 8), encoder=(16,), decoder=(16,), beta=4.0)  # type: ignore[arg-type]
        checkpoints.save(tmp_path / f"{name}.safetensors", build(config, seed=0), PROVENANCE)
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    monkeypatch.setattr("vae_explorer.checkpoints.files.SHIPPED", tmp_path / "none")
    return tmp_path


def app(query: Mapping[str, str] = {}, state: Mapping[str, Any] = {}) -> AppTest:
    test = AppTest.from_file(APP, default_timeout=30)
    for name, value in query.items():
        test.query_params[name] = value
    for name, value in state.items():
        test.session_state[name] = value
    test.run()
    assert not test.exception, test.exception
    return test


def shown(test: AppTest) -> str:
    blocks: Any = test.get("html")
    return " ".join(block.proto.body for block in blocks)


def sent(test: AppTest) -> dict[str, Any]:
    """Returns the messages of the page's components by their kind."""
    components: Any = test.get("bidi_component")
    read = {}
    for component in components:
        if message := component.proto.bytes:
            (length,) = struct.unpack_from("<I", message)
            header = unpack(message[4 + -(-length // 4) * 4 :])
            read[header["kind"]] = header
    return read


def image_of(png: str) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(png))))


def test_the_page_opens_and_says_what_it_shows(runs: Path) -> None:
    store.curve_later(store.key("a-multi")).result()
    test = app()
    assert "300 test images" in shown(test)
    messages = sent(test)
    assert messages.keys() == {"world", "answer", "curve", "drawing"}
    answer = messages["answer"]["said"]
    assert "against grey levels" in answer["of"]["terms"]
    assert answer["alt"].startswith("Decoded image at z = (")
    images = data.load("digits", "test")
    assert (image_of(answer["of"]["original"]) == images.pixels[0]).all()


def test_downloads_are_made_once_they_are_opened_and_a_rerun_repeats_no_picture(runs: Path) -> None:
    seen = {"point": {"image": 3}, "pins": [{"image": 1}, {"image": 3}]}
    test = app(state={"export": True, "answer-a-multi": {"seen": seen}})
    assert {"saver"} < sent(test).keys()
    assert len(test.get("download_button")) == 6
    assert len(sent(test)["answer"]["pins"]) == 2
    heard = app(state={"answer-a-multi": {"seen": {**seen, "answered": True}}})
    assert not heard.get("download_button")
    assert not {"said", "pins"} & sent(heard)["answer"].keys()
    assert sent(heard)["answer"]["link"] == sent(test)["answer"]["link"]


def test_a_click_is_answered_while_a_curve_is_measured(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, go_on = curves.measure_curve, Event()
    monkeypatch.setattr(curves, "find", lambda _: None)
    monkeypatch.setattr(curves, "measure_curve", lambda *a, **k: go_on.wait(60) and measured(*a, **k))
    test = app(state={"answer-a-multi": {"seen": {"point": {"z": [0.25, -1.0]}}}})
    assert "curve" not in sent(test)
    assert sent(test)["answer"]["said"]["z"] == [0.25, -1.0]
    go_on.set()
    store.curve_later(store.key("a-multi")).result()
    test.run()
    assert sent(test)["curve"]["curve"]["beta"]


def test_an_injected_click_moves_the_point(runs: Path) -> None:
    state = {"answer-a-multi": {"seen": {"point": {"z": [0.25, -1.0]}}}}
    answer = sent(app(state=state))["answer"]["said"]
    assert answer["alt"] == "Decoded image at z = (0.25, -1.00)"
    model = checkpoints.load(runs / "a-multi.safetensors").model
    exact = decode(Arrays(model), np.array([[0.25, -1.0]], np.float32), 1.0)[0]
    assert np.abs(image_of(answer["decoded"]) - 255 * exact).max() <= 0.5001
    assert answer["point"] == {"z": [0.25, -1.0]}


def test_an_injected_weight_moves_the_code(runs: Path) -> None:
    model = checkpoints.load(runs / "a-multi.safetensors").model
    pixels: NDArray[np.uint8] = data.load("digits", "test").pixels[3:4]
    for beta in (0.01, 10.0):
        mean = encode(Arrays(model), pixels, beta).mean[0]
        state = {"answer-a-multi": {"seen": {"point": {"image": 3}, "beta": beta}}}
        answer = sent(app(state=state))["answer"]["said"]
        assert answer["z"] == pytest.approx(mean.tolist())
        assert answer["beta"] == beta


def test_an_injected_draw_is_mean_plus_std_times_epsilon(runs: Path) -> None:
    mean, std = (
        values[0]
        for values in encode(
            checkpoints.load(runs / "a-multi.safetensors").arrays, data.load("digits", "test").pixels[3:4], 1.0
        )
    )
    state = {"answer-a-multi": {"seen": {"point": {"image": 3, "noise": [1.5, -0.5]}}}}
    assert sent(app(state=state))["answer"]["said"]["z"] == pytest.approx((mean + std * [1.5, -0.5]).tolist(), rel=1e-5)


def test_pins_are_decoded_and_their_path_can_be_taken_away(runs: Path) -> None:
    query = {"model": "a-multi", "pins": "3;0.5,1;7", "path": "slerp"}
    test = app(query)
    pins = sent(test)["answer"]["pins"]
    model = checkpoints.load(runs / "a-multi.safetensors").model
    exact = decode(Arrays(model), np.array([[0.5, 1.0]], np.float32), 1.0)[0]
    assert len(pins) == 3
    assert np.abs(image_of(pins[1]) - 255 * exact).max() <= 0.5001
    gif = Image.open(io.BytesIO(exports.path_gif(Scene("a-multi"), test.session_state["view"])))
    assert getattr(gif, "n_frames", 1) > 24
    assert gif.size == (280, 280)


@pytest.mark.parametrize(("name", "says"), [("b-vae", "trained for KL weight 4"), ("c-ae", "300 test images")])
def test_a_model_without_a_slider_opens(runs: Path, name: str, says: str) -> None:
    test = app({"model": name})
    assert says in shown(test)
    assert not test.warning


def test_bad_links_give_one_line_each(runs: Path) -> None:
    (warning,) = app({"model": "nope", "beta": "nan", "z": "99,0"}).warning
    assert [line.split(". Shown")[0].split(" ")[0] for line in warning.value.split("  \n")] == ["There", "beta", "z"]


def test_a_broken_file_is_named_and_the_others_open(runs: Path) -> None:
    (runs / "broken.safetensors").write_bytes(b"no model")
    test = app()
    assert "broken" in test.warning[0].value
    assert test.selectbox(key="model").options == list(KINDS)


def test_no_model_at_all_says_how_to_make_one(runs: Path) -> None:
    for file in runs.iterdir():
        file.unlink()
    assert "python -m vae_explorer train" in app().error[0].value


def test_picking_a_model_begins_its_default_view(runs: Path) -> None:
    test = app({"model": "a-multi", "beta": "nan"})
    test.selectbox(key="model").select("c-ae").run()
    assert not test.exception
    assert not test.warning
    assert test.session_state["view"] == View(model="c-ae")


def test_a_link_is_not_taken_for_another_model(runs: Path) -> None:
    file = runs / "d-elsewhere.safetensors"
    loaded = checkpoints.load(runs / "c-ae.safetensors")
    elsewhere = build(replace(loaded.config, data="kmnist", shape=(28, 28)), seed=0)
    checkpoints.save(file, elsewhere, loaded.provenance)
    test = app({"model": "d-elsewhere", "z": "0.25,0.5"})
    assert "kmnist" in test.error[0].value
    test.selectbox(key="model").select("c-ae").run()
    assert not test.exception
    assert test.session_state["view"] == View(model="c-ae")


def test_two_sessions_keep_their_own_views(runs: Path) -> None:
    one, other = app({"model": "a-multi", "beta": "0.1"}), app({"model": "c-ae", "image": "5"})
    one.run()
    other.run()
    assert (one.session_state["view"].model, one.session_state["view"].beta) == ("a-multi", 0.1)
    assert (other.session_state["view"].model, other.session_state["view"].image) == ("c-ae", 5)


def test_retraining_under_the_same_name_is_seen(runs: Path) -> None:
    before = sent(app())["answer"]["said"]["z"]
    loaded = checkpoints.load(runs / "a-multi.safetensors")
    checkpoints.save(runs / "a-multi.safetensors", build(loaded.config, seed=1), loaded.provenance)
    assert sent(app())["answer"]["said"]["z"] != before


def test_missing_images_can_be_downloaded_and_a_failure_says_why(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(runs / "data"))
    loaded = checkpoints.load(runs / "c-ae.safetensors")
    elsewhere = build(replace(loaded.config, data="kmnist", shape=(28, 28)), seed=0)
    checkpoints.save(runs / "d-elsewhere.safetensors", elsewhere, loaded.provenance)
    digits = data.load("digits", "test")
    arrived: list[str] = []

    def no_network(name: str, progress: Any) -> None:
        raise data.DataError("cannot reach anything")

    def network(name: str, progress: Any) -> None:
        progress(1.0)
        arrived.append(name)

    test = app({"model": "d-elsewhere"})
    monkeypatch.setattr(data, "download", no_network)
    test.button[0].click().run()
    assert "cannot reach anything" in [error.value for error in test.error]
    monkeypatch.setattr(data, "download", network)
    images = digits._replace(pixels=np.zeros((300, 28, 28), np.uint8), source="it arrived")
    monkeypatch.setattr(data, "load", lambda *_: images)
    test.button[0].click().run()
    assert arrived == ["kmnist"]
    assert "it arrived" in shown(test)


def test_the_square_that_the_map_begins_with_holds_prior_and_codes_and_is_measured_again_for_other_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = np.random.default_rng(0).normal(0, 2, (10_000, 2)).astype(np.float32)
    wide = Encoding(codes, np.ones_like(codes))
    near = Encoding(codes / np.float32(100), np.ones_like(codes))
    store.forget_images()
    with monkeypatch.context() as patch:
        patch.setattr(store, "encoding", lambda *_: wide)
        far = float(np.abs(np.quantile(codes, (0.002, 0.998), axis=0)).max())
        assert Scene("digits-vae-2d").limits.home == pytest.approx((0, 0, 1.06 * far), abs=0.01)
        assert far > 5
        patch.setattr(store, "encoding", lambda *_: near)
        store.forget_images()
        assert Scene("digits-vae-2d").limits.home == (0, 0, 3.4), "three sigma of the prior"
    store.forget_images()


@pytest.mark.parametrize(
    "asked", [{"beta": "1_0"}, {"beta": "\u0663"}, {"beta": "\uff11"}, {"z": "1_0,1"}, {"z": "\u0661,1"}]
)
def test_numbers_in_a_link_are_written_in_plain_digits(asked: dict[str, str]) -> None:
    view, said = parse(asked, LIMITS)
    assert view == STATE.start(LIMITS)
    assert len(said) == 1
