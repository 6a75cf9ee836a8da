"""Thousands of spoilt model files: each is refused in one sentence, or read as what it says."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scalescape.engine.commands.card_text import card_text
from scalescape.models import model_file
from scalescape.models.card import Band, Card, Modality, Species, Training, read_card
from scalescape.models.errors import CardError, ModelError
from scalescape.models.feature_space import FeatureSpace, space_sizes
from scalescape.models.model_file import ModelFile, model_bytes, read_model
from scalescape.models.network import FusionNetwork
from scalescape.models.plain_json import plain_json
from scalescape.models.presets import architecture
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

OVERHEAD = 64 * 1024  # bytes: what any network takes, however small

# As they stand in JSON: also what no Python value gives.
WRONG = [
    "null", "true", "-1", "0", "1", "0.5", "1e999", "-1e999", "1e-320", "1e320", "1e30", "NaN", "Infinity",
    "-Infinity", str(2**31), str(2**63), str(2**64), str(10**400), "-" + str(10**400), '""', '"text"',
    '"\\u0000"', '"\\ud800"', '"a\\nb"', '"\\u202e"', json.dumps("x" * 100_000), "[]", "{}", "[1]", '["a"]',
    '{"a": 1}', "[[]]",
    "[" * 20 + "]" * 20, "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, '{"a": 1, "a": 2}',
    json.dumps(list(range(20_000))), "[NaN]", '[""]', "[null, null]", "1E400", "01", "'a'", "",
]  # fmt: skip


def whole_model() -> ModelFile:
    """A model with each kind of thing that a file may hold."""
    shape = architecture(
        "default", {"climate": 3, "scene": 2}, species=3, width=0.03, scales={"climate": (1, 3), "scene": (25,)}
    )
    quantiles = tuple(np.linspace(-2, 2, 101).tolist())
    climate = (
        Band("bio1", 0.5, 2.0, 0.5, quantiles, "Mean temperature", "°C"),
        Band("cover", 0.0, 1.0, 0.0, categories=(1, 5)),
    )
    scene = tuple(Band(name, 100.0, 20.0, 100.0) for name in ("red", "nir"))
    species = (
        Species("Abies alba Mill.", 12, "po", 2685484, threshold=0.4, threshold_rule="largest TSS", auc=0.8),
        Species("Bufo bufo", 9, "pa", prevalence=0.3, thresholds={"largest TSS": 0.2}, calibration=(1.1, -0.3)),
        Species("Ünïcode", 3, "pa-balanced", lambda2=1.0, auc_against="survey absences"),
    )
    card = Card(
        name="Whole", summary="All that there may be.", licence="CC0-1.0", citation="nobody",
        architecture=shape.to_dict(),
        modalities=(
            Modality("climate", climate, 1 / 120, "degree", (1, 3)),
            Modality("scene", scene, 10.0, "metre", (25,)),
        ),
        species=species,
        training=Training("made up", 0.5, "random", (0.0, 1.0, 2.0, 3.0), "EPSG:4326", scale_dropout=True),
        metrics={"auc_median": 0.9, "n": 2, "by": {"fold": [0.8, 0.9]}}, date="2026-01-01",
        software={"torch": "2.13.0"},
    )  # fmt: skip
    means = {key: torch.randn(size) for key, size in space_sizes(shape).items() if key[1]}
    spaces = {
        key: FeatureSpace(torch.randn(size), torch.randn(2, size), 2.5)
        for key, size in space_sizes(shape).items()
    }
    return ModelFile(FusionNetwork(shape).eval(), card, means, spaces)


@pytest.fixture(scope="module")
def sound() -> bytes:
    torch.manual_seed(0)
    return model_bytes(whole_model(), "sound")


class Parts:
    """A model file taken apart: header as JSON values, the card's text, and the weights."""

    def __init__(self, content: bytes) -> None:
        length = struct.unpack("<Q", content[:8])[0]
        self.header: dict[str, Any] = json.loads(content[8 : 8 + length])
        self.card: str = self.header["__metadata__"]["scalescape"]
        self.weights = content[8 + length :]

    def with_card(self, card: str) -> bytes:
        return joined(json.dumps({**self.header, "__metadata__": {"scalescape": card}}), self.weights)


def joined(header: str, weights: bytes) -> bytes:
    text = header.encode("utf-8", "surrogatepass")
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + weights


def places(value: object, trail: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in JSON values, of long lists the first two."""
    yield trail
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*trail, key))
    elif isinstance(value, list):
        for index, one in list(enumerate(value))[:2]:
            yield from places(one, (*trail, index))


HOLE = "a hole for what is put in"


def put(values: Any, trail: tuple[Any, ...], text: str) -> str:
    """JSON text of values with ``text`` in place of what is at a place."""
    values = json.loads(json.dumps(values))
    spot = values
    for step in trail[:-1]:
        spot = spot[step]
    spot[trail[-1]] = HOLE
    return json.dumps(values).replace(f'"{HOLE}"', text, 1)


def bytes_changed(parts: Parts, content: bytes, draw: np.random.Generator) -> bytes:
    """Some bytes changed, left out, or doubled, in the header as often as in the weights."""
    spoilt = bytearray(content)
    end = len(content) - len(parts.weights) if draw.random() < 0.7 else len(content)
    for _ in range(int(draw.choice([1, 1, 2, 8, 64]))):
        at = int(draw.integers(end))
        way = draw.integers(4)
        if way < 2:
            spoilt[at % len(spoilt)] ^= 1 << int(draw.integers(8)) if way else int(draw.integers(1, 256))
        elif way == 2:
            del spoilt[at : at + int(draw.integers(1, 9))]
        else:
            spoilt[at:at] = spoilt[at : at + int(draw.integers(1, 9))]
    return bytes(spoilt)


def header_changed(parts: Parts, content: bytes, draw: np.random.Generator) -> bytes:
    """Shapes, types and offsets of the weights."""
    every = [
        trail for trail in places(parts.header) if (trail and trail[0] != "__metadata__") or len(trail) == 1
    ]
    header = put(parts.header, every[int(draw.integers(1, len(every)))], str(draw.choice(WRONG)))
    return joined(header, parts.weights)


def offsets_changed(parts: Parts, content: bytes, draw: np.random.Generator) -> bytes:
    """Weights that overlap, leave holes, are longer than the file, or have another's shape."""
    header = json.loads(json.dumps(parts.header))
    names = [name for name in header if name != "__metadata__"]
    one, other = (header[str(name)] for name in draw.choice(names, 2, replace=False))
    way = draw.integers(6)
    if way == 0:
        one["data_offsets"] = other["data_offsets"]
    elif way == 1:
        one["data_offsets"] = [at + int(draw.integers(-8, 9)) for at in one["data_offsets"]]
    elif way == 2:
        one["shape"] = [int(draw.choice([0, 1, 7, 2**20, 2**40, 2**62])) for _ in one["shape"] or [1]]
    elif way == 3:
        one["dtype"] = str(draw.choice(["F16", "BF16", "F64", "I32", "U8", "BOOL", "F8_E4M3", "C64", ""]))
    elif way == 4:
        one["shape"], other["shape"] = other["shape"], one["shape"]
    else:
        header[str(draw.choice(names)) + ".more"] = one
    return joined(json.dumps(header), parts.weights)


def card_changed(parts: Parts, content: bytes, draw: np.random.Generator) -> bytes:
    """Wrong values in the card."""
    card = json.loads(parts.card)
    every = list(places(card))[1:]
    return parts.with_card(put(card, every[int(draw.integers(len(every)))], str(draw.choice(WRONG))))


def fields_changed(parts: Parts, content: bytes, draw: np.random.Generator) -> bytes:
    """Fields of the card left out, doubled, moved or exchanged."""
    card = json.loads(parts.card)
    inner = [trail for trail in places(card) if trail]
    trail = inner[int(draw.integers(len(inner)))]
    spot = card
    for step in trail[:-1]:
        spot = spot[step]
    way = draw.integers(4)
    if way == 0:
        del spot[trail[-1]]
    elif way == 1 and isinstance(spot, list):
        spot.append(spot[trail[-1]])
    elif way == 2 and isinstance(spot, dict):
        text = json.dumps(card)
        name = json.dumps(trail[-1])
        return parts.with_card(text.replace(f"{name}:", f"{name}: 1, {name}:", 1))
    else:
        keys = list(spot) if isinstance(spot, dict) else list(range(len(spot)))
        other = keys[int(draw.integers(len(keys)))]
        spot[trail[-1]], spot[other] = spot[other], spot[trail[-1]]
    return parts.with_card(json.dumps(card))


class LargestTensor(TorchDispatchMode):
    """Notes the bytes of the largest tensor that is made on the processor."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in tree_leaves(found):
            if isinstance(one, torch.Tensor) and one.device.type == "cpu":
                self.bytes = max(self.bytes, one.numel() * one.element_size())
        return found


def outcome(path: Path, measured: bool = True) -> str:
    """What becomes of a file: the sentence by which it is refused, or nothing where it is read and of use."""
    try:
        card = read_card(path)
    except CardError as error:
        with pytest.raises(CardError):
            read_model(path)
        return str(error)
    size = path.stat().st_size
    try:
        with LargestTensor() if measured else nullcontext() as made:
            model = read_model(path)
    except ModelError as error:
        return str(error)
    finally:
        assert made is None or made.bytes <= 2 * size + OVERHEAD
    assert model.card == card
    card_text(card).encode("utf-8")
    for species in card.species:
        card.meaning(species).encode("utf-8")
    network = model.network
    patches = {
        one.name: torch.zeros(2, one.bands, max(one.scales), max(one.scales))
        for one in network.architecture.modalities
    }
    with torch.inference_mode():
        assert network(patches).shape == (2, len(card.species))
    assert Card.from_json(card.to_json(), "again") == card
    return ""


def demand_a_sentence(text: str) -> None:
    assert text.endswith(".") and "\n" not in text and len(text) < 700, text
    text.encode("utf-8")


CAMPAIGNS = {
    bytes_changed: 600,
    header_changed: 400,
    offsets_changed: 300,
    card_changed: 700,
    fields_changed: 300,
}


@pytest.mark.parametrize("spoil", CAMPAIGNS, ids=lambda one: one.__name__)
def test_spoilt_files_are_refused_in_a_sentence_or_are_of_use(
    sound: bytes, tmp_path: Path, spoil: Callable[[Parts, bytes, np.random.Generator], bytes]
) -> None:
    parts, path = Parts(sound), tmp_path / "spoilt.safetensors"
    refused = 0
    for seed in range(CAMPAIGNS[spoil]):
        path.write_bytes(spoil(parts, sound, np.random.default_rng([seed, 17])))
        said = outcome(path, measured=seed % 8 == 0)
        if said:
            refused += 1
            demand_a_sentence(said)
    assert refused > CAMPAIGNS[spoil] / 3


def test_a_sound_file_is_of_use(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sound.safetensors"
    path.write_bytes(sound)
    assert outcome(path) == ""
    parts = Parts(sound)
    path.write_bytes(parts.with_card(parts.card))
    assert outcome(path) == "", "taking apart and joining changes nothing"


@pytest.mark.parametrize("text", WRONG)
@pytest.mark.parametrize("trail", [("format_version",), ("modalities", 0, "pixel_size"), ("metrics", "n")])
def test_every_wrong_value_in_a_few_places(sound: bytes, tmp_path: Path, trail: tuple, text: str) -> None:
    parts, path = Parts(sound), tmp_path / "spoilt.safetensors"
    path.write_bytes(parts.with_card(put(json.loads(parts.card), trail, text)))
    if said := outcome(path):
        demand_a_sentence(said)
    if trail == ("modalities", 0, "pixel_size"):
        assert bool(said) == (text not in ("1", "0.5", "true")) or text == "true"


def changed_card(sound: bytes, path: Path, change: Callable[[dict[str, Any]], object]) -> str:
    parts = Parts(sound)
    card = json.loads(parts.card)
    change(card)
    path.write_bytes(parts.with_card(json.dumps(card)))
    return outcome(path)


def twenty_thousand_layers(card: dict[str, Any]) -> None:
    stack = card["architecture"]["modalities"][0]["branches"][0]["stack"]
    stack |= {"kernels": [1] * 20_000, "pools": [1] * 20_000}


def twenty_thousand_branches(card: dict[str, Any]) -> None:
    modality = card["architecture"]["modalities"][0]
    modality["branches"] = [{**modality["branches"][0], "scale": 2 * n + 1} for n in range(20_000)]


def twenty_thousand_widths(card: dict[str, Any]) -> None:
    card["architecture"]["modalities"][0]["widths"] = [1] * 20_000


def a_huge_pool(card: dict[str, Any]) -> None:
    modality = card["architecture"]["modalities"][0]
    modality["branches"][1]["stack"] |= {"kernels": [1, 2], "pools": [1_000, 1_000]}
    modality["branches"][1]["scale"] = card["modalities"][0]["scales"][1] = 1_000_999


def a_million_features(card: dict[str, Any]) -> None:
    for modality in card["architecture"]["modalities"]:
        for branch in modality["branches"]:
            branch["out_size"] = 1_000_000


def a_huge_padding(card: dict[str, Any]) -> None:
    modality = card["architecture"]["modalities"][0]
    modality |= {
        "backbone": "chain", "widths": [1], "patch": 4,
        "chain": [{"kernel": 3, "padding": 1_000_000, "pool": 1}],
    }  # fmt: skip


def many_species(card: dict[str, Any]) -> None:
    card["species"] = [{"name": str(n), "presences": 0, "kind": "po"} for n in range(150_000)]


def a_long_name(card: dict[str, Any]) -> None:
    card["species"][0]["name"] = "x" * 501


def a_blank_name(card: dict[str, Any]) -> None:
    card["species"][0]["name"] = "  "


def a_name_of_two_lines(card: dict[str, Any]) -> None:
    card["species"][0]["name"] = "Abies\nalba"


def a_word_of_the_network_s_own(card: dict[str, Any]) -> None:
    card["modalities"][0]["name"] = card["architecture"]["modalities"][0]["name"] = "values"


def an_extent_of_three(card: dict[str, Any]) -> None:
    card["training"]["extent"] = [0, 1, 2]


REFUSED = {
    twenty_thousand_layers: "layers, more than the 1000 that can be built",
    twenty_thousand_branches: "layers, more than the 1000 that can be built",
    twenty_thousand_widths: "layers, more than the 1000 that can be built",
    a_huge_pool: "or one of more than 2001 pixels",
    a_million_features: "do not fit its card",
    a_huge_padding: "has a size that can't be built",
    many_species: "150000 species, more than the 100000 that can be used",
    a_long_name: "is longer than 500 letters",
    a_blank_name: "a species has no name",
    a_name_of_two_lines: "holds a control character",
    a_word_of_the_network_s_own: "A modality can't be called 'values'",
    an_extent_of_three: "the extent of its training is not four numbers",
}


@pytest.mark.parametrize("change", REFUSED, ids=lambda one: one.__name__)
def test_what_no_model_has_is_refused_before_anything_is_built(
    sound: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Callable[[dict[str, Any]], None]
) -> None:
    if change not in (a_million_features, a_word_of_the_network_s_own):

        def built(*arguments: object) -> None:
            raise AssertionError("a network was built")

        monkeypatch.setattr(model_file, "FusionNetwork", built)
    said = changed_card(sound, tmp_path / "spoilt.safetensors", change)
    assert REFUSED[change] in said
    demand_a_sentence(said)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("running_var", -1.0, "negative variance"),
        ("running_mean", float("nan"), "not finite"),
        ("feature_limits.", 0.0, "a distance that is none"),
        ("weight", float("inf"), "not finite"),
    ],
)
def test_weights_that_would_give_no_number_are_refused(
    sound: bytes, tmp_path: Path, name: str, value: float, message: str
) -> None:
    parts, path = Parts(sound), tmp_path / "spoilt.safetensors"
    tensor = next(one for key, one in parts.header.items() if name in key)
    start = tensor["data_offsets"][0]
    weights = parts.weights[:start] + struct.pack("<f", value) + parts.weights[start + 4 :]
    path.write_bytes(joined(json.dumps(parts.header), weights))
    assert message in outcome(path)


@pytest.mark.parametrize("dtype", ["I32", "U32"])
def test_whole_numbers_in_place_of_weights_are_refused(sound: bytes, tmp_path: Path, dtype: str) -> None:
    """They are as long as weights, and reading them as such would give a map of nonsense."""
    parts, path = Parts(sound), tmp_path / "spoilt.safetensors"
    parts.header["network.head.weight"]["dtype"] = dtype
    path.write_bytes(joined(json.dumps(parts.header), parts.weights))
    assert "of a type that none has" in outcome(path)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.safetensors").mkdir()
    os.mkfifo(tmp_path / "pipe.safetensors")
    for name in ("folder", "pipe"):
        with pytest.raises(CardError, match="is no file; choose"):
            read_card(tmp_path / f"{name}.safetensors")
    for name in ("gone", "x" * 5000, "a\0b"):
        with pytest.raises(CardError, match="can't be read"):
            read_card(tmp_path / name)


def test_a_file_that_is_written_over_does_not_reach_what_was_read(sound: bytes, tmp_path: Path) -> None:
    """A file that a network is mapped from would end the process when it is cut short (a bus error)."""
    path = tmp_path / "model.safetensors"
    path.write_bytes(sound)
    model = read_model(path)
    before = {key: mean.clone() for key, mean in model.branch_means.items()}
    path.write_bytes(b"")
    assert all(torch.equal(mean, before[key]) for key, mean in model.branch_means.items())


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "1e400",
        str(10**30),
        '{"a": 1, "a": 1}',
        '"\\ud800"',
        '{"\\udfff": 1}',
        "[" * 33 + "]" * 33,
    ],
)
def test_json_that_readers_take_differently_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="."):
        plain_json(text)


def test_plain_json_is_read_as_json_reads_it() -> None:
    values = {"a": [1, -2.5, 1e-300, True, None, "ü 𝄞"], "b": {"c": [[[]]]}, "n": 10**17}
    assert plain_json(json.dumps(values)) == plain_json(json.dumps(values, ensure_ascii=False)) == values
    assert plain_json("[" * 32 + "]" * 32)


def test_a_card_that_would_be_refused_is_not_written(sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sound.safetensors"
    path.write_bytes(sound)
    model = read_model(path)
    named = replace(model.card.species[0], name="Abies\nalba")
    card = replace(model.card, species=(named, *model.card.species[1:]))
    assert "control character" in card.fault and model.card.fault == ""
    with pytest.raises(CardError, match="control character"):
        model_bytes(replace(model, card=card), "it")
