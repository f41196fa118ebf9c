"""The user's own images: read from an upload, kept as data sets beneath the data folder."""

from vae_explorer.data.own.choices import COMMON, Choices, least_side, proposed_side, report, sized, transformed
from vae_explorer.data.own.folders import Summary, add, delete, shares, summary
from vae_explorer.data.own.reading import Fit, Ground, Order, Reading
from vae_explorer.data.own.stacks import LARGEST, LEAST, MOST, SMALLEST, UNLABELLED, Option, Skipped, Upload, reasons
from vae_explorer.data.own.uploads import KINDS, read, read_folder, read_path
from vae_explorer.data.own.values import Values

__all__ = [
    "COMMON",
    "KINDS",
    "LARGEST",
    "LEAST",
    "MOST",
    "SMALLEST",
    "UNLABELLED",
    "Choices",
    "Fit",
    "Ground",
    "Option",
    "Order",
    "Reading",
    "Skipped",
    "Summary",
    "Upload",
    "Values",
    "add",
    "delete",
    "least_side",
    "proposed_side",
    "read",
    "read_folder",
    "read_path",
    "reasons",
    "report",
    "shares",
    "sized",
    "summary",
    "transformed",
]
