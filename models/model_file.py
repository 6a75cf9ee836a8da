"""The model file: weights, branch means and card in one ``.safetensors`` file. Nothing is ever unpickled."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from .architecture import Architecture, BranchKey
from .card import METADATA_KEY, Card, read_header
from .errors import ModelError
from .feature_space import FeatureSpace, space_sizes
from .network import FusionNetwork, branch_name
from .whole_file import write_whole

MEANS = "branch_means."
NETWORK = "network."
COUNTS, VARIANCES = ".num_batches_tracked", ".running_var"  # of batch norms
FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)
FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
AXES, CENTRES, LIMITS = "feature_axes.", "feature_centres.", "feature_limits."  # of feature spaces, where known


@dataclass(frozen=True)
class ModelFile:
    """A network in evaluation mode, its card, and the mean of each branch's features (out_size,).

    The means are over background points or, for surveys, over sites: contributions are centred on them. Where
    the card says that no replacement was learnt (``training.scale_dropout``), they also replace what is off.
    They are zeros where the card says that nobody knows them (``training.centred``). Feature spaces are there
    where training made them; files of before have none.
    """

    network: FusionNetwork
    card: Card
    branch_means: dict[BranchKey, Tensor]
    feature_spaces: dict[BranchKey, FeatureSpace] = field(default_factory=dict)


def write_model(path: str | Path, model: ModelFile) -> None:
    """Write a model file; it appears whole or not at all.

    Raises
    ------
    ModelError
        Network, means and card do not fit each other, a weight is not finite, or the file can't be written.
    """
    path = Path(path)
    content = model_bytes(model, str(path))
    try:
        write_whole(path, content)
    except OSError as error:
        remedy = "free some space, or choose another place" if error.errno in FULL else "choose another place"
        raise ModelError(
            f"The model file {path} can't be written ({error.strerror or error}); {remedy}."
        ) from error


def model_bytes(model: ModelFile, source: str) -> bytes:
    """Return what the file ``source`` of a model holds. Raises as ``write_model``, but for the writing."""
    card = Card.from_json(model.card.to_json(), source)
    tensors = {NETWORK + name: value.detach() for name, value in model.network.state_dict().items()}
    tensors |= {MEANS + branch_name(key): value.detach() for key, value in model.branch_means.items()}
    for key, space in model.feature_spaces.items():
        name = branch_name(key)
        tensors |= {AXES + name: space.axes, CENTRES + name: space.centre}
        tensors[LIMITS + name] = torch.tensor(space.limit)
    tensors = {name: value.to("cpu").contiguous() for name, value in tensors.items()}
    _check(card, {name: tuple(value.shape) for name, value in tensors.items()}, source)
    _check_values(tensors, source)
    return save(tensors, {METADATA_KEY: card.to_json()})


def read_model(path: str | Path) -> ModelFile:
    """Read a model file. It is read once, as a whole: what is then written over it changes nothing.

    Raises
    ------
    CardError
        The file is no model file of ours (see ``models.card.read_header``).
    ModelError
        The weights do not fit the card, or one is not finite.
    """
    path = Path(path)
    header = read_header(path)
    architecture = _check(header.card, header.shapes, str(path))
    try:
        tensors = load(path.read_bytes())
    except (OSError, SafetensorError) as error:
        raise ModelError(f"The weights of {path} can't be read ({error}); get the file again.") from error
    if {name: tuple(value.shape) for name, value in tensors.items()} != header.shapes:
        raise ModelError(f"{path} was changed while it was read; try again.")
    _check_values(tensors, str(path))
    network = FusionNetwork(architecture)
    network.load_state_dict(
        {name[len(NETWORK) :]: value for name, value in tensors.items() if name.startswith(NETWORK)}
    )
    network.requires_grad_(False).eval()
    means = {key: tensors[MEANS + branch_name(key)].float() for key in architecture.branch_keys}
    if not header.card.training.scale_dropout:
        for key, mean in means.items():
            network.replacements[branch_name(key)].copy_(mean)
    spaces = {
        key: FeatureSpace(
            tensors[CENTRES + name].float(), tensors[AXES + name].float(), float(tensors[LIMITS + name])
        )
        for key in space_sizes(architecture)
        if AXES + (name := branch_name(key)) in tensors
    }
    return ModelFile(network, header.card, means, spaces)


def digest(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(card: Card, shapes: dict[str, tuple[int, ...]], path: str) -> Architecture:
    """Return the card's architecture. Raise ModelError where card and tensor shapes contradict each other."""
    try:
        architecture = Architecture.from_dict(card.architecture)
    except ModelError as error:
        raise ModelError(f"The card of {path} is faulty: {error} Get the file again.") from error
    described = [(m.name, m.channels, tuple(m.scales), m.patch) for m in card.modalities]
    built = [(m.name, m.bands, m.scales, m.patch) for m in architecture.modalities]
    if described != built or len(card.species) != architecture.species:
        raise ModelError(
            f"The card of {path} contradicts itself: bands, scales or species are not those of its "
            "architecture; get the file again."
        )
    if sum(modality.layers for modality in architecture.modalities) > len(shapes):
        raise ModelError(
            f"The weights of {path} do not fit its card, which names more layers than there are weights; get "
            "the file again."
        )
    try:
        with torch.device("meta"):
            network = FusionNetwork(architecture)
    except ModelError as error:
        raise ModelError(f"The card of {path} is faulty: {error} Get the file again.") from error
    wanted = {NETWORK + name: tuple(value.shape) for name, value in network.state_dict().items()}
    for modality in architecture.modalities:
        for branch in modality.branches:
            wanted[MEANS + branch_name((modality.name, branch.scale))] = (branch.out_size,)
    for key, size in space_sizes(architecture).items():
        name = branch_name(key)
        axes = shapes.get(AXES + name)
        if axes is not None:
            components = axes[0] if axes and 0 < axes[0] <= size else 1
            wanted |= {AXES + name: (components, size), CENTRES + name: (size,), LIMITS + name: ()}
    for name in sorted(set(wanted) | set(shapes)):
        if wanted.get(name) != shapes.get(name):
            raise ModelError(
                f"The weights of {path} do not fit its card: {name} is {shapes.get(name, 'missing')} "
                f"where the card wants {wanted.get(name, 'none')}; get the file again."
            )
    return architecture


def _check_values(tensors: dict[str, Tensor], path: str) -> None:
    """Raise ModelError where a tensor holds what no weight is."""
    for name, value in tensors.items():
        counts = name.endswith(COUNTS)
        if counts != (value.dtype == torch.int64) or not (counts or value.dtype in FLOATS):
            raise ModelError(f"The weights of {path} are of a type that none has ({name}); get the file again.")
        if not counts and not bool(torch.isfinite(value).all()):
            raise ModelError(f"The weights of {path} are not finite ({name}); train the network again.")
        if name.endswith(VARIANCES) and bool((value < 0).any()):
            raise ModelError(f"The weights of {path} hold a negative variance ({name}); get the file again.")
        if name.startswith(LIMITS) and not float(value) > 0:
            raise ModelError(
                f"The weights of {path} hold a distance that is none ({name}); get the file again."
            )
