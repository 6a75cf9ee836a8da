"""A task ends in every case, and no exception leaves it."""

from __future__ import annotations

from concurrent.futures import Future

import pytest
from plugin_stand_ins import wait_until
from qgis.core import QgsApplication
from scalescape.engine.protocol import MapJob
from scalescape.plugin.core.engine_error import EngineError
from scalescape.plugin.core.job_task import JobOrder, JobTask

pytestmark = pytest.mark.usefixtures("qgis_app")


class BrokenClient:
    """A client whose call raises, or gives a result of nonsense."""

    def __init__(self, error=None, result=None):
        self._error, self._result = error, result

    def call(self, method, params, on_notification=None):
        if self._error is not None:
            raise self._error
        future = Future()
        future.set_result(self._result)
        return type("Call", (), {"future": future, "id": 1})()

    def cancel(self, call):
        """Nothing runs."""


def start(task):
    ends = []
    task.ended.connect(lambda result, error: ends.append((result, error)))
    QgsApplication.taskManager().addTask(task)
    return ends


def job(tmp_path, model="model"):
    return MapJob(model, (), str(tmp_path))


def test_a_map_ends_with_its_result_and_tells_progress(make_client, tmp_path):
    task = JobTask(JobOrder(job(tmp_path), "t", make_client()))
    progress = []
    task.progressed.connect(progress.append)
    ends = start(task)
    assert wait_until(lambda: ends)
    assert ends[0][1] is None and ends[0][0].valid_pixels == 64
    assert [one.done for one in progress] == [0, 1, 2, 3, 4]
    assert (progress[0].phase, progress[0].total, progress[0].eta) == ("mapping", 5, 5.0)


@pytest.mark.parametrize(
    "client",
    [
        BrokenClient(error=ValueError("a defect")),
        BrokenClient(error=KeyError("x")),
        BrokenClient(error=EngineError("The engine is not there.")),
        BrokenClient(result={"nonsense": 1}),
        BrokenClient(result=None),
    ],
)
def test_no_exception_leaves_run(client, tmp_path):
    task = JobTask(JobOrder(job(tmp_path), "t", client))
    assert task.run() is False
    assert isinstance(task.error, EngineError) and task.error.message
    JobTask._under_way.discard(task)


def test_cancel_ends_the_task_at_once(make_client, tmp_path):
    client = make_client()
    task = JobTask(JobOrder(job(tmp_path, "slow"), "t", client))
    ends = start(task)
    assert wait_until(lambda: client.busy)
    task.cancel()
    assert wait_until(lambda: ends, 2)
    assert ends[0][0] is None and ends[0][1].cancelled
    assert wait_until(lambda: not client.busy, 2)


def test_a_task_whose_references_are_dropped_still_ends(make_client, tmp_path):
    import gc

    ends = start(JobTask(JobOrder(job(tmp_path), "t", make_client())))
    gc.collect()
    assert wait_until(lambda: ends)
    assert not JobTask._under_way
