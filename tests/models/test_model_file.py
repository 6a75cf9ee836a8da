"""The model file survives a round trip, and every broken one gets its sentence."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scalescape.models.card import Band, Card, Modality, Species, Training, read_card
from scalescape.models.errors import CardError, ModelError
from scalescape.models.feature_space import FeatureSpace, with_coordinates
from scalescape.models.model_file import ModelFile, digest, read_model, write_model
from scalescape.models.network import FusionNetwork
from scalescape.models.presets import architecture

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model() -> ModelFile:
    shape = architecture("paper-single", {"bioclim": 2}, species=2, width=0.05)
    quantiles = tuple(np.linspace(-2, 2, 101))
    bands = tuple(Band(name, 0.0, 1.0, 0.0, quantiles, unit="°C") for name in ("bio1", "bio12"))
    card = Card(
        name="Tiny", summary="Two species.", licence="CC0-1.0", citation="nobody",
        architecture=shape.to_dict(),
        modalities=(Modality("bioclim", bands, 1 / 120, "degree", (1,)),),
        species=(Species("Abies alba", 12, "po", 2685484), Species("Bufo bufo", 9, "pa", prevalence=0.3)),
        training=Training("made up", 1.0, extent=(0.0, 1.0, 2.0, 3.0), extent_crs="EPSG:4326"),
        metrics={"auc_median": 0.9, "n": 2}, date="2026-01-01", software={"torch": "2.13.0"},
    )  # fmt: skip
    network = FusionNetwork(shape).eval()
    means = {key: torch.randn(shape.modality("bioclim").branches[0].out_size) for key in shape.branch_keys}
    return ModelFile(network, card, means)


@pytest.fixture
def path(model: ModelFile, tmp_path: Path) -> Path:
    write_model(tmp_path / "tiny.safetensors", model)
    return tmp_path / "tiny.safetensors"


def with_card(path: Path, change: object) -> Path:
    """Write the file again with its card's JSON changed."""
    raw = json.loads(read_card(path).to_json())
    change(raw)  # type: ignore[operator]
    target = path.with_name("changed.safetensors")
    save_file(load_file(path), target, metadata={"scalescape": json.dumps(raw)})
    return target


def test_a_round_trip_keeps_card_weights_and_means(model: ModelFile, path: Path) -> None:
    back = read_model(path)
    assert back.card == model.card
    patch = {"bioclim": torch.randn(3, 2, 1, 1)}
    torch.testing.assert_close(back.network(patch), model.network(patch))
    for key, mean in model.branch_means.items():
        torch.testing.assert_close(back.branch_means[key], mean)
    assert not list(path.parent.glob("*.partial"))


def test_the_card_is_readable_without_torch(path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = sys.modules['safetensors'] = sys.modules['numpy'] = None\n"
        f"sys.path.insert(0, {str(ROOT / 'build' / 'import')!r})\n"
        "from scalescape.models.card import read_card\n"
        f"print(read_card({str(path)!r}).species[0].name)"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    assert run.stdout.strip() == "Abies alba", run.stderr


def test_unknown_fields_are_ignored_and_a_newer_format_is_refused(path: Path) -> None:
    changed = with_card(path, lambda raw: raw.update(colour="green") or raw["species"][0].update(size=3))
    assert read_model(changed).card == read_card(path)
    newer = with_card(path, lambda raw: raw.update(format_version=2))
    with pytest.raises(CardError, match="format 2.*update Scalescape"):
        read_model(newer)


def test_a_truncated_file_is_told(path: Path) -> None:
    whole = path.read_bytes()
    for length in (0, 4, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CardError, match="cut short|no safetensors"):
            read_model(path)


def test_a_foreign_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(CardError, match="no Scalescape card"):
        read_model(path)
    path.write_bytes(b"PK\x03\x04" + bytes(200))
    with pytest.raises(CardError, match="no safetensors file"):
        read_model(path)
    path.write_bytes(struct.pack("<Q", 2**60) + b"{}")
    with pytest.raises(CardError, match="no safetensors file"):
        read_model(path)
    path.write_bytes(struct.pack("<Q", 4) + b"[{}]")
    with pytest.raises(CardError, match="no safetensors file"):
        read_model(path)


def test_weights_that_do_not_fit_the_card_are_told(model: ModelFile, path: Path) -> None:
    wider = architecture("paper-single", {"bioclim": 2}, species=2, width=0.06).to_dict()
    changed = with_card(path, lambda raw: raw.update(architecture=wider))
    with pytest.raises(ModelError, match=r"do not fit its card.*\(51,\) where the card wants \(61,\)"):
        read_model(changed)
    fewer = with_card(path, lambda raw: raw["species"].pop())
    with pytest.raises(ModelError, match="contradicts itself"):
        read_model(fewer)
    with pytest.raises(ModelError, match="do not fit"):
        write_model(path, replace(model, branch_means={}))


def test_weights_that_are_not_finite_are_told(model: ModelFile, tmp_path: Path) -> None:
    with torch.no_grad():
        model.network.head.bias[0] = float("nan")
    with pytest.raises(ModelError, match="not finite"):
        write_model(tmp_path / "nan.safetensors", model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda raw: raw.pop("species"), "lacks or misspells.*species"),
        (lambda raw: raw["modalities"][0]["bands"][0].update(std=0), "bio1.*no spread"),
        (lambda raw: raw["modalities"][0]["bands"][1]["quantiles"].reverse(), "bio12.*order"),
        (lambda raw: raw["modalities"][0].update(pixel_unit="mile"), "pixel unit 'mile'"),
        (lambda raw: raw["modalities"][0].update(scales=[2]), "odd"),
        (lambda raw: raw["species"][0].update(kind="guess"), "kind of data 'guess'"),
        (lambda raw: raw["species"][0].update(name="Bufo bufo"), "two species have one name"),
        (lambda raw: raw.update(architecture={"modalities": 3}), "faulty"),
    ],
)
def test_a_faulty_card_names_its_fault(path: Path, change: object, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_model(with_card(path, change))
    assert str(caught.value).endswith("get the file again.") or "Get the file again." in str(caught.value)


def test_what_the_number_means_follows_the_data(model: ModelFile) -> None:
    fir, toad = model.card.species
    assert model.card.quantity(fir) == "relative suitability"
    assert model.card.quantity(toad) == "favourability"
    weighed = replace(model.card, training=replace(model.card.training, lambda2=0.5))
    assert weighed.quantity(toad) == "relative suitability"


def test_bands_are_matched_by_name(model: ModelFile) -> None:
    bioclim = model.card.modalities[0]
    assert bioclim.match([("BIO12",), ("bio 1",)]).places == (1, 0)
    assert bioclim.match([("bio10",), ("bio12",)]).places == (None, 1)


def test_the_digest_is_that_of_the_file(path: Path) -> None:
    import hashlib

    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


WRONG = [None, True, -1, 0, 1e400, "text", [], {}, [1], ["a"], {"a": 1}, [[]], 2**70]


def test_a_card_with_any_field_of_another_kind_is_told_or_harmless(path: Path) -> None:
    """Put wrong values at every place of a card: each is refused in a sentence or changes nothing vital."""
    from scalescape.engine.commands.card_text import card_text

    original = json.loads(read_card(path).to_json())
    weights = load_file(path)

    def places(value: object, trail: tuple[object, ...] = ()):
        yield trail
        if isinstance(value, dict):
            for key, one in value.items():
                yield from places(one, (*trail, key))
        elif isinstance(value, list):
            for index, one in list(enumerate(value))[:2]:
                yield from places(one, (*trail, index))

    target = path.with_name("fuzzed.safetensors")
    refused = 0
    for trail in list(places(original))[1:]:
        for wrong in WRONG:
            raw = json.loads(json.dumps(original))
            spot = raw
            for step in trail[:-1]:
                spot = spot[step]
            spot[trail[-1]] = wrong
            save_file(weights, target, metadata={"scalescape": json.dumps(raw)})
            try:
                model = read_model(target)
            except ModelError as error:
                refused += 1
                assert str(error).endswith(".") and "\n" not in str(error)
            else:
                card_text(model.card)
    assert refused > 500


def test_json_nested_without_end_is_told(path: Path) -> None:
    target = path.with_name("deep.safetensors")
    save_file(load_file(path), target, metadata={"scalescape": "[" * 100_000})
    with pytest.raises(CardError, match="not valid JSON"):
        read_model(target)


def test_feature_spaces_survive_a_round_trip_and_may_be_missing(model: ModelFile, tmp_path: Path) -> None:
    key = ("bioclim", 1)
    size = len(model.branch_means[key])
    space = FeatureSpace(torch.randn(size), torch.randn(3, size), 2.5)
    write_model(tmp_path / "new.safetensors", replace(model, feature_spaces={key: space}))
    found = read_model(tmp_path / "new.safetensors").feature_spaces[key]
    assert torch.equal(found.axes, space.axes) and torch.equal(found.centre, space.centre)
    assert found.limit == 2.5
    write_model(tmp_path / "old.safetensors", model)
    assert read_model(tmp_path / "old.safetensors").feature_spaces == {}


@pytest.mark.parametrize("prefix", ["feature_centres.", "feature_limits."])
def test_half_a_feature_space_is_refused(model: ModelFile, tmp_path: Path, prefix: str) -> None:
    key = ("bioclim", 1)
    size = len(model.branch_means[key])
    space = FeatureSpace(torch.randn(size), torch.randn(3, size), 2.5)
    write_model(tmp_path / "whole.safetensors", replace(model, feature_spaces={key: space}))
    tensors = load_file(tmp_path / "whole.safetensors")
    del tensors[prefix + "bioclim_1"]
    save_file(tensors, tmp_path / "half.safetensors", metadata={"scalescape": model.card.to_json()})
    with pytest.raises(ModelError, match="do not fit its card"):
        read_model(tmp_path / "half.safetensors")


def test_coordinates_are_further_outputs_of_the_network(model: ModelFile) -> None:
    key = ("bioclim", 1)
    patches = {"bioclim": torch.randn(40, 2, 1, 1)}
    features = model.network.features(patches)[key]
    space = FeatureSpace(torch.randn(features.shape[1]), torch.randn(3, features.shape[1]), 1.0)
    wider = with_coordinates(model.network, {key: space})
    with torch.no_grad():
        outputs = wider(patches)
        torch.testing.assert_close(outputs[:, :2], model.network(patches))
        torch.testing.assert_close(outputs[:, 2:].norm(dim=1), space.distance(features))
