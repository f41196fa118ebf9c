"""The data sets: images with labels, in fixed train, validation and test parts."""

from vae_explorer.data.circles import circle_factors, draw_circles
from vae_explorer.data.fingerprints import fingerprint
from vae_explorer.data.idx import data_folder
from vae_explorer.data.images import ALL, PARTS, DataError, Images, demand_shape, evenly, nothing
from vae_explorer.data.registry import (
    DATASETS,
    add,
    available,
    changed,
    demand_free,
    download,
    downloadable,
    load,
    megabytes,
    names,
    stream,
)
from vae_explorer.data.shards import Shards, cut

__all__ = [
    "ALL",
    "DATASETS",
    "PARTS",
    "DataError",
    "Images",
    "Shards",
    "add",
    "available",
    "changed",
    "circle_factors",
    "cut",
    "data_folder",
    "demand_free",
    "demand_shape",
    "download",
    "downloadable",
    "draw_circles",
    "evenly",
    "fingerprint",
    "load",
    "megabytes",
    "names",
    "nothing",
    "stream",
]
