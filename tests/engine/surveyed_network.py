"""A small model with thresholds, calibrations and feature spaces, as surveys give them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scalescape.engine.training.feature_spaces import feature_space, with_modalities
from scalescape.models.model_file import read_model, write_model

LINES = ((0.8, -0.4), (1.2, 0.3), (0.5, -1.0))
THRESHOLDS = (0.3, 0.5, 0.7)
RULES = [{"largest TSS": one, "minimum presence": 0.1} for one in THRESHOLDS]


def surveyed_copy(model_file: Path, path: Path, spaces: bool = True, **fields: object) -> Path:
    """The model with species of a survey and, if wanted, feature spaces of random windows."""
    model = read_model(model_file)
    species = tuple(
        replace(one, **{"kind": "pa", "prevalence": 0.3, "calibration": line, "thresholds": rules, **fields})
        for one, line, rules in zip(model.card.species, LINES, RULES, strict=True)
    )
    training = replace(model.card.training, lambda2=1.0, background="")
    card = replace(model.card, species=species, training=training)
    found = {}
    if spaces:
        torch.manual_seed(3)
        patches = {
            one.name: torch.randn(400, one.channels, max(one.scales), max(one.scales))
            for one in card.modalities
        }
        with torch.inference_mode():
            features = model.network.features(patches)
        every = with_modalities(
            {key: value.double().numpy() for key, value in features.items()}, model.network.architecture
        )
        found = {key: feature_space(value, 2.5) for key, value in every.items()}
    write_model(path, replace(model, card=card, feature_spaces=found))
    return path


def expit(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))
