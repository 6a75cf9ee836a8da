"""Training through the dense evaluation: sites on a lattice share the network's work, there and back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...models.dense import DenseModality
from ...models.loss import FullWeightedLoss
from ...models.network import Features, FusionNetwork
from ...models.scale_dropout import draw_kept
from .lattice_scene import Block, LatticeScene, draw_block

# step, steps, loss
Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class DenseTraining:
    """How a network is trained densely.

    Attributes:
        steps: steps of the optimiser.
        blocks: blocks of sites in a step, each of another scene where there are enough.
        sites: side of a block, in sites.
        learning_rate: the highest of the one cycle.
        weight_decay: of AdamW.
        lambda2: weight of other species' sites against background points.
        seed: of blocks, scale dropout and the order of scenes.
    """

    steps: int
    blocks: int = 4
    sites: int = 20
    learning_rate: float = 5e-3
    weight_decay: float = 1e-2
    lambda2: float = 0.5
    seed: int = 0


class DenseTrainer:
    """Trains a fusion network of one fine and one coarse modality on presence-only records of lattice scenes.

    Every position of a block is a background point; those where something was recorded are sites too.

    Args:
        network: the network; it is trained in place.
        scenes: where the sites lie, normalised; all of one size and one step.
        fine: name of the finest modality.
        coarse: name of the coarse modality.
        training: the settings.
    """

    def __init__(
        self,
        network: FusionNetwork,
        scenes: Sequence[LatticeScene],
        fine: str,
        coarse: str,
        training: DenseTraining,
    ) -> None:
        self.network = network
        self.scenes = scenes
        self.training = training
        self.presences = torch.stack([scene.seen.sum(dim=(1, 2)) for scene in scenes]).sum(dim=0)
        self.sites = sum(int(scene.recorded.sum()) for scene in scenes)
        self._fine = DenseModality(network, fine, scenes[0].step)
        self._coarse = DenseModality(network, coarse, 1)
        self._climate = torch.stack([scene.coarse for scene in scenes])
        self._loss = FullWeightedLoss(self.presences, self.sites, training.lambda2)
        self._generator = torch.Generator().manual_seed(training.seed)

    def fit(self, progress: Progress | None = None) -> None:
        """Trains for the settings' steps and leaves the network in evaluation mode."""
        settings = self.training
        optimiser = torch.optim.AdamW(
            self.network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, settings.learning_rate, total_steps=settings.steps
        )
        self.network.train()
        order: list[int] = []
        for step in range(settings.steps):
            while len(order) < settings.blocks:
                order += torch.randperm(len(self.scenes), generator=self._generator).tolist()
            chosen, order = order[: settings.blocks], order[settings.blocks :]
            loss = self._loss_of(chosen)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if progress is not None:
                progress(step + 1, settings.steps, float(loss.detach()))
        self.network.eval()

    def _loss_of(self, chosen: Sequence[int]) -> Tensor:
        """The loss on one block of each chosen scene."""
        window, sites = self._fine.window, self.training.sites
        blocks = [draw_block(self.scenes[index], sites, window, self._generator) for index in chosen]
        features = self._features(chosen, blocks)
        seen = _by_position(torch.stack([block.seen for block in blocks]))
        kept = draw_kept(self.network.architecture, seen.shape[0], self._generator)
        logits = self.network.logits(features, kept)
        recorded = seen.any(dim=1)
        loss: Tensor = self._loss(logits[recorded], seen[recorded].float(), background=logits)
        return loss

    def _features(self, chosen: Sequence[int], blocks: Sequence[Block]) -> Features:
        """Branch features of all sites of the blocks: by branch, ``(sites, out_size)``."""
        fine = self._fine.features(torch.stack([block.fine for block in blocks]))
        features = {key: _by_position(values) for key, values in fine.items()}
        # All scenes' climates at each step: cheap, and batch norm then sees more than the few cells of a block.
        for key, cells in self._coarse.features(self._climate).items():
            looked_up = [
                cells[index][:, block.cell_rows, block.cell_columns]
                for index, block in zip(chosen, blocks, strict=True)
            ]
            features[key] = _by_position(torch.stack(looked_up))
        return features


@torch.no_grad()
def scene_features(network: FusionNetwork, scene: LatticeScene, fine: str, coarse: str) -> Features:
    """Branch features of all sites of a normalised scene, row by row: by branch, ``(sites, out_size)``."""
    dense = DenseModality(network, fine, scene.step)
    start = scene.first - dense.window // 2
    rows, columns = (start + dense.input_side(count) for count in scene.seen.shape[-2:])
    tile = scene.fine[None, :, start:rows, start:columns]
    features = {key: _by_position(values) for key, values in dense.features(tile).items()}
    cell_rows, cell_columns = scene.cells()
    for key, cells in DenseModality(network, coarse, 1).features(scene.coarse[None]).items():
        features[key] = _by_position(cells[:, :, cell_rows, cell_columns])
    return features


def _by_position(maps: Tensor) -> Tensor:
    """Reorders ``(blocks, channels, rows, columns)`` to ``(positions, channels)``."""
    return maps.movedim(1, -1).flatten(0, -2)
