"""The data sets: grey-level images with labels, in fixed train, validation and test parts."""

from vae_explorer.data.circles import circle_factors, draw_circles
from vae_explorer.data.idx import data_folder
from vae_explorer.data.images import PARTS, DataError, Images, spread
from vae_explorer.data.registry import DATASETS, available, download, downloadable, load, stream
from vae_explorer.data.shards import Shards, cut

__all__ = [
    "DATASETS",
    "PARTS",
    "DataError",
    "Images",
    "Shards",
    "available",
    "circle_factors",
    "cut",
    "data_folder",
    "download",
    "downloadable",
    "draw_circles",
    "load",
    "spread",
    "stream",
]
