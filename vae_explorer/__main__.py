"""python -m vae_explorer train | evaluate | curve | gaps | identity | classifier | states | list | download | ..."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from vae_explorer.checkpoints.files import CheckpointError
from vae_explorer.checkpoints.sidecars import SidecarError
from vae_explorer.commands import classifier, data, evaluate, identity, lists, states, train
from vae_explorer.config import ConfigError
from vae_explorer.data import DataError
from vae_explorer.jobs.errors import JobError
from vae_explorer.measured.classifiers import ClassifierError
from vae_explorer.text import shown
from vae_explorer.theory.training_states import StatesError
from vae_explorer.training.processes import ProcessesError

MESSAGE = 2_000  # characters of an error's line
EXAMPLES = """examples:
  %(prog)s list
  %(prog)s evaluate mnist-vae-2d --betas 0.1,1,4
  %(prog)s curve first
  %(prog)s gaps first
  %(prog)s identity mnist-vae-2d --images 0,1,2 --beta 1 --json
  %(prog)s train --name first --data digits --kind multi-rate --epochs 50
  %(prog)s train --name first --resume
  %(prog)s add pets pets.zip --dry-run
"""


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns the exit status: 0, or 2 with one line that says what to do."""
    options = parse(arguments)
    options.arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options.run(options)
    except (
        CheckpointError,
        ClassifierError,
        ConfigError,
        SidecarError,
        DataError,
        JobError,
        ProcessesError,
        StatesError,
    ) as error:
        print(f"error: {shown(str(error), MESSAGE)}", file=sys.stderr)
        return 2
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Returns a command's options, and `run`, which does it; None stands for the program's own arguments.

    Raises:
        SystemExit: With a line that says what to do, where they make no sense; and after help.
    """
    parser = argparse.ArgumentParser(
        prog="python -m vae_explorer",
        description="Train, judge and list autoencoders. The app itself: streamlit run app.py",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for each in (train, evaluate, identity, classifier, states, lists, data):
        each.add_to(commands)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
