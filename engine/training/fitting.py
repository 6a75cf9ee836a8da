"""One network from start to end: batches, loss, Lightning, the best epoch; resumable by epochs."""

from __future__ import annotations

import logging
import signal
import statistics
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import torch
from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

from ...models.architecture import Architecture
from ...models.ensemble import averaged
from ...models.loss import FullWeightedLoss
from ...models.network import FusionNetwork
from ..recipes.recipe import Recipe
from ..running.progress import Monitor
from ..sites.site_table import Index
from .batches import Batches, Moment, Places
from .best_epoch import BestEpoch
from .learner import Learner
from .state_files import StateFiles
from .watch import Watch

Score = Callable[[FusionNetwork], float]

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Share:
    """Which places one network learns from: sites and background points, by index."""

    sites: Index
    background: Index


@dataclass(frozen=True)
class Fitted:
    """A trained network in evaluation mode, after how many epochs, and its score there (NaN without one)."""

    network: FusionNetwork
    epochs: int
    score: float


@dataclass(frozen=True)
class Turn:
    """One network's place in a job: its name in words, its number, epochs done before it and in all."""

    name: str
    number: int
    done: int
    total: int

    def of_member(self, member: int, recipe: Recipe) -> Turn:
        """Return the place of one of the network's members; no two of a job have the same number."""
        if recipe.members == 1:
            return self
        name = f"{self.name}, member {member + 1} of {recipe.members}"
        number, done = self.number * recipe.members + member, self.done + member * recipe.epochs
        return replace(self, name=name, number=number, done=done)


def fit(
    architecture: Architecture,
    places: Places,
    share: Share,
    recipe: Recipe,
    lambda2: torch.Tensor,
    turn: Turn,
    checkpoint: Path | None,
    monitor: Monitor,
    device: torch.device,
    score: Score | None = None,
    epochs: int | None = None,
) -> Fitted:
    """Train one network: the mean of the recipe's members, each trained from other random numbers.

    Parameters
    ----------
    architecture, places, share, recipe
        What is trained, on what and how; the architecture is that of a member.
    lambda2
        (species,) weight of other species' sites against background.
    turn
        Which of the job's networks this is.
    checkpoint
        File that keeps the state after every epoch; where it is there, training goes on from it. None keeps
        no state.
    monitor
        Told of progress; may cancel.
    device
        Where it runs; on CUDA, on all of them.
    score
        Judges the network after every epoch; the best one is kept.
    epochs
        Stop after so many, on the same schedule; the recipe's by default.

    Raises
    ------
    DivergedError
        The loss is no number any more; the checkpoint of the last good epoch stays.
    InputError
        What is learnt from was changed meanwhile, or the checkpoint can't be written.
    """
    fitted = [
        _fit_member(
            architecture,
            places,
            share,
            recipe,
            lambda2,
            turn.of_member(one, recipe),
            _checkpoint_of_member(checkpoint, one),
            monitor,
            device,
            score,
            epochs,
        )
        for one in range(recipe.members)
    ]
    return Fitted(
        averaged([one.network for one in fitted]),
        max(1, round(statistics.median(one.epochs for one in fitted))),
        statistics.fmean(one.score for one in fitted),
    )


def _checkpoint_of_member(checkpoint: Path | None, member: int) -> Path | None:
    """Return the file for the state of a member; the first one's is the network's own."""
    if checkpoint is None or member == 0:
        return checkpoint
    return checkpoint.with_suffix(f".{member}{checkpoint.suffix}")


def _fit_member(
    architecture: Architecture,
    places: Places,
    share: Share,
    recipe: Recipe,
    lambda2: torch.Tensor,
    turn: Turn,
    checkpoint: Path | None,
    monitor: Monitor,
    device: torch.device,
    score: Score | None,
    epochs: int | None,
) -> Fitted:
    seed = (recipe.seed, turn.number)
    torch.manual_seed(recipe.seed * 1009 + turn.number)
    network = FusionNetwork(architecture)
    mine = places.sites.taken(share.sites)
    presences, surveys = torch.from_numpy(mine.presences()), torch.from_numpy(mine.surveys())
    loss = FullWeightedLoss(presences, len(mine), lambda2, surveys)
    learner = Learner(network, places.sights, loss, recipe, seed)
    best = BestEpoch(
        None if score is None else lambda: score(network), recipe.patience, epochs or recipe.epochs
    )
    trainer = Trainer(
        max_epochs=recipe.epochs,
        accelerator={"cuda": "gpu", "mps": "mps"}.get(device.type, "cpu"),
        devices="auto" if device.type == "cuda" else 1,
        precision=_precision(recipe.precision, device),
        callbacks=[
            best,
            Watch(monitor, turn.name, turn.done, turn.total, best, checkpoint, places.inputs.demand_unchanged),
        ],
        plugins=[StateFiles()],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        default_root_dir=None if checkpoint is None else checkpoint.parent,
    )
    batches = Batches(
        places,
        share.sites,
        share.background,
        recipe.batch_size,
        seed,
        lambda: Moment(trainer.current_epoch, trainer.global_rank, trainer.world_size),
    )
    # A loader draws a number when it starts; from its own generator, so that it changes nothing.
    loader = DataLoader(batches, batch_size=None, generator=torch.Generator())
    with warnings.catch_warnings(), _interruptible():
        warnings.simplefilter("ignore")  # of Lightning, about workers and logging intervals
        trainer.fit(
            learner,
            loader,
            ckpt_path=checkpoint if checkpoint is not None and checkpoint.is_file() else None,
            weights_only=True,
        )
    network.load_state_dict(best.weights)
    network.requires_grad_(False).eval().to("cpu")
    return Fitted(network, best.epoch, best.best if score is not None else float("nan"))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C be an interrupt, where Lightning makes it an exit and is deaf to the next one."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as error:
        if not isinstance(error.__context__, KeyboardInterrupt):
            raise
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from error


def _precision(wanted: str, device: torch.device) -> Literal["bf16-mixed", "32-true"]:
    """Return Lightning's name of a precision; ``auto`` is mixed on a GPU that can."""
    quick = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return "bf16-mixed" if wanted == "bfloat16" or (wanted == "auto" and quick) else "32-true"
