"""The command line, as a user types it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from filelock import FileLock

from vae_explorer import data
from vae_explorer.__main__ import main
from vae_explorer.checkpoints import checkpoints
from vae_explorer.jobs import jobs, worker
from vae_explorer.jobs import runs as front
from vae_explorer.latent.encoding import encode

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
        assert 0 < row["distortion_error"] < 0.1
    by_path = evaluate(capsys, str(runs / "small.safetensors"))
    assert by_path["results"][0] == result["results"][1]
    assert main(["list", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["small"]["kind"] == "multi-rate"
    assert rows["small"]["epochs"] == 2
    assert rows["small"]["digest"] is True
    checkpoint = checkpoints.load(runs / "small.safetensors")
    code = encode(checkpoint.arrays, data.load("digits", "validation").pixels, 1.0)
    rate = (0.5 * (code.mean**2 + code.std**2 - 1) - np.log(code.std)).sum(1).mean()
    kept = {name.split(",")[0]: value for name, value in checkpoint.provenance.metrics.items()}
    assert kept["rate at beta 1"] == pytest.approx(rate, rel=1e-4)
    assert kept["objective at beta 1"] == pytest.approx(kept["distortion at beta 1"] + rate, rel=1e-4)
    assert all("first 2,000 validation images at most" in name for name in checkpoint.provenance.metrics)
    command = checkpoint.provenance.command
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
    assert (row["nll"], row["nll_error"]) == (None, None), "a point has no prior: no log p(x) either"
    assert row["distortion_error"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "nobody"], "There is no model 'nobody'"),
        (["evaluate", "gone/nobody.safetensors"], "no such file"),
        (["train", "--name", "x", "--data", "kmnist"], "not downloaded yet"),
        (["train", "--name", "x", *SMALL, "--latent", "0"], "latent must be at least 1"),
        (["train", "--name", "x", *SMALL, "--learning-rate", "-1"], "learning_rate must be"),
        (["train", "--name", "x", "--resume"], "There is no job 'x'"),
        (["train", "--name", "../x", *SMALL], "cannot be a name"),
        (["train", "--name", "digits-vae-2d", *SMALL], "already"),
        (["train", "--name", "x", *SMALL, "--data", "nothing"], "There is no data set 'nothing'"),
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
    path = runs / "jobs" / "long" / "last.safetensors"
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
    done = checkpoints.load(runs / "long.safetensors")
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
    monkeypatch.setattr(front, "stream", interrupted)
    assert main(["train", "--name", "early", "--out", str(path), *SMALL]) == 0
    output = capsys.readouterr()
    assert "nothing is kept" in output.err
    assert output.out == ""
    assert not path.exists()
    assert jobs.find_all() == [], "the same command begins anew"


def test_a_run_leaves_its_film_and_records_and_writes_where_it_is_told(runs: Path) -> None:
    out = runs / "elsewhere" / "model.safetensors"
    assert main(["train", "--name", "digits-vae-2d", "--out", str(out), *SMALL]) == 0  # a shipped model's name
    job = jobs.find("digits-vae-2d")
    assert [each.number for each in job.status.records] == [1, 2]
    assert job.frame(2).images.shape == job.originals().shape
    assert checkpoints.load(out).provenance.epochs == 2
    assert not (runs / "digits-vae-2d.safetensors").exists()
    assert main(["train", "--name", "digits-vae-2d", "--resume"]) == 2, "it is over"


def started(name: str, epochs: int, *launcher: str) -> subprocess.Popen[str]:
    options = [*SMALL[:-1], str(epochs), "--batch", "20"]
    command = [sys.executable, "-m", *launcher, "vae_explorer", "train", "--name", name, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def trains(name: str) -> bool:
    return any(job.name == name and len(job.status.records) > 0 for job in jobs.find_all())


def weights(path: Path) -> dict[str, torch.Tensor]:
    return dict(checkpoints.load(path).model.state_dict())


def test_a_run_is_paused_stopped_and_resumed_by_the_app_and_the_other_way_round(runs: Path) -> None:
    long = [*SMALL[:-1], "10", "--batch", "20"]
    assert main(["train", "--name", "whole", *long]) == 0
    process = started("ours", 10)
    until(lambda: trains("ours"))
    ours = jobs.find("ours")
    ours.ask("pause")
    until(lambda: ours.status.state == "paused", 2)
    ours.ask("run")
    until(lambda: ours.status.state == "training", 2)
    ours.ask("stop")
    assert (
        "Stopped. Go on with: python -m vae_explorer train --name ours --resume" in process.communicate(timeout=30)[1]
    )
    assert process.returncode == 0
    assert ours.status.state == "stopped"
    assert 1 <= len(ours.status.records) < 10
    worker.work(ours)  # what the app's process does

    theirs = jobs.create("theirs", ours.order)
    questions = iter([False] * 300)
    worker.work(theirs, interrupted=lambda: next(questions, True))
    assert theirs.status.state == "stopped"
    assert 1 <= len(theirs.status.records) < 10
    assert main(["train", "--name", "theirs", "--resume"]) == 0
    for name in ("ours", "theirs"):
        found = weights(runs / f"{name}.safetensors")
        assert all(torch.equal(found[key], value) for key, value in weights(runs / "whole.safetensors").items()), name
        assert [each.number for each in jobs.find(name).status.records] == list(range(1, 11))


def test_it_waits_for_its_turn_and_ctrl_c_ends_the_wait() -> None:
    jobs.folder().mkdir(parents=True)
    with FileLock(jobs.slot(0)):  # another run's
        process = started("second", 2)
        until(lambda: any(job.status.state == "waiting" for job in jobs.find_all()))
        time.sleep(0.3)
        assert jobs.find("second").status.state == "waiting"
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=30)[1]
    assert "waiting for its turn" in errors
    assert "nothing is kept" in errors
    assert jobs.find_all() == []


def test_two_machines_go_on_with_a_run_and_end_with_the_losses_and_weights_of_one(runs: Path, tmp_path: Path) -> None:
    """README's command, as two machines would run it: each with its own folder of runs, joined by an address alone.

    The job, the film and the words are process 0's; what differs is float32's rounding.
    """
    options = [*SMALL[:-1], "3", "--batch", "99", "--precision", "float32"]
    assert main(["train", "--name", "one", *options]) == 0
    two = jobs.create("two", jobs.find("one").order)
    questions = iter([False] * 40)
    worker.work(two, interrupted=lambda: next(questions, True))
    assert len(two.status.records) == 1
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    machines = []
    for rank in (0, 1):
        launch = ["--nnodes", "2", "--node-rank", str(rank), "--nproc-per-node", "1", "--master-addr", "127.0.0.1"]
        command = [sys.executable, "-m", "torch.distributed.run", *launch, "--master-port", port]
        folder = os.environ | {"VAE_EXPLORER_RUNS": str(runs if rank == 0 else tmp_path / "other")}
        command += ["-m", "vae_explorer", "train", "--name", "two", "--resume"]
        machines.append(
            subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=folder)
        )
    said = [machine.communicate(timeout=120) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], said
    assert [each[0] for each in said] == [f"{runs / 'two.safetensors'}\n", ""]
    assert not (tmp_path / "other").exists()
    ours, theirs = (
        [[each.distortion, each.validation_objective] for each in jobs.find(name).status.records]
        for name in ("one", "two")
    )
    assert len(ours) == len(theirs) == 3
    assert np.allclose(ours, theirs, rtol=5e-6)
    expected, found = (weights(runs / f"{name}.safetensors") for name in ("one", "two"))
    assert all(torch.allclose(found[name], value, rtol=0, atol=5e-6) for name, value in expected.items())


def test_ctrl_c_under_torchrun_stops_both_and_keeps_the_last_epoch() -> None:
    process = started("pair", 100_000, "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m")
    until(lambda: trains("pair"))
    process.send_signal(signal.SIGINT)
    errors = process.communicate(timeout=60)[1]
    assert "Stopped" in errors
    assert jobs.find("pair").status.state == "stopped"


def test_it_runs_as_a_module_and_prints_json_alone() -> None:
    command = [sys.executable, "-W", "error", "-m", "vae_explorer", "list", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert {"mnist-vae-2d", "digits-vae-2d"} <= {row["name"] for row in json.loads(done.stdout)}
    assert done.stderr == ""
