"""list: the trained models, shipped and the user's own."""

from __future__ import annotations

import argparse
import json
from typing import Any

from vae_explorer.checkpoints import checkpoints
from vae_explorer.commands.printing import print_table


def add_to(commands: Any) -> None:
    listing = commands.add_parser("list", help="the trained models: shipped, and your own")
    listing.add_argument("--json", action="store_true", help="one JSON array instead of a table")
    listing.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    entries = checkpoints.list_all()
    rows = [
        {
            "name": entry.name,
            "kind": entry.config.kind if entry.config else None,
            "data": entry.config.data if entry.config else None,
            "latent": entry.config.latent if entry.config else None,
            "epochs": entry.provenance.epochs if entry.provenance else None,
            "digest": None if entry.error else entry.digest is not None,
            "file": str(entry.path),
            "error": entry.error,
        }
        for entry in entries
    ]
    if options.json:
        print(json.dumps(rows))
        return
    print_table(rows)
    if any(row["digest"] is False for row in rows):
        print("digest no: an older version wrote the file, so damage to it cannot be seen. Train it again for one.")
