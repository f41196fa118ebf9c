"""Imports torchvision, also where its C++ operators cannot be loaded."""

from __future__ import annotations

from types import ModuleType

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_kept: list[torch.library.Library] = []  # a library that is collected takes its schemas with it


def import_torchvision() -> ModuleType:
    """Returns torchvision, with its `datasets` ready to use.

    PyPI's wheel for Linux is linked against CUDA. Beside a CPU-only torch its operators do not
    load, and the import stops where shape rules are attached to `nms` and `qnms`. Declaring the two
    is enough for datasets, transforms and utils; calling either still fails, and we never do.

    The plain import comes first, because declaring an operator that exists ends the process.
    """
    try:
        import torchvision  # type: ignore[import-untyped]
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
        library = torch.library.Library("torchvision", "FRAGMENT")
        for operator in ("nms", "qnms"):
            library.define(operator + _SCHEMA)
        _kept.append(library)
        import torchvision
    import torchvision.datasets  # type: ignore[import-untyped]

    module: ModuleType = torchvision
    return module
