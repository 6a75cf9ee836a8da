"""The files that hold the state of a network between epochs, as Lightning writes them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from ...models.whole_file import write_whole
from ..files.aside import writing


class StateFiles(TorchCheckpointIO):
    """Writes each state whole or not at all. Lightning's own way leads through the folder of temporary files.

    Raises
    ------
    InputError
        The folder can't be written.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        """Write a state to the file ``path``."""
        buffer = io.BytesIO()
        torch.save(checkpoint, buffer)
        with writing(Path(path).parent):
            write_whole(Path(path), buffer.getvalue())
