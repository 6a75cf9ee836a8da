"""What a training keeps on disk until its model file is there: one state a network, and those that are done."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ...models.architecture import Architecture
from ...models.network import FusionNetwork
from ..aside import SUFFIX, refusal
from ..resumable_folder import ResumableFolder
from .fitting import Fitted


class RunFolder(ResumableFolder):
    """``MODEL.partial`` beside a model file to be. Use as a context manager; ``remove`` it when all is done.

    Parameters
    ----------
    model
        The model file that training will write.
    fingerprint, resume
        As ``ResumableFolder`` has them.
    """

    def __init__(self, model: Path, fingerprint: str, resume: bool) -> None:
        super().__init__(model.with_suffix(SUFFIX), fingerprint, resume, f"trains {model}")

    def __enter__(self) -> RunFolder:
        return self

    def checkpoint(self, number: int) -> Path:
        """Return the file for the state of a network that is not done."""
        return self.path / f"network_{number}.ckpt"

    def keep(self, number: int, fitted: Fitted) -> None:
        """Keep a network that is done; its state is no longer needed."""
        file = self.path / f"network_{number}.safetensors"
        partial = file.with_suffix(SUFFIX)
        facts = {"epochs": str(fitted.epochs), "score": repr(fitted.score)}
        try:
            save_file(fitted.network.state_dict(), partial, metadata=facts)
            partial.replace(file)
        except (OSError, SafetensorError) as error:
            raise refusal(self.path, error) from error
        for state in self.path.glob(f"network_{number}.*ckpt"):  # of each member
            state.unlink()

    def kept(self, number: int, architecture: Architecture) -> Fitted | None:
        """Return a network that is done, or None."""
        file = self.path / f"network_{number}.safetensors"
        if not file.is_file():
            return None
        network = FusionNetwork(architecture)
        with safe_open(file, "pt") as stream:
            facts = stream.metadata()
            network.load_state_dict({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118
        network.requires_grad_(False).eval()
        return Fitted(network, int(facts["epochs"]), float(facts["score"]))
