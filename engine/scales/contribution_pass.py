"""A pass over a map that gives centred contributions in place of probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...models.architecture import BranchKey
from ...models.attribution import centred_bias, contribution_network, replaced_contributions
from ...models.model_file import ModelFile
from ..mapping.evaluation import Evaluator, map_strips
from ..mapping.plan import Plan
from ..mapping.readiness import Ready, made_ready
from ..mapping.strips import Strip
from ..mapping.verification import Verifier
from ..rasters.lattice import Tile
from ..rasters.raster import Valid
from ..running.progress import Monitor
from .effect_maps import Contributions

Sink = Callable[[Tile, Contributions, Valid], None]


@dataclass(frozen=True)
class ContributionPass:
    """Contributions of all branches to some species of a plan.

    Attributes
    ----------
    keys
        The branches, in the architecture's order; those that are off contribute a constant.
    species
        Places of the species in the card's list.
    bias
        (species,): a logit is its bias plus its contributions.
    replaced
        By branch, (species,): what it contributes where it is off.
    """

    keys: tuple[BranchKey, ...]
    species: tuple[int, ...]
    bias: Contributions
    replaced: dict[BranchKey, Contributions]
    plan: Plan
    ready: Ready

    def over(self, write: Sink, phase: str, monitor: Monitor, verifier: Verifier | None = None) -> int:
        """Give every tile of the map that holds a value to ``write``; return how many pixels have one.

        Values are (branches, species, rows, columns), and valid where (rows, columns) says so.
        """

        def apart(strip: Strip, values: Contributions) -> None:
            shape = len(self.keys), len(self.species), *strip.tile.shape
            write(strip.tile, values.reshape(shape), strip.valid)
            if verifier is not None:
                verifier.see(strip, values)

        evaluator = Evaluator(
            self.ready.network, self.plan, self.ready.layout, monitor.check, link=lambda logits: logits
        )
        return map_strips(evaluator, apart, phase, monitor)

    def verifier(self) -> Verifier:
        """Return what recomputes a few contributions, as many as the job asks for."""
        return Verifier(self.plan, self.plan.job.verify, link=lambda logits: logits)


def contribution_pass(
    plan: Plan, model: ModelFile, species: Sequence[int], monitor: Monitor
) -> ContributionPass:
    """Return the pass of some species (places in the card) over a plan's map."""
    keys = model.network.architecture.branch_keys
    rows = list(species)
    outputs = replace(plan, species=tuple(range(len(keys) * len(rows))))
    replaced = replaced_contributions(model.network, model.branch_means)
    return ContributionPass(
        keys=keys,
        species=tuple(rows),
        bias=centred_bias(model.network, model.branch_means).numpy()[rows],
        replaced={key: value.numpy()[rows] for key, value in replaced.items()},
        plan=outputs,
        ready=made_ready(contribution_network(model, rows), outputs, monitor),
    )


def logits_of(values: Contributions, bias: Contributions) -> Contributions:
    """Return logits (species, rows, columns) of contributions (branches, species, rows, columns)."""
    logits: Contributions = values.sum(axis=0) + bias[:, None, None].astype(np.float32)
    return logits
