"""How fast dense evaluation is, beside the two ways of going window by window, measured in one run.

The references are as fast as plain torch makes them: batched, in inference mode, in the fastest batch size and
memory format found, on a random sample of the same pixels for long enough to be steady.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...models.architecture import Architecture
from ...models.cost import useful_flops
from ...models.fusion import fused
from ...models.network import FusionNetwork
from ...models.presets import PRESETS, architecture
from ..mapping.branches import Branches
from ..running.device import chosen, label_of

BANDS = {"bioclim": 19, "satellite": 4}
FINE_PER_CELL = 64  # a climate cell of the paper is about 643 m, a satellite pixel 10 m
PAPER_WINDOW = 116  # px; the authors' code rounds 115 up
BATCHES = (8, 16, 32, 64)
FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
SECONDS = 20.0
LOGIT_DEVIATION = 2.0
MATRIX = 2048
PEAK_SECONDS = 2.0
COLUMN, STRIP = 1024, 64
SAMPLE = 4096
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class BenchSetting:
    """What was measured, and on what."""

    preset: str
    step: int
    size: int
    species: int
    device: str
    threads: int
    precision: str


@dataclass(frozen=True)
class DenseBench(BenchSetting):
    """The figures of ``scalescape bench dense``; differences are of probabilities, over the sample."""

    paper_px_per_s: float
    patch_px_per_s: float
    dense_px_per_s: float
    ratio_paper: float
    ratio_patch: float
    max_abs_diff: float
    compared_px: int
    useful_mflop_per_px: float
    peak_gflop_per_s: float
    fraction_of_peak: float


class PaperForm(nn.Module):
    """One window a pixel as in the authors' code: the padded backbone on all of it, every branch on that."""

    def __init__(self, shape: Architecture) -> None:
        super().__init__()
        self.network = FusionNetwork(Architecture(shape.modalities, shape.species, "zero", shape.branch_norm))

    def forward(self, patches: dict[str, Tensor]) -> Tensor:
        """Return logits (sites, species) from windows (sites, bands, side, side) by modality."""
        features = {}
        for modality in self.network.architecture.modalities:
            shared = self.network.backbones[modality.name](patches[modality.name])
            for branch in modality.branches:
                key = modality.name, branch.scale
                features[key] = self.network.branch(key)(shared)
        return self.network.logits(features)


@torch.inference_mode()
def bench_dense(
    preset: str = "paper-bimodal",
    step: int = 1,
    size: int = 1024,
    species: int = 100,
    precision: str = "float32",
    device_name: str = "auto",
    seconds: float = SECONDS,
    report: Callable[[str], None] = lambda text: None,
) -> DenseBench:
    """Measure a map of ``size`` x ``size`` output pixels of noise, network only (no files).

    The paper's form runs in float32 whatever the ``precision`` of the dense and the patch-wise network.
    """
    device, dtype = chosen(device_name), DTYPES[precision]
    torch.manual_seed(0)
    shape = architecture(preset, BANDS, species)
    plain = calibrated(FusionNetwork(shape).eval()).to(device)
    finest = "satellite" if "satellite" in PRESETS[preset] else next(iter(PRESETS[preset]))
    report("measuring the peak of matrix products")
    peak = matrix_peak(device, dtype)
    scene = Scene(shape, finest, step, size, device)
    report("dense")
    network = fused(plain).in_precision(finest, dtype)
    dense_seconds, probability = dense_map(network, scene)
    sample = scene.sample(min(SAMPLE, size * size))
    report("the same network, window by window")
    patch_rate, patch_probability = windows_rate(network, scene, sample, 0, seconds)
    report("the paper's form, window by window")
    extra = PAPER_WINDOW - scene.window if finest == "satellite" else 0
    paper_rate, _ = windows_rate(PaperForm(shape).eval().to(device), scene, sample, extra, seconds)
    compared = patch_probability.shape[1]
    got = probability[:, sample[:compared, 0], sample[:compared, 1]]
    useful = useful_flops(shape, finest, step, shape.modality(finest).scales)
    rate = size * size / dense_seconds
    return DenseBench(
        preset=preset,
        step=step,
        size=size,
        species=species,
        device=label_of(device),
        threads=torch.get_num_threads(),
        precision=precision,
        paper_px_per_s=paper_rate,
        patch_px_per_s=patch_rate,
        dense_px_per_s=rate,
        ratio_paper=rate / paper_rate,
        ratio_patch=rate / patch_rate,
        max_abs_diff=float((got - patch_probability).abs().max()),
        compared_px=compared,
        useful_mflop_per_px=useful / 1e6,
        peak_gflop_per_s=peak / 1e9,
        fraction_of_peak=useful * rate / peak,
    )


class Scene:
    """Noise for a map: the finest modality's pixels, and one cell of each other for every so many of them."""

    def __init__(self, shape: Architecture, finest: str, step: int, size: int, device: torch.device) -> None:
        self.shape, self.finest, self.step, self.size = shape, finest, step, size
        self.window = max(shape.modality(finest).scales)
        side = (size - 1) * step + PAPER_WINDOW + 1
        self.fine = torch.randn(shape.modality(finest).bands, side, side, device=device)
        self.others = [m for m in shape.modalities if m.name != finest]
        cells = size * step // FINE_PER_CELL + 1
        self.coarse = {
            m.name: torch.randn(m.bands, cells + max(m.scales) - 1, cells + max(m.scales) - 1, device=device)
            for m in self.others
        }

    def cell(self, index: Tensor) -> Tensor:
        """Return the cell under output rows or columns."""
        return index * self.step // FINE_PER_CELL

    def sample(self, number: int) -> Tensor:
        """Return random pixels (number, 2): output row and column."""
        return torch.randint(0, self.size, (number, 2))

    def patches(self, at: Tensor, extra: int) -> dict[str, Tensor]:
        """Return the windows of pixels (sites, 2), the finest's wider by ``extra`` pixels."""
        side = self.window + extra
        found = {
            self.finest: torch.stack(
                [self.fine[:, r : r + side, c : c + side] for r, c in (at * self.step).tolist()]
            )
        }
        for modality in self.others:
            reach = max(modality.scales)
            grid = self.coarse[modality.name]
            found[modality.name] = torch.stack(
                [grid[:, r : r + reach, c : c + reach] for r, c in self.cell(at).tolist()]
            )
        return found


def dense_map(network: FusionNetwork, scene: Scene) -> tuple[float, Tensor]:
    """Return the seconds that a dense map takes, and its probabilities (species, rows, columns) on the CPU."""
    weight = network.head.weight
    species = torch.arange(scene.shape.species, device=weight.device)

    def branches(name: str, step: int) -> Branches:
        return Branches(network, name, scene.shape.modality(name).scales, step, species, True)

    fine = branches(scene.finest, scene.step)
    probability = torch.empty(scene.shape.species, scene.size, scene.size)
    bias = network.head.bias.float()[:, None]
    columns = min(COLUMN, scene.size)
    started = time.perf_counter()
    coarse = {
        m.name: branches(m.name, 1).everywhere(scene.coarse[m.name].cpu().numpy(), lambda: None)
        for m in scene.others
    }
    for left in range(0, scene.size, columns):
        across = min(columns, scene.size - left)
        column = fine.column(across, STRIP, lambda: None)
        read = 0
        for up in range(0, scene.size, STRIP):
            rows = min(STRIP, scene.size - up)
            stop = (up + rows - 1) * scene.step + scene.window
            first = left * scene.step
            new = scene.fine[None, :, read:stop, first : first + (across - 1) * scene.step + scene.window]
            column.feed(new.to(network.dtype_of(scene.finest), memory_format=torch.channels_last))
            read = stop
            logits = fine.next_logits(column, rows).add_(bias)
            r = scene.cell(torch.arange(up, up + rows))[:, None]
            c = scene.cell(torch.arange(left, left + across))[None, :]
            for modality in scene.others:
                cells = scene.coarse[modality.name].shape[-1] - max(modality.scales) + 1
                logits += coarse[modality.name][:, (r * cells + c).flatten().to(logits.device)]
            values = torch.sigmoid_(logits).reshape(-1, rows, across)
            probability[:, up : up + rows, left : left + across] = values
    return time.perf_counter() - started, probability


def windows_rate(
    network: nn.Module, scene: Scene, sample: Tensor, extra: int, seconds: float
) -> tuple[float, Tensor]:
    """Return pixels a second window by window, in the best batch size and format, and their probabilities."""
    fusion = network.network if isinstance(network, PaperForm) else network
    if not isinstance(fusion, FusionNetwork):
        raise TypeError("only a fusion network has windows")

    def run(start: int, batch: int, layout: torch.memory_format) -> tuple[float, Tensor]:
        at = sample[torch.arange(start, start + batch) % len(sample)]
        patches = {
            name: one.to(fusion.dtype_of(name), memory_format=layout)
            for name, one in scene.patches(at, extra).items()
        }
        begun = time.perf_counter()
        probability = torch.sigmoid(network(patches)).cpu()
        return time.perf_counter() - begun, probability

    best = (0.0, BATCHES[0], torch.contiguous_format)
    for layout in FORMATS.values():
        network.to(memory_format=layout)  # type: ignore[call-overload]
        for batch in BATCHES:
            run(0, batch, layout)
            best = max(best, (batch / run(0, batch, layout)[0], batch, layout), key=lambda found: found[0])
    _, batch, layout = best
    network.to(memory_format=layout)  # type: ignore[call-overload]
    spent, done, found = 0.0, 0, []
    while spent < seconds:
        took, probability = run(done, batch, layout)
        spent, done = spent + took, done + batch
        found.append(probability)
    return done / spent, torch.cat(found)[: len(sample)].T


def matrix_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Return the operations a second of this device's best product of two large matrices."""
    a, b = (torch.randn(MATRIX, MATRIX, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    begun = time.perf_counter()
    while time.perf_counter() - begun < PEAK_SECONDS:
        started = time.perf_counter()
        float((a @ b)[0, 0])  # waits for a GPU too
        best = min(best, time.perf_counter() - started)
    return 2 * MATRIX**3 / best


def calibrated(network: FusionNetwork) -> FusionNetwork:
    """Return the network with its head scaled, so that logits over noise have mean 0 and deviation 2."""
    patches = {
        m.name: torch.randn(16, m.bands, max(m.scales), max(m.scales)) for m in network.architecture.modalities
    }
    logits = network(patches)
    network.head.weight.mul_(LOGIT_DEVIATION / logits.std(dim=0).mean().clamp(min=1e-6))
    network.head.bias.sub_(network(patches).mean(dim=0))
    return network
