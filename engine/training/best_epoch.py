"""Early stopping: the epoch whose network does best at places that it does not learn from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from .learner import Learner

Score = Callable[[], float]


class BestEpoch(Callback):
    """Keeps the weights of the best epoch, and stops where nothing has become better for a while.

    Parameters
    ----------
    score
        Called after every epoch, with the network in evaluation mode: higher is better, NaN is none. Without
        one the last epoch is the best.
    patience
        Epochs without a better one after which training stops; 0: never.
    last
        Number of epochs after which training stops in any case.
    """

    def __init__(self, score: Score | None, patience: int, last: int) -> None:
        self._score = score
        self._patience = patience
        self._last = last
        self.best = float("-inf")
        self.value = float("nan")
        self.epoch = 0
        self.weights: dict[str, torch.Tensor] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop at once where the state that training goes on from is one of its end."""
        trainer.should_stop = self._ended(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Score the network as it is now."""
        if not isinstance(pl_module, Learner):
            raise TypeError("only a learner has a network")
        done = trainer.current_epoch + 1
        network = pl_module.network
        if self._score is not None:
            network.eval()
            self.value = self._score()
            network.train()
        if self._score is None or self.value > self.best or not self.weights:
            self.best = self.value if self.value == self.value else self.best
            self.epoch = done
            self.weights = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        if self._ended(done):
            trainer.should_stop = True

    def _ended(self, done: int) -> bool:
        return done >= self._last or bool(self._patience and done - self.epoch >= self._patience)

    def state_dict(self) -> dict[str, Any]:
        """Return what a resumed run needs."""
        return {"best": self.best, "value": self.value, "epoch": self.epoch, "weights": self.weights}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from ``state_dict``."""
        self.best, self.value = state_dict["best"], state_dict["value"]
        self.epoch, self.weights = state_dict["epoch"], state_dict["weights"]
