"""Two processes train what one trains: the same losses and weights, up to float32's rounding."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.test_models import config
from vae_explorer.config import ConfigError, TrainingConfig
from vae_explorer.data import DataError, Images, load
from vae_explorer.models.autoencoder import build
from vae_explorer.models.objectives import objective
from vae_explorer.training import engine as training
from vae_explorer.training.batches import batches
from vae_explorer.training.engine import MeanTerms, TrainingDiverged, fit
from vae_explorer.training.processes import ALONE, Processes, ProcessesError, joined

ROOT = Path(__file__).parents[1]
TRAIN, VALIDATION = load("digits", "train"), load("digits", "validation")
# Float32 rounds to 6e-8 of a number, and sums in another order differ by some of that (seen: 2e-7).
LOSSES, WEIGHTS = 5e-6, 5e-6  # relative; absolute, of weights up to 1

CASES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "multi-rate": ({"kind": "multi-rate"}, {}),
    "odd batch": ({"kind": "multi-rate"}, {"batch": 99}),
    "a batch of three": ({"kind": "vae"}, {"batch": 3, "epochs": 1}),
    "noise and drawn targets": ({"kind": "vae", "latent": 3}, {"batch": 101, "noise": 0.2, "target": "binarised"}),
    "deterministic, noise": ({"kind": "autoencoder"}, {"noise": 0.2, "batch": 75}),
    "learned scale, clipped": ({"likelihood": "gaussian-learned"}, {"clip": 0.5, "batch": 33}),
    "convolutions": ({"backbone": "convolutional", "encoder": (4, 4), "decoder": (4, 4)}, {"batch": 101, "epochs": 1}),
}
TOLD = (b"", b"one", bytes(range(256)))
Result = tuple[list[tuple[MeanTerms, MeanTerms]], Tensor]


def settings(**changes: Any) -> TrainingConfig:
    standard: dict[str, Any] = {"epochs": 2, "batch": 100, "precision": "float32"}
    return TrainingConfig(**standard | changes)


def result(case: str, **options: Any) -> Result:
    of_model, of_training = CASES[case]
    model = build(config(**of_model), 0)
    epochs = list(fit(model, TRAIN, VALIDATION, settings(**of_training), **options))
    return [(each.train, each.validation) for each in epochs], weights(model)


def weights(model: torch.nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def resumed(processes: Processes) -> bool:
    """Whether a run of three epochs ends with the same bits when it goes on after the first."""
    whole, half, rest = (build(config(), 0) for _ in range(3))
    list(fit(whole, TRAIN, VALIDATION, settings(epochs=3), processes=processes))
    first = next(fit(half, TRAIN, VALIDATION, settings(epochs=3), processes=processes))
    rest.load_state_dict(half.state_dict())
    list(fit(rest, TRAIN, VALIDATION, settings(epochs=3), processes=processes, state=first.state))
    return torch.equal(weights(rest), weights(whole))


def stopped(processes: Processes) -> tuple[int, Tensor]:
    """Questions until the last process's wish is heard, and the weights at that moment."""
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return processes.rank == processes.size - 1 and asked == 16

    model = build(config(), 0)
    list(fit(model, TRAIN, VALIDATION, settings(), should_stop=should_stop, processes=processes))
    return asked, weights(model)


def refused(train: Images, processes: Processes, **changes: Any) -> str:
    try:
        list(fit(build(config(), 0), train, VALIDATION, settings(**changes), processes=processes))
    except (ConfigError, DataError, TrainingDiverged) as error:
        return f"{type(error).__name__}: {error}"
    return "nothing was refused"


def diverged(processes: Processes) -> str:
    """A loss that is no number in the last process alone."""
    with pytest.MonkeyPatch.context() as patch:
        if processes.rank == processes.size - 1:
            patch.setattr(training, "objective", lambda each, beta: objective(each, beta) * float("nan"))
        return refused(TRAIN, processes)


def deserted(processes: Processes) -> str:
    """Process 1 ends in the middle of a run."""
    epochs = fit(build(config(), 0), TRAIN, VALIDATION, settings(), processes=processes)
    next(epochs)
    if processes.rank == 1:
        return "ended"
    try:
        list(epochs)
    except ProcessesError as error:
        return str(error)
    return "it went on alone"


def together(processes: Processes) -> dict[str, Any]:
    """All that two processes are asked to do, once: starting them takes longer."""
    other = TRAIN.pixels.copy()
    other[0, 0, 0] += processes.rank
    part = processes.share(101).part
    return {case: result(case, processes=processes) for case in CASES} | {
        "resumed": resumed(processes),
        "stopped": stopped(processes),
        "batch of one": refused(TRAIN, processes, batch=1),
        "other data": refused(TRAIN._replace(pixels=other), processes),
        "diverged": diverged(processes),
        "told": [processes.tell(text if processes.rank == 0 else b"?") for text in TOLD],
        "seen": [pixels.clone() for pixels in batches(TRAIN, 101, 7, part)],
        "deserted": deserted(processes),  # comes last: they have lost each other
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Returns what each of two processes made of `together`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = [tmp_path_factory.mktemp("pair") / f"{rank}.pt" for rank in range(2)]
    given = {**os.environ, "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    # Not multiprocessing, whose processes begin with this one's __main__: AppTest leaves a page there.
    started = [
        subprocess.Popen([sys.executable, "-m", __name__, path], cwd=ROOT, env={**given, "RANK": str(rank)})
        for rank, path in enumerate(paths)
    ]
    try:
        assert [process.wait(120) for process in started] == [0, 0]
    finally:
        for process in started:
            process.kill()  # one that waits for ever for the other
            process.wait()
    return [torch.load(path, weights_only=False) for path in paths]


@pytest.mark.parametrize("case", CASES)
def test_two_processes_have_the_losses_and_weights_of_one(case: str, both: list[dict[str, Any]]) -> None:
    alone, (losses, learned) = result(case), both[0][case]
    assert np.allclose(np.array(losses).ravel(), np.array(alone[0]).ravel(), rtol=LOSSES)
    assert torch.allclose(learned, alone[1], rtol=0, atol=WEIGHTS)
    assert both[1][case][0] == losses
    assert torch.equal(both[1][case][1], learned), "both hold the same bits"


def test_each_sees_its_part_of_every_batch_and_together_they_see_what_one_sees(both: list[dict[str, Any]]) -> None:
    alone = list(batches(TRAIN, 101, 7, slice(0, 101)))
    first, second = (each["seen"] for each in both)
    assert {(len(a), len(b)) for a, b in zip(first, second, strict=True)} == {(50, 51)}
    for whole, *parts in zip(alone, first, second, strict=True):
        assert torch.equal(torch.cat(parts), whole)


def test_two_processes_resume_bit_for_bit(both: list[dict[str, Any]]) -> None:
    assert [each["resumed"] for each in both] == [True, True]


def test_a_wish_to_stop_in_one_stops_both_in_the_same_step(both: list[dict[str, Any]]) -> None:
    (asked, learned), (also_asked, also_learned) = (each["stopped"] for each in both)
    assert asked == also_asked == 16
    assert torch.equal(learned, also_learned)


def test_a_loss_that_is_no_number_in_one_ends_both(both: list[dict[str, Any]]) -> None:
    assert all("TrainingDiverged: The loss became nan" in each["diverged"] for each in both)


def test_what_cannot_be_shared_is_refused_in_both(both: list[dict[str, Any]]) -> None:
    assert all("batch must be at least 2" in each["batch of one"] for each in both)
    assert all("do not hold the same images" in each["other data"] for each in both)


def test_what_the_first_says_reaches_the_other_unchanged(both: list[dict[str, Any]]) -> None:
    assert [each["told"] for each in both] == [list(TOLD)] * 2


def test_one_that_ends_is_noticed_by_the_other(both: list[dict[str, Any]]) -> None:
    assert "lost each other" in both[0]["deserted"]
    assert "--resume" in both[0]["deserted"]
    assert both[1]["deserted"] == "ended"


def test_alone_nothing_is_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(torch.distributed, "init_process_group", None)
    with joined() as processes:
        assert processes == ALONE
        assert processes.share(7).part == slice(0, 7)
        assert [processes.anyone(wish) for wish in (True, False)] == [True, False]


if __name__ == "__main__":
    torch.set_num_threads(1)
    with joined() as its_processes:
        torch.save(together(its_processes), sys.argv[1])


@pytest.mark.parametrize("given", ["", "1"])
def test_a_run_takes_half_the_processors_unless_told_and_its_threads_wait_asleep(given: str) -> None:
    program = (
        "import os\n"
        "os.cpu_count = lambda: 12\n"
        "from vae_explorer.training.processes import use_half_the_processors\n"
        "import torch\n"
        "use_half_the_processors()\n"
        "print(torch.get_num_threads(), os.environ['OMP_WAIT_POLICY'])\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    if given:
        environment["OMP_NUM_THREADS"] = given
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [given or "6", "PASSIVE"]
