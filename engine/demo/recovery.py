"""How much of a landscape's truth a network recovers: its maps and the scales it holds responsible.

No real data set can be judged so, because nowhere else is the truth known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ...models.architecture import BranchKey
from ...models.attribution import centred_contributions, dominant_branch, lead
from ...models.card import Modality
from ...models.fusion import fused
from ...models.model_file import ModelFile
from ..judging.discrimination import auc
from .files import describe
from .landscape import Landscape
from .lattice_scene import scene_features
from .sites import surveyed_sites
from .training_scene import COARSE, FINE, training_scene, truth_at_sites
from .virtual_species import SPECIES

PRESENT = 0.5  # truth from which a species counts as present
SQUARE = 512  # px; surveys of one square are no independent evidence


@dataclass(frozen=True)
class Recovery:
    """What a network got right about one species on one landscape.

    Attributes:
        name: of the species.
        auc_truth: AUC of the logits over all sites of the lattice, truth ≥ 0.5 counted as presence.
        true_branch: modality and scale that dominate the true logit.
        found_branch: modality and scale that the network holds responsible.
        modality_margin: mean absolute summed contribution of the true modality over the next.
        scale_margin: mean absolute contribution of the true branch over the next of its modality.
    """

    name: str
    auc_truth: float
    true_branch: BranchKey
    found_branch: BranchKey
    modality_margin: float
    scale_margin: float

    @property
    def right(self) -> bool:
        """Whether the network names the true modality and scale."""
        return self.found_branch == self.true_branch


@dataclass(frozen=True)
class Judged:
    """A landscape as a network sees it.

    Attributes:
        species: one recovery a species.
        survey_probability: shape ``(surveys, species)``: the network's output at the surveyed sites.
        survey_found: shape ``(surveys, species)``, bool: what was found there.
        survey_block: shape ``(surveys,)``: the number of the square of ``SQUARE`` pixels that a survey lies in.
    """

    species: tuple[Recovery, ...]
    survey_probability: npt.NDArray[np.float64]
    survey_found: npt.NDArray[np.bool_]
    survey_block: npt.NDArray[np.int64]


def recover(model: ModelFile, landscape: Landscape) -> Judged:
    """Judges a network of the demo's two modalities on a landscape, at all lattice sites with whole windows."""
    raw = training_scene(landscape)
    scene = raw.normalised(_modality(model, FINE), _modality(model, COARSE))
    network = fused(model.network)
    features = scene_features(network, scene, FINE, COARSE)
    with torch.no_grad():
        logits = network.logits(features).numpy().astype(np.float64)
        shares = centred_contributions(network, features, model.branch_means)
    truth = truth_at_sites(landscape, raw)
    recovered = []
    for index, described in enumerate(describe(landscape)["species"]):
        dominant = described["dominant"]
        true_branch = (str(dominant["modality"]), int(dominant["scale"]))
        mine = {key: values[:, index].numpy() for key, values in shares.items()}
        recovered.append(
            _recovery(SPECIES[index].name, logits[:, index], truth[:, index] >= PRESENT, true_branch, mine)
        )

    surveys = surveyed_sites(landscape)
    side = scene.seen.shape[-1]
    rows, columns = ((pixel - scene.first) // scene.step for pixel in (surveys.rows, surveys.columns))
    whole = (rows >= 0) & (rows < side) & (columns >= 0) & (columns < side)
    at = rows[whole] * side + columns[whole]
    block = surveys.rows // SQUARE * (landscape.size // SQUARE + 1) + surveys.columns // SQUARE
    return Judged(
        tuple(recovered), 1 / (1 + np.exp(-logits[at])), surveys.seen[whole], block[whole].astype(np.int64)
    )


def _recovery(
    name: str,
    logits: npt.NDArray[np.float64],
    present: npt.NDArray[np.bool_],
    true_branch: BranchKey,
    contributions: dict[BranchKey, npt.NDArray[np.float32]],
) -> Recovery:
    modalities = {key[0] for key in contributions}
    by_modality = {
        modality: float(np.abs(sum(v for key, v in contributions.items() if key[0] == modality)).mean())
        for modality in modalities
    }
    by_branch = {key: float(np.abs(values).mean()) for key, values in contributions.items()}
    return Recovery(
        name,
        auc(logits, present),
        true_branch,
        dominant_branch(by_modality, by_branch),
        lead(by_modality, true_branch[0]),
        lead({key: v for key, v in by_branch.items() if key[0] == true_branch[0]}, true_branch),
    )


def _modality(model: ModelFile, name: str) -> Modality:
    return model.card.modality(name)
