"""Requests, notifications and answers as lines of JSON-RPC 2.0, and jobs out of them. Standard library alone.

https://www.jsonrpc.org/specification, one message a line. A job's method has the name of its command, and its
params are the dataclass as JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any, TypeVar, Union

from ...models.field_types import misfit
from .jobs import RasterInput, Scenario
from .nodata import nodata_of_json

VERSION = "2.0"
ALIVE = "alive"  # a notification without an id: the engine's process lives

# Codes of the standard, and ours in the range that it leaves to servers.
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
INTERNAL_ERROR = -32603
INPUT_ERROR = -32000
CANCELLED = -32001

# Kinds of error, in ``data["kind"]``: what its reader can do about it.
KIND_INPUT = "input"  # the user's input can't be used
KIND_CANCELLED = "cancelled"
KIND_PROTOCOL = "protocol"  # a message that is no request of ours
KIND_DEFECT = "defect"  # our fault
KIND_ENGINE = "engine"  # the engine can't be started, died or does not answer (said by the client alone)

T = TypeVar("T")


class MessageError(ValueError):
    """A message that is no valid request; ``code`` is the standard's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def to_params(job: Any) -> dict[str, Any]:
    """Return a job or result as plain JSON values."""
    return json.loads(json.dumps(asdict(job), allow_nan=False))  # type: ignore[no-any-return]


def job_from_params(cls: type[T], params: Any) -> T:
    """Return the job of class ``cls`` from JSON values. Raise MessageError naming the field that is wrong."""
    if not isinstance(params, dict):
        raise MessageError(INVALID_PARAMS, "params must be an object with the fields of the job")
    known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
    unknown = sorted(set(params) - known)
    if unknown:
        raise MessageError(INVALID_PARAMS, f"unknown field {unknown[0]!r} in the params of {cls.__name__}")
    values = dict(params)
    fault = misfit(cls, values)
    if fault is not None:
        raise MessageError(INVALID_PARAMS, f"in the params of {cls.__name__}: {fault}")
    try:
        if "inputs" in values:
            values["inputs"] = _inputs(values["inputs"])
        if "scenarios" in values:
            values["scenarios"] = tuple(
                Scenario(str(one["name"]), _inputs(one["inputs"]), str(one.get("date") or ""))
                for one in values["scenarios"]
            )
        for name in ("extent", "at"):
            if values.get(name) is not None:
                values[name] = tuple(float(v) for v in values[name])
        for name in ("species", "refits", "maps", "products", "held"):
            if isinstance(values.get(name), list):
                values[name] = tuple(str(one) for one in values[name])
        if "scales" in values:
            values["scales"] = {m: tuple(int(s) for s in on) for m, on in values["scales"].items()}
        if "nodata" in values:
            values["nodata"] = {file: nodata_of_json(value) for file, value in values["nodata"].items()}
        return cls(**values)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MessageError(INVALID_PARAMS, f"the params of {cls.__name__} are faulty: {error}") from error


def _inputs(found: Any) -> tuple[RasterInput, ...]:
    """Return inputs from JSON values."""
    return tuple(
        RasterInput(i["modality"], i["file"], tuple(int(b) for b in i.get("bands") or ())) for i in found
    )


def request(request_id: int, method: str, params: Any) -> str:
    """Return a request as one line."""
    return _line({"jsonrpc": VERSION, "id": request_id, "method": method, "params": params})


def notification(method: str, params: Any) -> str:
    """Return a notification as one line."""
    return _line({"jsonrpc": VERSION, "method": method, "params": params})


def response(request_id: Union[int, str, None], result: Any) -> str:
    """Return the answer to a request as one line."""
    return _line({"jsonrpc": VERSION, "id": request_id, "result": result})


def error_response(
    request_id: Union[int, str, None], code: int, message: str, kind: str, remedy: str = ""
) -> str:
    """Return an error answer as one line; ``kind`` and ``remedy`` go into its ``data``."""
    error = {"code": code, "message": message, "data": {"kind": kind, "remedy": remedy}}
    return _line({"jsonrpc": VERSION, "id": request_id, "error": error})


def parse(line: Union[str, bytes]) -> dict[str, Any]:
    """Return the message in ``line``. Raise MessageError where it is no JSON-RPC 2.0 message."""
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise MessageError(PARSE_ERROR, f"not JSON: {error}") from error
    if not isinstance(message, dict) or message.get("jsonrpc") != VERSION:
        raise MessageError(INVALID_REQUEST, "not a JSON-RPC 2.0 message")
    return message


def _line(message: dict[str, Any]) -> str:
    return json.dumps(message, ensure_ascii=True, allow_nan=False) + "\n"
