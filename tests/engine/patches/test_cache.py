"""The patch cache: read once, found by content, never half-written, bounded."""

from __future__ import annotations

import hashlib
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import rasterio
from conftest import LEFT, TOP, write_raster
from patch_fixtures import UTM, check_site, inputs, plain_window
from rasterio.shutil import copy
from scalescape.engine.patches.cache import PARTIAL, PatchCache, collected
from scalescape.engine.patches.column_source import ColumnSource
from scalescape.engine.patches.content import ContentDigests
from scalescape.engine.patches.patch_set import Patches
from scalescape.engine.patches.raster_source import RasterSource
from scalescape.engine.protocol import Progress
from scalescape.engine.running.errors import Cancelled, InputError
from scalescape.engine.running.progress import Monitor

ROWS, COLUMNS = np.array([3, 0, 17, 3, 99]), np.array([4, 0, 19, 4, 99])
X, Y = LEFT + (COLUMNS + 0.5) * 10, TOP - (ROWS + 0.5) * 10


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    values = np.random.default_rng(0).integers(1, 255, (2, 20, 24)).astype(np.uint8)
    values[1, 16, 18] = 0
    return write_raster(tmp_path / "scene.tif", values, 10, nodata=0)


@pytest.fixture
def cache(tmp_path: Path) -> PatchCache:
    return PatchCache(tmp_path / "patches")


def patches_of(
    cache: PatchCache, file: Path, side: int = 5, monitor: Monitor | None = None, **options: object
) -> Patches:
    with RasterSource(inputs(file), side, X, Y, UTM, **options) as source:
        return cache.patches(source, monitor or Monitor(), "scene")


def kept(cache: PatchCache) -> set[str]:
    return {folder.name for folder in cache.folder.iterdir()}


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: RasterSource, between: object) -> None:
        raise AssertionError("a raster was read again")

    monkeypatch.setattr(RasterSource, "chunks", refuse)


def test_a_source_is_digested_once(cache: PatchCache, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    of_parts = ContentDigests.of_parts
    monkeypatch.setattr(ContentDigests, "of_parts", lambda *given: asked.append(1) or of_parts(*given))
    with RasterSource(inputs(scene), 5, X, Y, UTM) as source:
        cache.patches(source, Monitor(), "scene")
        assert source.digest == source.digest
    assert len(asked) == 1


def test_what_is_on_disk_is_what_was_read(cache: PatchCache, scene: Path) -> None:
    found = patches_of(cache, scene)
    assert isinstance(found.values, np.memmap) and found.values.dtype == np.uint8
    assert found.places.tolist()[4] == -1 and found.places[0] == found.places[3]
    assert len(found.values) == 3 and found.whole.tolist() == [False, True, False]
    for site in range(4):
        check_site(found, site, plain_window([scene], ROWS[site], COLUMNS[site], 5))
    together = found.raw([0, 2, 1])[1]
    assert together is not None and together.shape == (3, 2, 5, 5)
    assert together.sum(axis=(1, 2, 3)).tolist() == [50, 49, 18]
    with RasterSource(inputs(scene), 5, X, Y, UTM) as source:
        memory = collected(source)
    for one in ("values", "bits", "whole", "centres", "centres_valid", "places"):
        np.testing.assert_array_equal(getattr(found, one), getattr(memory, one))


def test_where_all_pixels_hold_no_validity_is_kept(cache: PatchCache, tmp_path: Path) -> None:
    path = write_raster(tmp_path / "whole.tif", np.ones((1, 120, 120), np.int16), 10)
    found = patches_of(cache, path, side=1)
    assert found.bits is None and found.values.dtype == np.int16
    assert not (next(cache.folder.iterdir()) / "bits.npy").exists()
    assert found.raw([4])[1] is None


def test_a_second_run_reads_nothing(cache: PatchCache, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = patches_of(cache, scene)
    forbid_reading(monkeypatch)
    second = patches_of(PatchCache(cache.folder), scene)
    np.testing.assert_array_equal(first.values, second.values)
    with pytest.raises(AssertionError, match="read again"):
        patches_of(cache, scene, side=7)


def test_the_same_content_elsewhere_is_known(
    cache: PatchCache, scene: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches_of(cache, scene)
    forbid_reading(monkeypatch)
    os.utime(scene, ns=(1, 1))
    patches_of(cache, scene)
    patches_of(cache, shutil.copy(scene, tmp_path / "copy.tif"))


@pytest.mark.parametrize("change", ["pixel", "nodata", "side", "sites", "bands", "categorical", "grid"])
def test_whatever_matters_gives_other_patches(
    cache: PatchCache, scene: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patches_of(cache, scene)
    options: dict[str, object] = {}
    if change == "pixel":
        with rasterio.open(scene, "r+") as target:
            values = target.read()
            values[0, 3, 4] += 1
            target.write(values)
    elif change == "grid":
        with rasterio.open(scene, "r+") as target:
            target.transform = target.transform @ rasterio.Affine.translation(0.2, 0)
    elif change == "nodata":
        options["nodata"] = {str(scene): 77}
    elif change == "categorical":
        options["categorical"] = ["scene_1"]
    elif change == "sites":
        monkeypatch.setattr(sys.modules[__name__], "X", X + 10)
    elif change == "bands":
        from scalescape.engine.protocol import RasterInput

        monkeypatch.setattr(
            sys.modules[__name__], "inputs", lambda file: [RasterInput("scene", str(file), (2, 1))]
        )
    patches_of(cache, scene, side=7 if change == "side" else 5, **options)
    assert len(kept(cache)) == 2


def test_a_source_of_a_virtual_raster_counts(cache: PatchCache, scene: Path, tmp_path: Path) -> None:
    """A virtual raster of a virtual raster: its own text stays as it is when a pixel changes."""
    inner, outer = tmp_path / "inner.vrt", tmp_path / "outer.vrt"
    copy(str(scene), str(inner), driver="VRT")
    outer.write_text(inner.read_text().replace(scene.name, inner.name))
    patches_of(cache, outer)
    patches_of(cache, outer)
    assert len(kept(cache)) == 1
    with rasterio.open(scene, "r+") as target:
        target.write(target.read() // 2 + 1)
    patches_of(cache, outer)
    assert len(kept(cache)) == 2


def test_a_file_is_hashed_once(tmp_path: Path, scene: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = []
    digest = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda *given: hashed.append(1) or digest(*given))
    first = ContentDigests(tmp_path).of_file(scene)
    assert first == hashlib.sha256(scene.read_bytes()).hexdigest()
    assert ContentDigests(tmp_path).of_file(scene) == first and len(hashed) == 1
    os.utime(scene, ns=(5, 5))
    assert ContentDigests(tmp_path).of_file(scene) == first and len(hashed) == 2


def test_what_is_no_file_is_never_taken_for_known(tmp_path: Path) -> None:
    digests = ContentDigests(tmp_path)
    assert digests.of_parts(["/vsicurl/http://nowhere/a.tif"]) != digests.of_parts(
        ["/vsicurl/http://nowhere/a.tif"]
    )


def test_statistics_that_a_viewer_noted_beside_a_raster_change_nothing(cache: PatchCache, scene: Path) -> None:
    patches_of(cache, scene)
    beside = scene.with_name(f"{scene.name}.aux.xml")
    noted = """<PAMDataset>
      <PAMRasterBand band="1">
        <Histograms><HistItem><HistCounts>3|4</HistCounts></HistItem></Histograms>
        <Metadata><MDI key="STATISTICS_MEAN">0.35</MDI></Metadata>{}
      </PAMRasterBand>
    </PAMDataset>"""
    beside.write_text(noted.format(""), encoding="utf-8")
    patches_of(cache, scene)
    assert len(kept(cache)) == 1
    beside.write_text(noted.format("<NoDataValue>7</NoDataValue>"), encoding="utf-8")
    patches_of(cache, scene)
    assert len(kept(cache)) == 2, "what it says of values counts"


def test_a_run_that_is_cancelled_leaves_nothing(cache: PatchCache, scene: Path) -> None:
    monitor = Monitor()

    def stop(progress: Progress) -> None:
        monitor.cancel()

    monitor._sink = stop
    with pytest.raises(Cancelled):
        patches_of(cache, scene, monitor=monitor)
    assert kept(cache) == set()


KILLED = """
import sys, time
from pathlib import Path
import numpy as np
from scalescape.engine.patches import raster_source
from scalescape.engine.patches.cache import PatchCache
from scalescape.engine.running.progress import Monitor
from scalescape.engine.protocol import RasterInput
raster_source.CELL_BYTES = 1
def sink(progress):
    if progress.done > 0:
        print("half", flush=True)
        time.sleep(60)
x, y = np.array(eval(sys.argv[3])), np.array(eval(sys.argv[4]))
with raster_source.RasterSource([RasterInput("scene", sys.argv[1])], 5, x, y, "EPSG:32631") as source:
    PatchCache(Path(sys.argv[2])).patches(source, Monitor(sink), "scene")
"""


def test_a_run_that_is_killed_leaves_nothing_that_is_used(cache: PatchCache, scene: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(scene), str(cache.folder), str(X.tolist()), str(Y.tolist())],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None and process.stdout.readline() == b"half\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    (left,) = kept(cache)
    assert left.endswith(PARTIAL)
    found = patches_of(cache, scene)
    check_site(found, 2, plain_window([scene], 17, 19, 5))
    (whole,) = kept(cache)
    assert not whole.endswith(PARTIAL)


def test_a_folder_that_is_damaged_is_read_anew(cache: PatchCache, scene: Path) -> None:
    patches_of(cache, scene)
    values = next(cache.folder.iterdir()) / "values.npy"
    values.write_bytes(values.read_bytes()[:-20])
    check_site(patches_of(cache, scene), 0, plain_window([scene], 3, 4, 5))


def test_the_least_recently_used_go(cache: PatchCache, scene: Path) -> None:
    names = []
    for side in (1, 3, 5):
        patches_of(cache, scene, side)
        names.append((kept(cache) - set(names)).pop())
        os.utime(cache.folder / names[-1], (side, side))
    patches_of(cache, scene, 1)  # used again
    sizes = {name: sum(one.stat().st_size for one in (cache.folder / name).iterdir()) for name in names}
    small = PatchCache(cache.folder, bound=sizes[names[0]] + sizes[names[2]] + 3 * 2 * 49 * 2)
    patches_of(small, scene, 7)
    assert names[1] not in kept(cache) and {names[0], names[2]} < kept(cache)


def test_what_this_run_uses_stays(scene: Path, tmp_path: Path) -> None:
    tiny = PatchCache(tmp_path / "patches", bound=1)
    for side in (1, 3, 5):
        patches_of(tiny, scene, side)
    assert len(kept(tiny)) == 3


def test_no_room_is_said_before_anything_is_written(
    cache: PatchCache, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage(10, 9, 1))
    with pytest.raises(InputError, match=r"patches of scene take 0\.0 GB .* SCALESCAPE_CACHE"):
        patches_of(cache, scene)
    assert kept(cache) == set()


def test_a_folder_that_cannot_be_written_is_said(scene: Path, tmp_path: Path) -> None:
    (tmp_path / "patches").write_text("in the way")
    with pytest.raises(InputError, match="can't be kept in"):
        patches_of(PatchCache(tmp_path / "patches"), scene)


def test_another_process_opens_the_files_itself(cache: PatchCache, scene: Path) -> None:
    found = patches_of(cache, scene)
    sent = pickle.dumps(found)
    again = pickle.loads(sent)
    assert isinstance(again.values, np.memmap)
    np.testing.assert_array_equal(again.values, found.values)
    with pytest.raises(ValueError, match="without a patch"):
        again.raw([4])


def test_some_sites_are_taken_in_order(cache: PatchCache, scene: Path) -> None:
    found = patches_of(cache, scene)
    some = found.taken([2, 0])
    assert len(some) == 2
    np.testing.assert_array_equal(some.raw([0])[0], found.raw([2])[0])
    np.testing.assert_array_equal(some.at_sites()[0], found.at_sites()[0][[2, 0]])


def test_progress_ends_with_all_patches(cache: PatchCache, scene: Path) -> None:
    seen: list[Progress] = []
    patches_of(cache, scene, monitor=Monitor(seen.append))
    assert (seen[-1].done, seen[-1].total, seen[-1].unit) == (3, 3, "patches")
    assert seen[-1].phase == "reading patches of scene"


def test_columns_stay_in_memory(cache: PatchCache) -> None:
    columns = {"bc01": np.array([1.5, 2.5, 4]), "veg": np.array([3, 9, 9])}
    source = ColumnSource(columns, ["veg", "bc01"], ["veg"])
    found = cache.patches(source, Monitor(), "table")
    assert found.values[:, :, 0, 0].tolist() == [[3, 1.5], [9, 2.5], [9, 4]]
    assert source.categorical == (True, False) and found.usable.all() and not cache.folder.exists()


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (np.array(["oak", "ash"]), "column veg holds text"),
        (np.array([1.0, np.nan]), "column veg has no value at 1 of 2 sites"),
        (None, "no column 'veg'; they have bc01"),
    ],
)
def test_columns_of_no_use_are_refused(column: np.ndarray | None, sentence: str) -> None:
    columns = {"bc01": np.array([1.0, 2.0])} | ({} if column is None else {"veg": column})
    with pytest.raises(InputError, match=sentence):
        ColumnSource(columns, ["bc01", "veg"])


def test_a_categorical_column_must_be_a_predictor() -> None:
    with pytest.raises(InputError, match="'veg' is no predictor"):
        ColumnSource({"bc01": np.array([1.0])}, ["bc01"], ["veg"])


def test_two_runs_at_once_do_not_harm_each_other(
    cache: PatchCache, scene: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one is done while this one still writes."""
    chunks = RasterSource.chunks

    def slow(self: RasterSource, between: object):
        yield from chunks(self, between)
        monkeypatch.setattr(RasterSource, "chunks", chunks)
        monkeypatch.setattr(os, "getpid", lambda: 1)
        patches_of(PatchCache(cache.folder), scene)
        time.sleep(0)

    monkeypatch.setattr(RasterSource, "chunks", slow)
    check_site(patches_of(cache, scene), 0, plain_window([scene], 3, 4, 5))
    assert len(kept(cache)) == 1
