"""The command line, as a user types it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from vae_explorer import checkpoints, data
from vae_explorer import runs as front
from vae_explorer.__main__ import main

SMALL = ["--data", "digits", "--encoder", "16", "--decoder", "16", "--epochs", "2"]


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VAE_EXPLORER_RUNS", str(tmp_path))
    return tmp_path


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["evaluate", *arguments, "--json"]) == 0

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    result: dict[str, Any] = json.loads(capsys.readouterr().out, parse_constant=refuse)
    return result


def test_train_then_evaluate_then_list(capsys: pytest.CaptureFixture[str], runs: Path) -> None:
    assert main(["train", "--name", "small", *SMALL]) == 0
    capsys.readouterr()
    result = evaluate(capsys, "small", "--betas", "0.1,1,4")
    assert result.keys() == {"name", "data", "split", "target", "images", "results"}
    assert (result["name"], result["split"], result["target"], result["images"]) == ("small", "test", "grey", 300)
    assert [row["beta"] for row in result["results"]] == [0.1, 1, 4]
    for row in result["results"]:
        assert row["neg_elbo"] == pytest.approx(row["distortion"] + row["rate"])
        assert row["objective"] == pytest.approx(row["distortion"] + row["beta"] * row["rate"])
        assert row["nll"] < row["neg_elbo"] + 0.05
    by_path = evaluate(capsys, str(runs / "small.safetensors"))
    assert by_path["results"][0] == result["results"][1]
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["small"]["kind"] == "multi-rate"
    assert rows["small"]["epochs"] == 2
    command = checkpoints.load(runs / "small.safetensors").provenance.command
    assert command == "python -m vae_explorer train --name small " + " ".join(SMALL)


def test_the_reduction_is_a_setting_that_the_checkpoint_remembers(runs: Path) -> None:
    assert main(["train", "--name", "mistake", *SMALL, "--reduction", "mean"]) == 0
    assert checkpoints.load(runs / "mistake.safetensors").provenance.training.reduction == "mean"
    shipped = checkpoints.load(checkpoints.find("digits-vae-2d")).provenance  # made before there was a choice
    assert shipped.training.reduction == "sum"
    with pytest.raises(SystemExit):
        main(["train", "--name", "mistake", *SMALL, "--reduction", "median"])


def test_what_does_not_exist_is_null(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--name", "three", "--latent", "3", "--kind", "vae", *SMALL]) == 0
    assert main(["train", "--name", "point", "--kind", "autoencoder", *SMALL]) == 0
    capsys.readouterr()
    assert evaluate(capsys, "three")["results"][0]["nll"] is None
    row = evaluate(capsys, "point")["results"][0]
    assert row["rate"] is None
    assert row["neg_elbo"] is None
    assert row["objective"] == row["distortion"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nobody"], "There is no model 'nobody'"),
        (["evaluate", "gone/nobody.safetensors"], "no such file"),
        (["train", "--name", "x", "--data", "kmnist"], "not downloaded yet"),
        (["train", "--name", "x", *SMALL, "--latent", "0"], "latent must be at least 1"),
        (["train", "--name", "x", *SMALL, "--learning-rate", "-1"], "learning_rate must be"),
        (["train", "--name", "x", "--resume"], "no such file"),
        (["evaluate", "digits-vae-2d/../README.md"], "no such file"),
    ],
)
def test_a_mistake_gets_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("VAE_EXPLORER_DATA", str(tmp_path / "nothing"))
    assert main(arguments) == 2
    errors = capsys.readouterr().err
    last = errors.strip().splitlines()[-1]
    assert last.startswith("error: ")
    assert message in last
    assert "Traceback" not in errors


def test_an_odd_beta_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for odd in ("nan", "-1", "one", "inf", "1e39", ""):
        with pytest.raises(SystemExit):
            main(["evaluate", "digits-vae-2d", f"--betas={odd}"])
        assert "--betas" in capsys.readouterr().err


def test_ctrl_c_keeps_what_there_is_and_resume_goes_on(runs: Path) -> None:
    path = runs / "long.safetensors"
    options = [*SMALL[:-1], "12", "--batch", "4"]  # some 0.3 seconds an epoch
    arguments = [sys.executable, "-m", "vae_explorer", "train", "--name", "long", *options]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, env=os.environ)
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Stopped" in errors
    stopped = checkpoints.load(path)
    assert 1 <= stopped.provenance.epochs < 12
    assert stopped.state
    assert main(["train", "--name", "long", "--resume"]) == 0
    done = checkpoints.load(path)
    assert done.provenance.epochs == 12
    assert not done.state
    assert done.provenance.seconds > stopped.provenance.seconds


def test_ctrl_c_before_the_first_whole_epoch_says_that_nothing_is_kept(
    capsys: pytest.CaptureFixture[str], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(name: str, part: str) -> data.Images:
        if part == "train":
            signal.raise_signal(signal.SIGINT)
        return data.load(name, part)

    path = runs / "early.safetensors"
    monkeypatch.setattr(front, "load", interrupted)
    assert main(["train", "--name", "early", "--out", str(path), *SMALL]) == 0
    output = capsys.readouterr()
    assert "nothing is kept" in output.err
    assert output.out == ""
    assert not path.exists()


def test_it_runs_as_a_module_and_prints_json_alone() -> None:
    command = [sys.executable, "-W", "error", "-m", "vae_explorer", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert {"mnist-vae-2d", "digits-vae-2d"} <= {row["name"] for row in json.loads(done.stdout)}
    assert done.stderr == ""
