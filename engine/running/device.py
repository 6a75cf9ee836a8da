"""Where a network runs, and why not on a GPU."""

from __future__ import annotations

import platform
from dataclasses import dataclass

import torch

from .errors import InputError


@dataclass(frozen=True)
class Device:
    """A device of torch by its name (``cpu``, ``cuda``, ``mps``) and in words."""

    name: str
    label: str


def devices() -> list[Device]:
    """Return the devices that work here, the fastest first."""
    found = []
    if torch.cuda.is_available():
        found.append(Device("cuda", torch.cuda.get_device_name()))
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    threads = torch.get_num_threads()
    found.append(Device("cpu", f"{platform.machine()} processor, {threads} threads"))
    return found


def gpu_note() -> str:
    """Return why no GPU is used, or an empty string where one is."""
    if devices()[0].name != "cpu":
        return ""
    if torch.version.cuda is None and platform.system() != "Darwin":
        return "This PyTorch was built without CUDA, so the processor is used."
    return "No GPU was found, so the processor is used."


def chosen(name: str) -> torch.device:
    """Return the device ``name``, for ``auto`` the fastest. Raise InputError where it is not there."""
    torch.backends.cudnn.allow_tf32 = False  # float32 shall mean float32
    have = [device.name for device in devices()]
    if name == "auto":
        return torch.device(have[0])
    if name not in have:
        raise InputError(f"There is no device {name} here ({gpu_note()}); choose from {', '.join(have)}.")
    return torch.device(name)


def label_of(device: torch.device) -> str:
    """Return a device in words."""
    return next((one.label for one in devices() if one.name == device.type), device.type)
