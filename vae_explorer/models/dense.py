"""A dense decoder, or classifier, as one list of numbers, for a forward pass elsewhere: in the browser."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vae_explorer.latent.gaps.classifier import Classifier
from vae_explorer.models.autoencoder import Autoencoder, Modulation


class Dense(NamedTuple):
    """A network's plan and weights.

    `plan` holds `layers` (each `inputs`, `outputs`, `modulation`: the hidden units of its condition's
    network, or 0), `condition` (`low` and `high` clamp beta; `log beta` minus `shift`, over `scale`)
    and `output`, the function from the last layer to a mean grey level, or to the probabilities of
    `classes`, label indices, in their order.

    `weights` lists, layer by layer: weight `(outputs, inputs)`, bias `(outputs,)`; for a modulated
    layer also the condition's two layers, `(m, 1)`, `(m,)`, `(2 * outputs, m)`, `(2 * outputs,)`.
    """

    plan: dict[str, Any]
    weights: NDArray[np.float16]


def dense_decoder(model: Autoencoder) -> Dense | None:
    """Returns the decoder as plan and weights, or None where it is not dense."""
    if model.config.backbone != "dense":
        return None
    stack = model.decoder.stack
    modulations: list[Modulation | None] = [*stack.modulations] or [None] * len(stack.layers)
    layers, parameters = [], []
    for layer, modulation in zip([*stack.layers, model.decoder.out], [*modulations, None], strict=True):
        hidden = 0
        parameters += [*layer.parameters()]
        if modulation is not None:
            hidden = modulation.hidden.out_features
            parameters += [*modulation.hidden.parameters(), *modulation.out.parameters()]
        layers.append({"inputs": layer.in_features, "outputs": layer.out_features, "modulation": hidden})
    weights = torch.cat([p.detach().flatten() for p in parameters]).half().numpy()
    shift, scale = model.config.condition
    condition = {"low": model.config.beta_min, "high": model.config.beta_max, "shift": shift, "scale": scale}
    output = "continuous-bernoulli" if model.config.likelihood == "continuous-bernoulli" else "sigmoid"
    return Dense({"layers": layers, "condition": condition, "output": output}, weights)


def dense_plan(classifier: Classifier) -> Dense:
    r"""Returns a classifier as plan and weights.

    The temperature is in the last layer, :math:`W / T` and :math:`b / T`, so that `output`, a softmax, needs none.
    There is no `condition`, and no layer is modulated. Weights are rounded to float16.
    """
    scales = [1.0] * (len(classifier.layers) - 1) + [1 / classifier.temperature]
    layers = [
        {"inputs": weight.shape[1], "outputs": weight.shape[0], "modulation": 0} for weight, _ in classifier.layers
    ]
    parameters = [
        (values * np.float32(scale)).ravel()
        for layer, scale in zip(classifier.layers, scales, strict=True)
        for values in layer
    ]
    plan = {"layers": layers, "output": "softmax", "classes": list(classifier.classes)}
    return Dense(plan, np.concatenate(parameters).astype(np.float16))
