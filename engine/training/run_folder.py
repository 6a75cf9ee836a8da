"""What a training keeps on disk until its model file is there: one state a network, and those that are done."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import TracebackType

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ...models.architecture import Architecture
from ...models.network import FusionNetwork
from ..aside import SUFFIX, held_by_another, refusal
from ..errors import InputError
from .fitting import Fitted

RUN = "run.json"


class RunFolder:
    """``MODEL.partial`` beside a model file to be. Use as a context manager; ``remove`` it when all is done.

    Parameters
    ----------
    model
        The model file that training will write.
    fingerprint
        Text that stands for all that decides the result: config, data, versions.
    resume
        Whether to go on from what an earlier run of the same fingerprint left. Else that is put aside, as
        ``MODEL.partial.old``.

    Raises
    ------
    InputError
        The folder can't be written, another run writes there, or what is there was made from something else.
    """

    def __init__(self, model: Path, fingerprint: str, resume: bool) -> None:
        self._model = model
        self.path = model.with_suffix(SUFFIX)
        try:
            model.parent.mkdir(parents=True, exist_ok=True)
            self._take(fingerprint, resume)
        except OSError as error:
            raise refusal(model.parent, error) from error

    def __enter__(self) -> RunFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(None)

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
        self.checkpoint(number).unlink(missing_ok=True)

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

    def remove(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _take(self, fingerprint: str, resume: bool) -> None:
        found = self._read()
        if self.path.exists():
            if not found:
                raise InputError(f"{self.path} is in the way and is not Scalescape's; move it away.")
            if held_by_another(found.get("pid")):
                raise InputError(f"Another run trains {self._model}; wait for it, or choose another file.")
            if not resume:
                old = self.path.with_name(self.path.name + ".old")
                shutil.rmtree(old, ignore_errors=True)
                self.path.rename(old)
            elif found.get("fingerprint") != fingerprint:
                raise InputError(
                    f"What {self.path} holds was made with another config, other data or another version; "
                    "go back to those, or start anew without --resume."
                )
        self.path.mkdir(exist_ok=True)
        self._fingerprint = fingerprint
        self._write(os.getpid())

    def _read(self) -> dict[str, object]:
        try:
            found = json.loads((self.path / RUN).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, pid: int | None) -> None:
        if self.path.is_dir():
            text = json.dumps({"fingerprint": self._fingerprint, "pid": pid})
            partial = self.path / f"{RUN}{SUFFIX}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(self.path / RUN)
