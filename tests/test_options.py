"""The command line is made of the configurations' fields: none is missing, and each means what the field means."""

from __future__ import annotations

import argparse
import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pytest
from PIL import Image

from vae_explorer.__main__ import main, parse
from vae_explorer.checked import words
from vae_explorer.commands import train
from vae_explorer.commands.options import add_fields, from_fields
from vae_explorer.config import ModelConfig, TrainingConfig
from vae_explorer.data import own
from vae_explorer.ui.train.recipe import _command

MODEL = ModelConfig(kind="multi-rate", data="digits", shape=(8, 8))
# Of each field another value than the default.
OTHERS: dict[str, Any] = {
    "kind": "vae",
    "data": "circles",
    "latent": 3,
    "backbone": "convolutional",
    "encoder": (5,),
    "decoder": (6, 7),
    "likelihood": "gaussian",
    "scale": 0.25,
    "beta": 2.5,
    "beta_min": 0.5,
    "beta_max": 1.5,
    "epochs": 7,
    "batch": 9,
    "learning_rate": 1e-5,
    "weight_decay": 0.5,
    "warmup": 0.25,
    "clip": 3.0,
    "noise": 0.1,
    "balance": 0.75,
    "focus": 0.5,
    "target": "binarised",
    "seed": 11,
    "precision": "float32",
    "reduction": "mean",
}


def configs(command: str) -> tuple[ModelConfig, TrainingConfig]:
    return train._configs(parse(shlex.split(command)[3:]))


def test_nothing_given_is_every_default() -> None:
    model, training = configs("python -m vae_explorer train --name x --data digits")
    assert model == MODEL
    assert training == TrainingConfig()


@pytest.mark.parametrize("name", [field.name for each in (ModelConfig, TrainingConfig) for field in fields(each)])
def test_every_field_is_an_option_and_the_apps_command_trains_the_same(name: str) -> None:
    model, training = MODEL, TrainingConfig()
    if name == "shape":  # the data set's
        assert configs(_command("x", MODEL, training))[0].shape == (8, 8)
        with pytest.raises(SystemExit):
            parse(["train", "--name", "x", "--shape", "8,8"])
        return
    if name in {field.name for field in fields(ModelConfig)}:
        changes = {name: OTHERS[name], **({"encoder": (4,), "decoder": (4,)} if name == "backbone" else {})}
        model = replace(model, **changes)
        if name == "data":
            model = replace(model, shape=(28, 28))
    else:
        training = replace(training, **{name: OTHERS[name]})
    command = _command("x", model, training)
    assert f"--{name.replace('_', '-')} " in command
    assert configs(command) == (model, training)


def test_help_says_each_fields_words_and_its_default_as_it_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["train", "--help"])
    said = " ".join(capsys.readouterr().out.split())
    assert "--latent N latent axes (default: 2)" in said
    assert "(default: 512,384,384)" in said
    assert "over the first 80% of the steps (default: 0.0)" in said
    assert "--kind {autoencoder,vae,multi-rate}" in said
    assert "(default: multi-rate)" in said
    for word in ("None", "Annotated", "tuple", "(default: )"):
        assert word not in said


def test_a_new_field_is_a_new_option() -> None:
    parser = argparse.ArgumentParser()
    group = parser.add_argument_group("all")
    add_fields(group, Grown, colour={"default": "red"})
    assert from_fields(Grown, parser.parse_args([])) == {
        "size": None,
        "part_of": 0.5,
        "colour": "red",
        "widths": (1, 2),
    }
    given = parser.parse_args(["--size", "3x4", "--part-of", "2", "--colour", "blue", "--widths", "8"])
    assert Grown(**from_fields(Grown, given)) == Grown(size=(3, 4), part_of=2.0, colour="blue", widths=(8,))
    for odd in (["--size", "3"], ["--part-of", "half"], ["--colour", "green"], ["--widths", "1,,2"], ["--hidden", "1"]):
        with pytest.raises(SystemExit):
            parser.parse_args(odd)


@dataclass(frozen=True, kw_only=True)
class Grown:
    colour: Annotated[Literal["red", "blue"], words("of it")]
    size: Annotated[tuple[int, int] | None, words("height and width")] = None
    part_of: Annotated[float, words("a share, 50% of it")] = 0.5
    widths: Annotated[tuple[int, ...], words("of layers")] = (1, 2)
    hidden: int = 3  # without words it is no option


def test_a_sheets_gap_is_a_number_of_pixels(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = np.full((8 * 10 + 3 * 9, 8 * 10 + 3 * 9), 255, np.uint8)
    random = np.random.default_rng(0)
    for row in range(10):
        for column in range(10):
            sheet[11 * row : 11 * row + 8, 11 * column : 11 * column + 8] = random.integers(0, 256, (8, 8))
    Image.fromarray(sheet).save(tmp_path / "sheet.png")
    assert main(["add", "x", str(tmp_path / "sheet.png"), "--dry-run", "--tile", "8x8", "--gap", "3"]) == 0
    assert capsys.readouterr().out.startswith("100 images in grey")
    assert parse(["add", "x", "y"]).gap is own.Reading().gap is None
    for odd in ("-1", "2x2", "", "1" * 9):
        with pytest.raises(SystemExit):
            parse(["add", "x", "y", f"--gap={odd}"])
        assert "pixels from 0 up" in capsys.readouterr().err
