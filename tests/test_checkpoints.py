"""Checkpoints: bit-equal, atomic, and refused with a reason when they are not what they should be."""

from __future__ import annotations

import json
import os
import pickle
import re
import resource
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from streamlit.testing.v1 import AppTest

from tests.test_models import config, perturbed
from tests.test_training import provenance
from vae_explorer.__main__ import parse
from vae_explorer.checkpoints import checkpoints, files
from vae_explorer.checkpoints.checkpoints import CheckpointError
from vae_explorer.checkpoints.digests import digest
from vae_explorer.config import TrainingConfig
from vae_explorer.data import PARTS, data_folder
from vae_explorer.disk.files import whole
from vae_explorer.models.autoencoder import Autoencoder, Modulation, build
from vae_explorer.ui.shell import store

TRAINING = TrainingConfig(epochs=2)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    path = tmp_path / "mine.safetensors"
    checkpoints.save(path, build(config(kind="multi-rate"), 0), provenance(TRAINING), {"epoch": torch.tensor(1)})
    return path


def edit(path: Path, **changes: Any) -> None:
    """Rewrites the file's metadata."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata() | {key: v if isinstance(v, str) else json.dumps(v) for key, v in changes.items()}
    save_file(load_file(path), path, metadata)


def test_save_then_load_is_bit_equal(path: Path) -> None:
    model, loaded = build(config(kind="multi-rate"), 0), checkpoints.load(path)
    assert loaded.config == model.config
    assert loaded.provenance == provenance(TRAINING)
    assert loaded.state["epoch"] == 1
    assert model.state_dict().keys() == loaded.model.state_dict().keys()
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.model.state_dict()[name])
    assert not loaded.model.log_scale.requires_grad, "the scale of a Bernoulli model is not learned"


def test_loading_draws_no_random_numbers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def seed(_: int) -> None:
        raise AssertionError("another thread may be drawing")

    before = torch.get_rng_state()
    with monkeypatch.context() as watched:
        watched.setattr(torch, "manual_seed", seed)
        loaded = checkpoints.load(path)
    assert torch.equal(torch.get_rng_state(), before)
    tensors = [*loaded.model.parameters(), *loaded.model.buffers()]
    assert {tensor.device.type for tensor in tensors} == {"cpu"}
    assert {name for name, p in loaded.model.named_parameters() if not p.requires_grad} == {"log_scale"}
    os.truncate(path, 100)  # the weights are copies of what the file held
    fresh = build(loaded.config, 0)
    image = torch.rand(2, *loaded.config.shape, generator=torch.Generator().manual_seed(1))
    for beta in (0.01, 1.0):
        weight = torch.full((2,), beta)
        assert torch.equal(fresh.posterior(image, weight).mean, loaded.model.posterior(image, weight).mean)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"gone\.safetensors.*no such file"):
        checkpoints.load(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"mine\.safetensors.*cut off"):
        checkpoints.load(path)


def test_a_pickle_by_another_name_is_never_opened(path: Path, tmp_path: Path) -> None:
    marker = tmp_path / "executed"

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(marker),)

    for write in (lambda: path.write_bytes(pickle.dumps(Payload())), lambda: torch.save(Payload(), path)):
        write()
        with pytest.raises(CheckpointError, match="no safetensors file"):
            checkpoints.load(path)
        assert not marker.exists()


def test_a_foreign_safetensors_file_is_refused(path: Path) -> None:
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=r"none of VAE Explorer's"):
        checkpoints.load(path)


@pytest.mark.parametrize("version", ["", "one", "-1", "9" * 5000])
def test_a_format_that_is_no_number_is_foreign(path: Path, version: str) -> None:
    edit(path, format=version)
    with pytest.raises(CheckpointError, match=r"none of VAE Explorer's"):
        checkpoints.load(path)


def test_a_newer_format_asks_for_an_update(path: Path) -> None:
    edit(path, format=str(checkpoints.FORMAT + 1))
    with pytest.raises(CheckpointError, match="Update VAE Explorer"):
        checkpoints.load(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"config": "{"},
        {"config": config(kind="multi-rate").to_json() | {"latent": "two"}},
        {"config": []},
        {"provenance": {}},
        {"provenance": provenance(TRAINING).to_json() | {"epochs": "many"}},
        {"provenance": provenance(TRAINING).to_json() | {"training": {"epochs": "1"}}},
        {"provenance": provenance(TRAINING).to_json() | {"metrics": {"rate": "low"}}},
        {"provenance": provenance(TRAINING).to_json() | {"versions": {"torch": 2}}},
        {"config": config(kind="multi-rate").to_json() | {"scale": 10**400}},
        {"config": config(kind="multi-rate").to_json() | {"encoder": [10**30]}},
        {"config": "9" * 5000},
        {"config": "[" * 200_000},
    ],
)
def test_a_hand_edited_configuration_is_refused(path: Path, changes: dict[str, Any]) -> None:
    edit(path, **changes)
    with pytest.raises(CheckpointError, match=r"mine\.safetensors: its configuration does not make sense"):
        checkpoints.load(path)
    (entry,) = (entry for entry in checkpoints.list_all() if entry.name == "mine")
    assert "does not make sense" in str(entry.error)


def test_weights_that_do_not_fit_name_the_first_tensor(path: Path) -> None:
    edit(path, config=config(kind="multi-rate", encoder=(16, 9)).to_json())
    with pytest.raises(CheckpointError, match=r"encoder\.head\.weight: expected 4 x 9, found 4 x 8"):
        checkpoints.load(path)


def test_a_configuration_that_asks_for_too_much_memory_takes_none(path: Path) -> None:
    """Two layers of 65,536 units would take 17 GB before the first shape was looked at."""
    edit(path, config=config(kind="multi-rate", encoder=(65_536, 65_536)).to_json())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(CheckpointError, match="tensors do not fit"):
        checkpoints.load(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # KiB


@pytest.mark.parametrize("dtype", [torch.float64, torch.int64, torch.complex64, torch.float8_e4m3fn])
def test_weights_of_another_type_are_refused(path: Path, dtype: torch.dtype) -> None:
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file({name: value.to(dtype) for name, value in load_file(path).items()}, path, metadata)
    with pytest.raises(CheckpointError, match="not finite float32"):
        checkpoints.load(path)


def test_weights_that_are_no_numbers_are_refused(path: Path) -> None:
    model = build(config(), 0)
    with torch.no_grad():
        next(model.parameters()).fill_(torch.nan)
    checkpoints.save(path, model, provenance(TRAINING))
    with pytest.raises(CheckpointError, match="not finite"):
        checkpoints.load(path)


FORGED = "was damaged or edited after it was saved"


@pytest.mark.parametrize(
    "changes",
    [
        {"likelihood": "continuous-bernoulli"},
        {"likelihood": "gaussian", "scale": 0.2},
        {"data": "circles"},
        {"beta_min": 0.002},
        {"beta_max": 10.000000000000002},
        {"beta": 2.0},
        {"shape": [4, 16]},
        {"backbone": "convolutional"},
    ],
)
def test_a_configuration_that_was_edited_is_refused_though_all_shapes_fit(path: Path, changes: dict[str, Any]) -> None:
    edit(path, config=config(kind="multi-rate").to_json() | changes)
    with pytest.raises(CheckpointError, match=rf"mine\.safetensors: .*do not fit|mine\.safetensors {FORGED}"):
        checkpoints.load(path)


def test_every_text_in_the_header_counts(path: Path) -> None:
    edit(path, provenance=provenance(TRAINING).to_json() | {"epochs": 77})
    with pytest.raises(CheckpointError, match=FORGED):
        checkpoints.load(path)
    edit(path, provenance=json.dumps(provenance(TRAINING).to_json()))
    assert checkpoints.load(path).provenance.epochs == 1
    edit(path, extra="")
    with pytest.raises(CheckpointError, match=FORGED):
        checkpoints.load(path)


@pytest.mark.parametrize("bit", range(32))
@pytest.mark.parametrize("name", ["model.encoder.head.bias", "model.decoder.out.weight", "training.epoch"])
def test_one_bit_of_the_weights_or_of_the_training_s_state_is_seen(path: Path, name: str, bit: int) -> None:
    tensors = load_file(path)
    numbers = tensors[name].numpy().reshape(-1).view(np.uint32)
    numbers[0] ^= np.uint32(1 << bit)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(tensors, path, metadata)
    with pytest.raises(CheckpointError, match=f"{FORGED}|not finite"):
        checkpoints.load(path)


def test_names_types_shapes_and_bits_of_tensors_all_count() -> None:
    bits = torch.arange(6, dtype=torch.int32)
    others = [{"b": bits}, {"a": bits.view(torch.float32)}, {"a": bits.reshape(2, 3)}, {"a": bits.flip(0)}, {}]
    found = {digest(texts, tensors) for texts in ({}, {"t": "x"}, {"tx": ""}) for tensors in ({"a": bits}, *others)}
    assert len(found) == 18
    assert digest({}, {"b": bits, "a": bits}) == digest({}, {"a": bits.clone(), "b": bits})


def old(path: Path) -> None:
    """Writes the file as the first version did: without a digest, and without fingerprints of the images."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    told = json.loads(metadata["provenance"])
    del metadata["digest"], told["images"]
    save_file(load_file(path), path, metadata | {"provenance": json.dumps(told)})


def test_a_file_of_an_older_version_opens(path: Path) -> None:
    before = checkpoints.load(path)
    old(path)
    after = checkpoints.load(path)
    assert (before.digest is None, after.digest) == (False, None)
    assert after.provenance == before.provenance == provenance(TRAINING)
    for name, value in before.model.state_dict().items():
        assert torch.equal(value, after.model.state_dict()[name])
    (entry,) = (each for each in checkpoints.list_all() if each.name == "mine")
    assert (entry.error, entry.digest) == (None, None)
    edit(path, digesu="")  # the digest by another name, after one bit was flipped
    with pytest.raises(CheckpointError, match="damaged or edited"):
        checkpoints.load(path)


def overflowing(model: Autoencoder, part: str) -> Autoencoder:
    """Returns the model with finite weights whose sums are not."""
    with torch.no_grad():
        wanted = "encoder.head.weight" if part == "encoder" else "decoder.out.weight"
        dict(model.named_parameters())[wanted].fill_(3e38)
    return model


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian", "gaussian-learned", "continuous-bernoulli"])
@pytest.mark.parametrize("kind", ["autoencoder", "vae", "multi-rate"])
@pytest.mark.parametrize(("part", "what"), [("encoder", "the codes"), ("decoder", "decoded images|the distortion")])
def test_a_model_whose_answers_overflow_is_refused(
    path: Path, kind: str, likelihood: str, part: str, what: str
) -> None:
    healthy = perturbed(build(config(kind=kind, likelihood=likelihood), 0))
    checkpoints.save(path, healthy, provenance(TRAINING))
    checkpoints.load(path)
    checkpoints.save(path, overflowing(healthy, part), provenance(TRAINING))
    with pytest.raises(CheckpointError, match=rf"mine\.safetensors: ({what}).*no finite numbers"):
        checkpoints.load(path)
    old(path)
    with pytest.raises(CheckpointError, match=rf"mine\.safetensors: ({what}).*no finite numbers"):
        checkpoints.load(path)


def test_a_model_that_fails_at_one_end_of_its_kl_weights_alone_is_refused(path: Path) -> None:
    """The modulation is next to nothing here, but at the largest KL weights, where it overflows."""
    model = build(config(kind="multi-rate"), 0)
    with torch.no_grad():
        first = model.decoder.stack.modulations[0]
        assert isinstance(first, Modulation)
        first.hidden.weight.fill_(50.0)
        first.hidden.bias.fill_(-60.0)  # silu(50 t - 60): about 0 below t = 1.2, which log beta reaches last
        first.out.weight.fill_(1e38)
    checkpoints.save(path, model, provenance(TRAINING))
    with pytest.raises(CheckpointError, match="at KL weight 10 are no finite numbers"):
        checkpoints.load(path)


@pytest.mark.parametrize("eta", [-1e37, 1e37])
def test_a_model_that_overflows_at_white_or_at_black_images_alone_is_refused(path: Path, eta: float) -> None:
    model = build(config(kind="vae"), 0)
    out = model.decoder.out
    assert isinstance(out, torch.nn.Linear)
    with torch.no_grad():
        out.weight.zero_()
        out.bias.fill_(
            eta
        )  # finite, and so is log p(x|z) of an image of the likelier level; not the sum over the other
    checkpoints.save(path, model, provenance(TRAINING))
    with pytest.raises(CheckpointError, match=r"the distortion of images.*no finite numbers"):
        checkpoints.load(path)


def test_an_interrupted_write_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(CheckpointError, match="no space left"):
        checkpoints.save(path, build(config(), 1), provenance(TRAINING))
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="Choose a folder"):
        checkpoints.save(tmp_path / "file" / "model.safetensors", build(config(), 0), provenance(TRAINING))


def test_the_list_shows_broken_files_beside_good_ones(path: Path) -> None:
    (path.parent / "broken.safetensors").write_bytes(b"nonsense")
    entries = {entry.name: entry for entry in checkpoints.list_all()}
    assert entries["mine"].error is None
    assert entries["mine"].config == config(kind="multi-rate")
    assert "broken.safetensors" in str(entries["broken"].error)


def test_a_name_that_is_no_text_is_listed_as_broken_and_can_be_deleted(path: Path) -> None:
    bad = path.with_stem(os.fsdecode(b"caf\xe9"))  # Latin-1, as old archives have it
    try:
        bad.write_bytes(path.read_bytes())
    except OSError:
        pytest.skip("this file system takes no such names")
    entries = {entry.name: entry.error for entry in checkpoints.list_all()}
    assert entries["mine"] is None
    assert "Rename the file" in str(entries["caf?"])
    with pytest.raises(CheckpointError, match="Rename the file"):
        store.key("caf?")

    def shelf() -> None:
        from vae_explorer.ui.train import shelf

        shelf.show()

    test = AppTest.from_function(shelf).run()
    assert not test.exception
    test.button(key="shelf_delete_caf?").click().run()
    assert not test.exception
    assert not bad.exists()
    assert path.exists()


def test_find_takes_names_and_paths_and_says_what_there_is(path: Path) -> None:
    assert checkpoints.find("mine") == checkpoints.find(str(path)) == path
    with pytest.raises(CheckpointError, match="mine"):
        checkpoints.find("yours")
    with pytest.raises(CheckpointError, match="no such file"):
        checkpoints.find(str(path.parent / "yours.safetensors"))


def test_a_file_that_goes_while_it_is_looked_at_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deleted_first(*arguments: Any, **options: Any) -> Any:
        path.unlink()
        return safe_open(*arguments, **options)

    for room in (checkpoints, files):
        monkeypatch.setattr(room, "safe_open", deleted_first)
    content = path.read_bytes()
    assert "mine" not in {entry.name for entry in checkpoints.list_all()}, "and no reason is given for a gone file"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"mine\.safetensors: there is no such file"):
        checkpoints.load(path)


def test_a_file_that_goes_before_pytorch_opens_it_too_is_missing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object, **__: object) -> object:
        return torch.UntypedStorage.from_file(str(path.with_name("gone")), False, 10)

    monkeypatch.setattr(checkpoints, "safe_open", gone)
    with pytest.raises(checkpoints.Missing, match="no such file"):
        checkpoints.load(path)


def test_a_folder_that_goes_while_it_is_looked_at_holds_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(self: Path, pattern: str) -> Iterator[Path]:
        raise FileNotFoundError(2, "No such file or directory", str(self))

    monkeypatch.setattr(Path, "glob", gone)
    assert checkpoints.list_all() == []
    with pytest.raises(CheckpointError, match=r"There is no model 'mine'"):
        checkpoints.find("mine")


def test_a_key_of_a_file_that_has_just_gone_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named = checkpoints.named

    def then_gone(name: str) -> Path:
        found = named(name)
        path.unlink()
        return found

    monkeypatch.setattr(files, "named", then_gone)
    with pytest.raises(CheckpointError, match="'mine' is gone"):
        store.key("mine")


def test_whatever_is_deleted_and_made_again_meanwhile(path: Path) -> None:
    """Looks while another thread deletes the file and makes it again: it is there, or said to be missing."""
    content, words, over = path.read_bytes(), [""], threading.Event()

    def flicker() -> None:
        while not over.is_set():
            path.unlink(missing_ok=True)
            with whole(path) as file:
                file.write_bytes(content)

    thread = threading.Thread(target=flicker)
    thread.start()
    try:
        for _ in range(150):
            assert all(entry.error is None for entry in checkpoints.list_all())
            try:
                checkpoints.load(Path(store.key("mine").path))
            except CheckpointError as error:
                words.append(str(error))
    finally:
        over.set()
        thread.join()
    assert all(re.search("^$|no model|is gone|no such file", each) for each in words)


@pytest.mark.parametrize("given", ["~/r", "~/r/"])
def test_a_folder_in_the_user_s_home_is_found(path: Path, given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(path.parent))
    (path.parent / "r").mkdir()
    moved = path.rename(path.parent / "r" / path.name)
    monkeypatch.setenv("VAE_EXPLORER_RUNS", given)
    assert checkpoints.find("mine") == moved
    assert checkpoints.find("~/r/mine.safetensors") == moved
    monkeypatch.setenv("VAE_EXPLORER_RUNS", "~nobody-of-this-name/r")
    assert checkpoints.user_folder() == Path("~nobody-of-this-name/r")
    monkeypatch.setenv("VAE_EXPLORER_RUNS", "")
    assert checkpoints.user_folder() == Path("runs")
    monkeypatch.setenv("VAE_EXPLORER_DATA", "~/data")
    assert data_folder() == path.parent / "data"
    assert parse(["train", "--name", "x", "--out", "~/x.safetensors"]).out == path.parent / "x.safetensors"


def test_every_shipped_model_opens_and_is_small() -> None:
    names = {f"{data}-{kind}-2d" for data in ("mnist", "digits", "circles") for kind in ("vae", "ae")}
    for name in names:
        checkpoint = checkpoints.load(checkpoints.SHIPPED / f"{name}.safetensors")
        assert checkpoint.path.stat().st_size <= 8_000_000
        assert not checkpoint.state
        assert checkpoint.config.latent == 2
        assert checkpoint.config.kind == ("multi-rate" if "-vae-" in name else "autoencoder")
        assert checkpoint.digest
        assert checkpoint.provenance.images.keys() == set(PARTS)
