"""Everything that says how a network is trained, fully resolved from a config and its preset."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .config import TrainingConfig

FEWEST_RECORDS = 20  # van Proosdij et al. 2016 (doi 10.1111/ecog.01509) ask for 14 to 25 in a real region


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the fields are the keys of ``[training]``.

    Attributes
    ----------
    epochs, seed, batch_size, learning_rate, weight_decay, optimiser, momentum, schedule
        Of the optimisation; ``optimiser`` is ``adamw`` or ``sgd``, ``schedule`` ``one-cycle`` or ``none``.
    lambda2
        Weight of other species' sites against background points.
    n_background
        Background points to be drawn; those of a file are used whatever it is.
    min_records
        Of a species, after thinning; those with fewer are left out.
    thin_m
        Side in metres of the squares in which a species keeps one record; 0: a pixel of the finest modality.
    augment
        Whether image patches are flipped and turned.
    scale_dropout
        Whether only the smallest scales are kept now and then.
    dropout
        Share of branch features that are left out at random.
    jitter
        Noise added to the predictors of pointwise networks, in their standard deviations.
    width
        Multiplies all widths; 1 is the paper's.
    members
        Networks that are trained alike from other random numbers, and averaged into the one that is judged or
        shipped.
    folds, blocks_km, buffer_km
        Of the spatial blocks; ``auto`` is resolved when they are made.
    patience
        Epochs without gain after which training stops; 0: never.
    precision
        ``auto``, ``float32`` or ``bfloat16``.
    """

    epochs: int = 30
    seed: int = 42
    lambda2: float = 0.5
    n_background: int = 10_000
    min_records: int = FEWEST_RECORDS
    thin_m: float = 0.0
    batch_size: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    optimiser: Literal["adamw", "sgd"] = "adamw"
    momentum: float = 0.0
    schedule: Literal["one-cycle", "none"] = "one-cycle"
    augment: bool = True
    scale_dropout: bool = True
    dropout: float = 0.0
    jitter: float = 0.0
    width: float = 1.0
    members: int = 1
    folds: int = 5
    blocks_km: float | Literal["auto"] = "auto"
    buffer_km: float | Literal["auto"] = "auto"
    patience: int = 10
    precision: str = "auto"

    @property
    def epochs_of_all(self) -> int:
        """Epochs of a network's members together, at most."""
        return self.epochs * self.members


OURS = Recipe()
# For samples with data; docs/training.md tells how it was chosen. lambda2 is that of Zbinden et al. 2024.
SAMPLES = Recipe(
    epochs=20,
    lambda2=0.8,
    augment=False,
    scale_dropout=False,
    dropout=0.5,
    jitter=0.3,
    members=3,
    patience=0,
)
# van Tiel et al. (arXiv 2411.04016) and their released code.
PAPER = Recipe(
    lambda2=1.0,
    n_background=0,
    learning_rate=1e-2,
    weight_decay=1e-4,
    optimiser="sgd",
    schedule="none",
    min_records=1,
    augment=False,
    scale_dropout=False,
    patience=0,
)


def recipe_of(config: TrainingConfig) -> Recipe:
    """Return the preset's recipe with what ``[training]`` tells otherwise; for samples with data, their own.

    Where all tables are presence-absence and neither ``lambda2``, ``n_background`` nor a file of background
    points is told, absences alone stand against presences (lambda2 = 1, no background): only then the
    network's value is the favourability of the species.
    """
    recipe = PAPER if config.model.preset.startswith("paper-") else SAMPLES if config.of_samples else OURS
    told = {name: value for name, value in config.training.model_dump().items() if value is not None}
    surveyed = all(one.kind in ("pa", "pa-balanced") for one in config.sites.sources())
    sites = config.sites
    if surveyed and not {"lambda2", "n_background"} & set(told) and not sites.background and not sites.bias:
        recipe = replace(recipe, lambda2=1.0, n_background=0)
    return replace(recipe, **told)
