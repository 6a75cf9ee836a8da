"""The card of a trained network, and what it says about its own figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ...models.architecture import Architecture
from ...models.card import Card, Modality, Species, Training
from ..version import software

LICENCE = "unknown: see the licences of the records and rasters that it was trained on"
