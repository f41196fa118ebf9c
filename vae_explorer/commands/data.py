"""download, shard and add: data sets, fetched, cut into files, and of the user's own images."""

from __future__ import annotations

import argparse
import json
import warnings
from functools import partial
from typing import Any

from tqdm import tqdm

from vae_explorer.commands.options import DATA, add_fields, from_fields, pixels, positive
from vae_explorer.commands.printing import percent
from vae_explorer.data import DATASETS, DataError, add, cut, demand_free, download, load, own
from vae_explorer.disk.files import expanded
from vae_explorer.text import shown

ADD = """Make your own images a data set like any other, as the page Data does.

FILE is a zip of images, an .npz file with `images`, a sheet of tiles, or a folder of images. What was
understood of it is said; the options change it:
  classes  from a level of folders, from file names, or from a column of a CSV file beside the images
  group    images that must stay in one part: those of one patient, one writer, one session
With --dry-run --json: images, size (height and width as kept), coloured, classes (name: count), range
(lowest and highest value found), levels (lowest and highest grey level kept), skipped (name: reason), notes.
"""


def add_to(commands: Any) -> None:
    fetch = commands.add_parser("download", help="fetch a data set into the data folder")
    fetch.add_argument("data", choices=list(DATASETS))
    fetch.set_defaults(run=_download)

    shard = commands.add_parser("shard", help="cut a data set into files that training reads one after another")
    shard.add_argument("data", metavar="DATA", help=DATA)
    shard.add_argument("--name", required=True, help="of the new data set: `--data shards/NAME`")
    shard.add_argument("--images", type=positive, default=10_000, metavar="N", help="in a file (default: 10000)")
    shard.set_defaults(run=_shard)
    _add_own(commands)


def _add_own(commands: Any) -> None:
    """Adds the command that does what the page Data does; each field of Reading is an option."""
    parser = commands.add_parser(
        "add",
        help="make your own images a data set: a zip, an .npz file, a sheet or a folder",
        description=ADD,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="of the data set in every list")
    parser.add_argument("file", metavar="FILE", type=expanded, help="or a folder of images")
    parser.add_argument("--dry-run", action="store_true", help="read, say what was understood, and keep nothing")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    key = {"metavar": "KEY"}
    add_fields(parser.add_argument_group("reading"), own.Reading, gap={"type": pixels}, classes=key, group=key)
    keeping = parser.add_argument_group("keeping")
    keeping.add_argument("--side", type=positive, metavar="N", help=f"longer side, {own.LARGEST} pixels at most")
    keeping.add_argument("--invert", action="store_true", help="black and white change places")
    keeping.add_argument("--grey", action="store_true", help="colours are left out")
    parser.set_defaults(run=_add)


def _download(options: argparse.Namespace) -> None:
    with tqdm(total=100, unit="%") as bar:
        download(options.data, percent(bar))


def _shard(options: argparse.Namespace) -> None:
    print(cut(options.name, partial(load, options.data), options.images))


def _add(options: argparse.Namespace) -> None:
    """Does what the page Data does with an upload."""
    reading = own.Reading(**from_fields(own.Reading, options))
    if not options.dry_run:
        demand_free(options.name)
    with tqdm(total=100, unit="%", leave=False, disable=options.json or None) as bar, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a decoder's, about files that are left out with a reason
        found = own.read_path(options.file, reading, percent(bar))
        choices = _choices(options, found)
        if not options.dry_run:
            add(options.name, found, choices, options.file.name, percent(bar))
    report = own.report(found, choices)
    print(json.dumps(report, allow_nan=False) if options.json else "\n".join(_lines(report)))


def _choices(options: argparse.Namespace, found: own.Upload) -> own.Choices:
    full = found.pixels.shape[1:3]
    side = options.side or own.proposed_side(full)
    if not own.least_side(full) <= side <= own.LARGEST:
        raise DataError(f"--side is a number from {own.least_side(full)} to {own.LARGEST} for these images.")
    return own.Choices(size=own.sized(full, side), inverted=options.invert, grey=options.grey or not found.coloured)


def _lines(report: dict[str, Any]) -> list[str]:
    height, width = report["size"]
    colour = "in colour" if report["coloured"] else "in grey"
    low, high = report["range"]
    classes = [f"{shown(name)} {count:,}" for name, count in report["classes"].items()]
    return [
        f"{report['images']:,} images {colour}, kept at {height} x {width} pixels; values from {low:g} to {high:g}",
        f"{len(classes)} classes: {', '.join(classes)}" if classes else "no labels",
        *report["notes"],
        *(f"left out: {shown(name)}: {shown(why, 200)}" for name, why in report["skipped"].items()),
    ]
