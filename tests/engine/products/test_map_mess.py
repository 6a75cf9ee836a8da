"""What MESS on a map is made of: the values that strips hold under their pixels, however a map is cut."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.transform import rowcol
from scalescape.engine.mapping.evaluation import Evaluator
from scalescape.engine.mapping.layout import Layout
from scalescape.engine.mapping.plan import planned
from scalescape.engine.protocol import MapJob
from scalescape.models.model_file import read_model


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    step=st.integers(1, 7),
    width=st.integers(5, 60),
    rows=st.integers(3, 40),
    edge=st.sampled_from(["nodata", "fill"]),
    method=st.sampled_from(["dense", "patch"]),
    blend=st.booleans(),
    clamp=st.booleans(),
)
def test_a_strip_holds_what_files_hold_under_its_pixels(
    job: MapJob, step: int, width: int, rows: int, edge: str, method: str, blend: bool, clamp: bool
) -> None:
    job = replace(job, step=step, edge=edge, blend=blend, clamp=clamp)
    network = read_model(job.model).network
    wanted, where = {}, {}
    for one in job.inputs:
        with rasterio.open(one.file) as source:
            wanted[one.modality], where[one.modality] = source.read(), source.transform
    pixels = 0
    with planned(job) as plan:
        for strip in Evaluator(network, plan, Layout(method, width, rows, 0)).strips():
            if strip.values is None:
                continue
            x, y = (one[strip.valid] for one in plan.grid.centres(strip.tile))
            cells = strip.cells["bioclim"]
            for name, held in (("satellite", strip.values), ("bioclim", cells.values[:, cells.own])):
                row, column = rowcol(where[name], x, y)
                np.testing.assert_array_equal(held[:, strip.valid], wanted[name][:, row, column])
            pixels += x.size
    assert pixels > 0
