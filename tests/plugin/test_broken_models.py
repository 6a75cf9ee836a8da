"""A broken model file, shipped or picked by hand, is a sentence and never an exception."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path

import pytest
from qgis.PyQt.QtWidgets import QWidget
from scalescape.plugin.core import settings, zoo
from scalescape.plugin.gui.model_panel import ModelPanel

pytestmark = pytest.mark.usefixtures("qgis_app")


def parts(model_file):
    content = model_file.read_bytes()
    length = struct.unpack("<Q", content[:8])[0]
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def joined(header, weights):
    text = header.encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + weights


def with_card(model_file, old, new):
    """The file with one value of its card's text replaced."""
    header, weights = parts(model_file)
    card = header["__metadata__"]["scalescape"]
    assert old in card
    header["__metadata__"]["scalescape"] = card.replace(old, new, 1)
    return joined(json.dumps(header), weights)


def pixel_size(model_file, text):
    header, _ = parts(model_file)
    size = json.loads(header["__metadata__"]["scalescape"])["modalities"][0]["pixel_size"]
    return with_card(model_file, f'"pixel_size": {json.dumps(size)}', f'"pixel_size": {text}')


def name(model_file, text):
    header, _ = parts(model_file)
    card = json.loads(header["__metadata__"]["scalescape"])
    return with_card(model_file, f'"name": {json.dumps(card["name"], ensure_ascii=False)}', f'"name": {text}')


BROKEN = {
    "empty": lambda model: b"",
    "of other software": lambda model: joined("{}", b""),
    "cut short": lambda model: model.read_bytes()[:300],
    "a shape of Infinity": lambda model: joined(
        '{"a": {"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}}', b"abcd"
    ),
    "offsets of NaN": lambda model: joined(
        '{"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, NaN]}}', b""
    ),
    "a number of 400 digits": lambda model: pixel_size(model, "1" + "0" * 400),
    "a tiny pixel": lambda model: pixel_size(model, "1e-320"),
    "a huge pixel": lambda model: pixel_size(model, "1e320"),
    "half a letter": lambda model: name(model, '"\\ud800"'),
    "a deep nest": lambda model: name(model, "[" * 900 + "]" * 900),
    "no text": lambda model: name(model, "17"),
}


@pytest.fixture
def panel():
    parent = QWidget()
    found = ModelPanel(parent)
    found.parent_kept = parent
    return found


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_model_gives_a_sentence_and_the_others_stay(panel, model_file, tmp_path, broken):
    shelf = tmp_path / "zoo"
    shelf.mkdir()
    (shelf / "a_broken.safetensors").write_bytes(broken(model_file))
    (shelf / "b_sound.safetensors").write_bytes(model_file.read_bytes())
    assert [Path(one.path).name for one in zoo.known_models(shelf)] == ["b_sound.safetensors"]
    panel.choose(str(shelf / "a_broken.safetensors"))
    assert panel.card is None
    assert panel.error.endswith(".") and "\n" not in panel.error and "a_broken" in panel.error
    panel.error.encode("utf-8")
    assert panel.summary.text()
    panel.choose(str(shelf / "b_sound.safetensors"))
    assert panel.card is not None and panel.error == ""


def test_what_is_no_file_is_offered_no_more(panel, model_file, tmp_path):
    shelf = tmp_path / "zoo"
    (shelf / "folder.safetensors").mkdir(parents=True)
    os.mkfifo(str(shelf / "pipe.safetensors"))
    for recent in (str(model_file), "x" * 5000, "a\0b", str(tmp_path / "gone.safetensors")):
        settings.remember_model(recent)
    assert [one.path for one in zoo.known_models(shelf)] == [str(model_file)]
    for file in ("folder", "pipe"):
        panel.choose(str(shelf / f"{file}.safetensors"))
        assert "is no file" in panel.error
