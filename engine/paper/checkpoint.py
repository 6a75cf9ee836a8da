"""The weights of a ``.pth`` file, read without running anything that it holds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError  # nosec B403
from typing import Any

import torch
from torch import Tensor

from ..running.errors import InputError

STATE = "state_dict"
WRAPPED = "module."  # what DataParallel puts before every name


class _Ignored:
    """Stands for a number of NumPy's in a checkpoint: losses, which nobody needs here. Runs nothing."""

    def __init__(self, *values: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


# The authors' losses are NumPy scalars; torch knows no safe way to read them, so they are passed over.
IGNORED: list[Any] = [
    (_Ignored, name)
    for name in ("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype")
]


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a checkpoint by name, the epoch and the validation AUC where it tells them."""

    weights: dict[str, Tensor]
    epoch: int | None
    auc: float | None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint: the authors' dictionary with its ``state_dict``, or that alone.

    Raises
    ------
    InputError
        The file can't be read, holds more than tensors and plain values, or no weights.
    """
    try:
        with torch.serialization.safe_globals(IGNORED):
            found = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"The checkpoint {path} can't be read ({reason}); choose another.") from error
    except UnpicklingError as error:  # torch's own refusal; pickle itself is never used
        raise InputError(
            f"{path} is no checkpoint, or holds more than weights and was refused, since such a file could run "
            "programs; save the network's state_dict alone, with torch.save."
        ) from error
    except (RuntimeError, EOFError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise InputError(f"{path} is no checkpoint of torch, or is cut short; choose another file.") from error
    values = found if isinstance(found, dict) else {}
    weights = values[STATE] if isinstance(values.get(STATE), dict) else values
    if not weights or not all(isinstance(k, str) and isinstance(v, Tensor) for k, v in weights.items()):
        raise InputError(
            f"{path} holds no weights by name; give a checkpoint such as best_val_auc.pth, with its state_dict."
        )
    epoch, auc = values.get("epoch"), values.get("val_auc")
    return Checkpoint(
        weights={name.removeprefix(WRAPPED): weight for name, weight in weights.items()},
        epoch=epoch if isinstance(epoch, int) else None,
        auc=auc if isinstance(auc, float) and math.isfinite(auc) else None,
    )
