"""What the products of a map take: values to compute, bytes of disk."""

from __future__ import annotations

from dataclasses import dataclass

from ..maps.encoding import ENCODINGS, FLAG, FLOAT
from ..maps.map_writer import disk_use
from ..protocol.products import BINARY, NOVELTY, OCCURRENCE, PROBABILITY
from .plan import Plan


@dataclass(frozen=True)
class Output:
    """What a plan's job writes at most: values, and bytes of disk while it is made."""

    values: int
    disk_bytes: int


def output_of(plan: Plan) -> Output:
    """Return what the products of a plan's job take, as if every species had all of them."""
    height, width = plan.grid.shape
    species, job = len(plan.species), plan.job
    share = ENCODINGS.get(job.encoding, FLOAT)
    layers = {
        PROBABILITY: (species, share.bytes),
        OCCURRENCE: (species, share.bytes),
        BINARY: (species, FLAG.bytes),
        NOVELTY: (2 + sum(len(scales) + 1 for scales in plan.scales.values()), FLOAT.bytes),
    }
    made = {*job.products, NOVELTY} if job.wants_novelty else job.products
    counted = [layers.get(one, (1, FLOAT.bytes)) for one in made]
    return Output(
        values=height * width * sum(count for count, _ in counted),
        disk_bytes=sum(disk_use(height * width, count, size) for count, size in counted),
    )
