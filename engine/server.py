"""The engine process: JSON-RPC 2.0 over standard input and output, one message a line.

Jobs run one at a time on a thread of their own; questions (checks, points) run on another, so that they are
answered while a map runs. What libraries print to standard output goes to standard error instead, on the level
of the file descriptor, and never into the stream (``outlet.py``).
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import torch

from ..models.errors import ModelError
from . import protocol
from .commands.training_commands import training_packages
from .files.full_disk import full_disk_sentence
from .jobs.check_job import run_check
from .jobs.compare_job import run_compare
from .jobs.demo_job import run_demo
from .jobs.effects_job import run_effects
from .jobs.import_job import run_import
from .jobs.map_job import run_map
from .jobs.odmap_job import run_odmap
from .jobs.products_job import run_products
from .jobs.profile_job import run_profile
from .jobs.scenarios_job import run_scenarios
from .protocol import (
    AreasJob,
    AssessJob,
    CheckJob,
    CompareJob,
    DemoJob,
    EffectsJob,
    EvaluateJob,
    ImportPaperJob,
    InspectJob,
    MapJob,
    MessageError,
    OdmapJob,
    ProductsJob,
    ProfileJob,
    Progress,
    ScenariosJob,
    StudyJob,
    TrainJob,
)
from .running.device import devices, gpu_note
from .running.errors import Cancelled, InputError
from .running.outlet import Outlet
from .running.progress import Monitor
from .running.version import scalescape_version
from .scales.inspection import Inspector

RequestId = int | str
CORES_LEFT_FREE_FROM = 4  # from so many cores on, one is left to QGIS


@dataclass(frozen=True)
class _Request:
    id: RequestId
    method: str
    params: Any
    monitor: Monitor


class Server:
    """Answers requests read from ``source``, a JSON message a line, through ``outlet``."""

    def __init__(self, source: BinaryIO, outlet: Outlet) -> None:
        self._source = source
        self._outlet = outlet
        self._open: dict[RequestId, _Request] = {}
        self._guard = threading.Lock()
        self._jobs: queue.Queue[_Request | None] = queue.Queue()
        self._questions: queue.Queue[_Request | None] = queue.Queue()
        self._inspector = Inspector()
        self._methods: dict[str, tuple[queue.Queue[_Request | None], Callable[[_Request], Any]]] = {
            "map": (self._jobs, self._map),
            "demo": (self._jobs, self._demo),
            "train": (self._jobs, self._train),
            "evaluate": (self._jobs, self._evaluate),
            "study": (self._jobs, self._study),
            "effects": (self._jobs, self._effects),
            "profile": (self._jobs, self._profile),
            "assess": (self._jobs, self._assess),
            "scenarios": (self._jobs, self._scenarios),
            "odmap": (self._jobs, self._odmap),
            "products": (self._jobs, self._products),
            "compare": (self._jobs, self._compare),
            "areas": (self._jobs, self._areas),
            "import-paper": (self._jobs, self._import_paper),
            "check": (self._questions, self._check),
            "inspect": (self._questions, self._inspect),
            "hello": (self._questions, self._hello),
        }

    def run(self) -> None:
        """Serve until standard input ends or ``shutdown`` is asked for; what runs then is cancelled."""
        workers = [
            threading.Thread(target=self._work, args=(line,), name=name, daemon=True)
            for name, line in (("jobs", self._jobs), ("questions", self._questions))
        ]
        for worker in workers:
            worker.start()
        for line in self._source:
            if line.strip() and not self._receive(line):
                break
        self._cancel_all()
        self._jobs.put(None)
        self._questions.put(None)
        for worker in workers:
            worker.join()
        self._inspector.close()

    def _receive(self, line: bytes) -> bool:
        """Take one message; return False when it is the last."""
        try:
            message = protocol.parse(line)
        except MessageError as error:
            self._refuse(None, error)
            return True
        request_id, method, params = message.get("id"), message.get("method"), message.get("params")
        if not isinstance(method, str):
            self._refuse(request_id, MessageError(protocol.INVALID_REQUEST, "the request names no method"))
        elif method == "shutdown":
            if request_id is not None:
                self._send(protocol.response(request_id, None))
            return False
        elif method == "cancel":
            found = self._cancel(params)
            if request_id is not None:
                self._send(protocol.response(request_id, found))
        elif method not in self._methods:
            self._refuse(request_id, MessageError(protocol.METHOD_NOT_FOUND, f"there is no method {method!r}"))
        elif not isinstance(request_id, (int, str)):
            self._refuse(None, MessageError(protocol.INVALID_REQUEST, "a job's request needs an id"))
        else:
            sink = self._progress_sink(request_id)
            request = _Request(request_id, method, params, Monitor(sink))
            with self._guard:
                self._open[request_id] = request
            self._methods[method][0].put(request)
        return True

    def _work(self, line: queue.Queue[_Request | None]) -> None:
        torch.get_num_threads()  # fixes this thread's number, which the other one changes for moments
        while (request := line.get()) is not None:
            self._send(self._answer(request))
            with self._guard:
                self._open.pop(request.id, None)

    def _answer(self, request: _Request) -> str:
        try:
            request.monitor.check()
            return protocol.response(request.id, self._methods[request.method][1](request))
        except (InputError, ModelError) as error:
            return _error(request.id, protocol.INPUT_ERROR, str(error), protocol.KIND_INPUT)
        except Cancelled:
            return _error(request.id, protocol.CANCELLED, "The job was cancelled.", protocol.KIND_CANCELLED)
        except MessageError as error:
            return _error(request.id, error.code, str(error), protocol.KIND_PROTOCOL)
        except Exception as error:
            if sentence := full_disk_sentence(error):
                return _error(request.id, protocol.INPUT_ERROR, sentence, protocol.KIND_INPUT)
            traceback.print_exc()
            return protocol.error_response(
                request.id,
                protocol.INTERNAL_ERROR,
                f"Scalescape's engine met an internal error ({type(error).__name__}: {error}).",
                protocol.KIND_DEFECT,
                "Please report it with the engine's log.",
            )

    def _map(self, request: _Request) -> dict[str, Any]:
        def on_preview(path: str) -> None:
            self._send(protocol.notification("preview", {"id": request.id, "file": path}))

        job = protocol.job_from_params(MapJob, request.params)
        return asdict(run_map(job, request.monitor, on_preview))

    def _demo(self, request: _Request) -> dict[str, Any]:
        files = run_demo(protocol.job_from_params(DemoJob, request.params), request.monitor)
        return {"files": [str(path) for path in files]}

    def _train(self, request: _Request) -> dict[str, Any]:
        with training_packages():
            from .jobs.train_job import run_train

            return asdict(run_train(protocol.job_from_params(TrainJob, request.params), request.monitor))

    def _evaluate(self, request: _Request) -> dict[str, Any]:
        with training_packages():
            from .jobs.evaluate_job import run_evaluate

            return asdict(run_evaluate(protocol.job_from_params(EvaluateJob, request.params), request.monitor))

    def _study(self, request: _Request) -> dict[str, Any]:
        with training_packages():
            from .jobs.study_job import run_study

            return asdict(run_study(protocol.job_from_params(StudyJob, request.params), request.monitor))

    def _effects(self, request: _Request) -> dict[str, Any]:
        return asdict(run_effects(protocol.job_from_params(EffectsJob, request.params), request.monitor))

    def _profile(self, request: _Request) -> dict[str, Any]:
        return asdict(run_profile(protocol.job_from_params(ProfileJob, request.params), request.monitor))

    def _areas(self, request: _Request) -> dict[str, Any]:
        from .jobs.areas_job import run_areas  # its libraries take a moment to load

        return asdict(run_areas(protocol.job_from_params(AreasJob, request.params), request.monitor))

    def _compare(self, request: _Request) -> dict[str, Any]:
        return asdict(run_compare(protocol.job_from_params(CompareJob, request.params), request.monitor))

    def _assess(self, request: _Request) -> dict[str, Any]:
        with training_packages():
            from .jobs.assess_job import run_assess

            return asdict(run_assess(protocol.job_from_params(AssessJob, request.params), request.monitor))

    def _products(self, request: _Request) -> dict[str, Any]:
        return asdict(run_products(protocol.job_from_params(ProductsJob, request.params), request.monitor))

    def _odmap(self, request: _Request) -> dict[str, Any]:
        return asdict(run_odmap(protocol.job_from_params(OdmapJob, request.params)))

    def _scenarios(self, request: _Request) -> dict[str, Any]:
        return asdict(run_scenarios(protocol.job_from_params(ScenariosJob, request.params), request.monitor))

    def _import_paper(self, request: _Request) -> dict[str, Any]:
        return asdict(run_import(protocol.job_from_params(ImportPaperJob, request.params), request.monitor))

    def _inspect(self, request: _Request) -> dict[str, Any]:
        job = protocol.job_from_params(InspectJob, request.params)
        return asdict(self._inspector.answer(job, request.monitor.check))

    def _check(self, request: _Request) -> dict[str, Any]:
        with self._guard:
            idle = not any(self._methods[one.method][0] is self._jobs for one in self._open.values())
        job = protocol.job_from_params(CheckJob, request.params)
        return asdict(run_check(job, request.monitor.check, measure=idle))

    def _hello(self, request: _Request) -> dict[str, Any]:
        return {
            "version": scalescape_version(),
            "torch": torch.__version__,
            "devices": [asdict(device) for device in devices()],
            "note": gpu_note(),
        }

    def _progress_sink(self, request_id: RequestId) -> Callable[[Progress], None]:
        def sink(progress: Progress) -> None:
            self._send(protocol.notification("progress", {"id": request_id, **asdict(progress)}))

        return sink

    def _cancel(self, params: Any) -> bool:
        wanted = params.get("id") if isinstance(params, dict) else None
        with self._guard:
            request = self._open.get(wanted) if isinstance(wanted, (int, str)) else None
        if request is not None:
            request.monitor.cancel()
        return request is not None

    def _cancel_all(self) -> None:
        with self._guard:
            for request in self._open.values():
                request.monitor.cancel()

    def _refuse(self, request_id: Any, error: MessageError) -> None:
        known = request_id if isinstance(request_id, (int, str)) else None
        self._send(_error(known, error.code, str(error), protocol.KIND_PROTOCOL))

    def _send(self, line: str) -> None:
        if not self._outlet.send(line):
            self._cancel_all()  # nobody listens any more


def serve(outlet: Outlet) -> None:
    """Serve on this process's standard input and ``outlet`` until they end."""
    cores = os.cpu_count() or 1
    torch.set_num_threads(cores - 1 if cores >= CORES_LEFT_FREE_FROM else cores)
    Server(sys.stdin.buffer, outlet).run()


def _error(request_id: RequestId | None, code: int, message: str, kind: str) -> str:
    """Return an error whose message already says what to do."""
    return protocol.error_response(request_id, code, message, kind)
