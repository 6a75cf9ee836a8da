"""What a training keeps on disk until its model file is there: one state a network, and those that are done."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ...models.architecture import Architecture
from ...models.network import FusionNetwork
from ...models.whole_file import write_whole
from ..files.aside import SUFFIX, writing
from ..files.resumable_folder import ResumableFolder
from ..protocol.kept_work import work_in
from .fitting import Fitted

FINISHED = "finished"
STATE = re.compile(r"network_(\d+)(?:\.\d+)?\.ckpt")  # of each member


class RunFolder(ResumableFolder):
    """``MODEL.partial`` beside a model file to be. Use as a context manager; ``remove`` it when all is done.

    Parameters
    ----------
    model
        The model file that training will write.
    fingerprint, resume
        As ``ResumableFolder`` has them.
    """

    def __init__(self, model: Path, fingerprint: str, resume: bool | None) -> None:
        super().__init__(model.with_suffix(SUFFIX), fingerprint, resume, f"trains {model}")

    def __enter__(self) -> RunFolder:
        return self

    def progress(self, path: Path) -> Mapping[str, float]:
        """Return how far each network is: 1 where it is done, else less, by its epochs."""
        found: dict[str, float] = {}
        for name in work_in(path):
            state = STATE.fullmatch(name)
            key = f"network_{state[1]}" if state else name.removesuffix(".safetensors")
            far = 1 - 1 / (2 + _epochs(path / name)) if state else 1.0
            found[key] = max(found.get(key, 0.0), far)
        return found

    @contextmanager
    def finishing(self, target: Path) -> Iterator[Path]:
        """Yield a folder for what is made of the networks, on the disk of ``target``, where it is moved to.

        Raises
        ------
        InputError
            The disk is full, or ``target`` can't be written.
        """
        made = self.path / FINISHED
        shutil.rmtree(made, ignore_errors=True)
        try:
            with writing(target):
                made.mkdir()
                yield made
        finally:
            shutil.rmtree(made, ignore_errors=True)

    def checkpoint(self, number: int) -> Path:
        """Return the file for the state of a network that is not done; one that can't be read is deleted."""
        file = self.path / f"network_{number}.ckpt"
        for state in self._states(number):
            if not _is_whole(state):
                state.unlink()
        return file

    def keep(self, number: int, fitted: Fitted) -> None:
        """Keep a network that is done; its state is no longer needed."""
        facts = {"epochs": str(fitted.epochs), "score": repr(fitted.score)}
        with writing(self.path):
            write_whole(self._file(number), save(fitted.network.state_dict(), facts))
            self.forget(number)

    def forget(self, number: int) -> None:
        """Delete the state of a network, so that it is trained from the start."""
        for state in self._states(number):
            state.unlink()

    def kept(self, number: int, architecture: Architecture) -> Fitted | None:
        """Return a network that is done, or None."""
        network = FusionNetwork(architecture)
        try:
            with safe_open(self._file(number), "pt") as stream:
                facts = stream.metadata()
                network.load_state_dict({name: stream.get_tensor(name) for name in stream.keys()})  # noqa: SIM118
            fitted = Fitted(network, int(facts["epochs"]), float(facts["score"]))
        except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError):
            return None  # not there, or cut short by a power cut
        network.requires_grad_(False).eval()
        return fitted

    def _file(self, number: int) -> Path:
        return self.path / f"network_{number}.safetensors"

    def _states(self, number: int) -> list[Path]:
        return sorted(self.path.glob(f"network_{number}.*ckpt"))


def _is_whole(state: Path) -> bool:
    """Tell whether the file of a state can be read to its end."""
    try:
        with zipfile.ZipFile(state) as archive:
            return archive.testzip() is None
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _epochs(state: Path) -> int:
    """Return how many epochs a state has behind it, 0 where it can't be read."""
    with suppress(Exception):  # whatever it holds, it is of no use then
        return int(torch.load(state, map_location="meta", weights_only=True)["epoch"])
    return 0
