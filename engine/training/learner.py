"""One network while it learns: loss, scale dropout, optimiser and schedule, for Lightning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as functional
from lightning.pytorch import LightningModule
from torch import Tensor

from ...models.loss import FullWeightedLoss
from ...models.network import FusionNetwork
from ...models.scale_dropout import draw_kept
from ..recipes.recipe import Recipe
from ..running.errors import InputError
from .batches import Batch
from .sights import Sight, features_at


class DivergedError(InputError):
    """The loss is no number any more."""


class Learner(LightningModule):
    """A network and how it learns.

    Parameters
    ----------
    network
        Trained in place.
    sights
        How it sees places, by modality.
    loss
        The loss, on the training sites' counts.
    recipe
        Optimiser, schedule, dropout.
    seed
        Numbers that decide all that is random, with the epoch; so a resumed run goes on as an undisturbed one.
    """

    def __init__(
        self,
        network: FusionNetwork,
        sights: Mapping[str, Sight],
        loss: FullWeightedLoss,
        recipe: Recipe,
        seed: tuple[int, ...],
    ) -> None:
        super().__init__()
        self.network = network
        self._sights = dict(sights)
        self.loss = loss
        self._recipe = recipe
        self._seed = seed
        self.losses: list[float] = []

    def on_train_epoch_start(self) -> None:
        """Seed this epoch's dropout."""
        mixed = 0
        for number in (*self._seed, self.current_epoch):
            mixed = (mixed * 1_000_003 + number + 1) % 2**63
        torch.manual_seed(mixed)
        self.losses = []

    def training_step(self, batch: Batch, index: int) -> Tensor:
        """Return the loss of a batch. Raise DivergedError where it is no number."""
        sites = len(batch.found)
        features = features_at(self.network, self._sights, batch.seen)
        if self._recipe.dropout > 0:
            features = {key: functional.dropout(part, self._recipe.dropout) for key, part in features.items()}
        kept = None
        if self._recipe.scale_dropout:
            number = len(next(iter(features.values())))
            kept = draw_kept(self.network.architecture, number)
            kept = {key: mask.to(self.device) for key, mask in kept.items()}
        logits = self.network.logits(features, kept).float()  # the loss is in float32 whatever the precision
        loss: Tensor = self.loss(logits[:sites], batch.found, logits[sites:], batch.surveyed)
        value = float(loss.detach())
        if value != value or value in (float("inf"), float("-inf")):
            raise DivergedError(
                f"Training diverged in epoch {self.current_epoch + 1}: the loss is {value}; "
                "lower training.learning_rate."
            )
        self.losses.append(value)
        return loss

    def transfer_batch_to_device(self, batch: Any, device: torch.device, dataloader_idx: int) -> Batch:
        """Move a batch."""
        moved: Batch = batch.to(device)
        return moved

    def configure_optimizers(self) -> Any:
        """Return the recipe's optimiser, and its schedule by step."""
        recipe = self._recipe
        parameters = self.network.parameters()
        optimiser: torch.optim.Optimizer
        if recipe.optimiser == "sgd":
            optimiser = torch.optim.SGD(
                parameters, recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
            )
        else:
            optimiser = torch.optim.AdamW(parameters, recipe.learning_rate, weight_decay=recipe.weight_decay)
        if recipe.schedule == "none":
            return optimiser
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
