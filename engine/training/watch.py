"""Progress, cancelling and a checkpoint after every epoch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from ..running.progress import Monitor
from .best_epoch import BestEpoch
from .learner import Learner


class Watch(Callback):
    """Tells a monitor how far one network is, and keeps the state after each whole epoch in a file.

    Parameters
    ----------
    monitor
        Asked after every batch whether to go on.
    name
        The network in words, such as ``fold 1 of 5``.
    done, total
        Epochs of the whole job: done before this network, and in all.
    best
        Tells the score.
    checkpoint
        File for the state; it appears whole or not at all (``StateFiles``). None keeps none.
    unchanged
        Raises where what the network learns from is not as it was; then no state is kept.
    """

    def __init__(
        self,
        monitor: Monitor,
        name: str,
        done: int,
        total: int,
        best: BestEpoch,
        checkpoint: Path | None,
        unchanged: Callable[[], None],
    ) -> None:
        self._monitor = monitor
        self._name = name
        self._done, self._total = done, total
        self._best = best
        self._checkpoint = checkpoint
        self._unchanged = unchanged

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say where this network starts."""
        self._report(trainer.current_epoch, self._name)

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Stop where the user asked for it."""
        self._monitor.check()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep the state, then tell how far it is."""
        self._unchanged()
        if self._checkpoint is not None:
            trainer.save_checkpoint(self._checkpoint)
        losses = pl_module.losses if isinstance(pl_module, Learner) else []
        said = f"{self._name}: loss {sum(losses) / max(1, len(losses)):.3f}"
        if self._best.value == self._best.value:
            said += f", AUC {self._best.value:.3f}"
        self._report(trainer.current_epoch + 1, said)

    def _report(self, epochs: int, detail: str) -> None:
        self._monitor.report("training", self._done + epochs, self._total, "epochs", detail)
