"""A tiny engine for the tests of the client: the protocol without torch, and misbehaviour on demand.

``python fake_engine.py [BEHAVIOUR]``. Behaviours: ``lacking`` (ends with status 3 and a sentence), ``deaf``
(never answers), ``stubborn`` (ignores cancel), ``crash`` (dies in a map), ``oom`` (is killed in a map),
``busy`` (answers late, and tells meanwhile that it is alive), ``noisy`` (prints garbage among the messages),
``refuse`` (a map is refused as faulty input), ``cancelled`` (what is done on finished maps was cancelled),
``lacks`` (its answer lacks nearly all), ``estimate`` (a
check says what the map will take). A point whose x is negative lies off the
rasters.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # which Python leaves out in a clean environment

from fake_finished import ANSWERS

BEHAVIOUR = sys.argv[1] if len(sys.argv) > 1 else ""
LOCK = threading.Lock()
CANCELLED: set = set()
ESTIMATES = {
    "estimate": {"width": 512, "height": 498, "seconds": 200.0, "memory_bytes": 10**9, "disk_bytes": 9 * 10**6}
}


def send(message: dict) -> None:
    """Write one message."""
    with LOCK:
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        sys.stdout.flush()


def fail(number: int, code: int, message: str, kind: str, remedy: str = "") -> None:
    """Answer with an error."""
    send({"id": number, "error": {"code": code, "message": message, "data": {"kind": kind, "remedy": remedy}}})


def run_map(number: int, params: dict) -> None:
    """Pretend to map: progress, a preview where it was asked for, files that are there already."""
    out = Path(params["out"])
    steps = 200 if "slow" in params["model"] else 5
    for done in range(steps):
        if number in CANCELLED and BEHAVIOUR != "stubborn":
            fail(number, -32001, "Cancelled.", "cancelled")
            return
        send(
            {
                "method": "progress",
                "params": {"id": number, "phase": "mapping", "done": done, "total": steps, "unit": "px",
                           "rate": 10.0, "eta": float(steps - done)},
            }
        )  # fmt: skip
        if BEHAVIOUR == "noisy":
            print("a library prints \x00\xff garbage", flush=True)
            print('{"no": "message"}', flush=True)
            print("[1, 2", flush=True)
            print("a warning", file=sys.stderr, flush=True)
        if BEHAVIOUR == "crash" and done == 2:
            print("Traceback\nRuntimeError: boom", file=sys.stderr, flush=True)
            os._exit(1)
        if BEHAVIOUR == "oom" and done == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if BEHAVIOUR == "refuse":
            fail(number, -32000, "bio1 is missing.", "input", "Add the band.")
            return
        if done == 1 and params.get("preview") and Path(params["preview"]).exists():
            send({"method": "preview", "params": {"id": number, "file": params["preview"]}})
        time.sleep(0.02)
    send(
        {
            "id": number,
            "result": {
                "files": sorted(str(path) for path in out.glob("*.tif")),
                "width": 8, "height": 8, "valid_pixels": 64, "px_per_s": 1000.0, "seconds": 0.1,
                "device": "cpu", "precision": "float32", "method": "dense",
                "verified_max_abs_diff": None, "warnings": ["A warning of the engine."],
            },
        }
    )  # fmt: skip


def check(number: int, params: dict) -> None:
    """Say what a map would be. A file called ``kelvin`` gets a blocking caution; ``climate`` is no
    satellite; scales that are off are an experiment."""
    for one in params["inputs"]:
        if one["modality"] == "satellite" and "climate" in one["file"]:
            fail(number, -32000, f"{one['file']} holds the bands of another modality; swap the files.", "input")
            return
    warnings = [{"kind": "resampled", "message": "satellite is warped to 10 m.", "blocking": False,
                 "modality": "satellite", "band": ""}]  # fmt: skip
    if any("kelvin" in one["file"] for one in params["inputs"]):
        warnings.append({"kind": "range", "message": "bio1 averages 2844: are these Kelvin tenths?",
                         "blocking": True, "modality": "bioclim", "band": "bio1"})  # fmt: skip
    if params.get("scales"):
        warnings.append({"kind": "scales", "message": "Without satellite 115 px: an experiment; untrained.",
                         "blocking": False, "modality": "", "band": ""})  # fmt: skip
    step = params["step"]
    send({"id": number, "result": {"width": 512 // step, "height": 498 // step, "pixel_m": 10.0 * step,
                                   "margin_m": 570.0, "margin_modality": "satellite",
                                   "crs": "EPSG:32631", "inputs": {}, "warnings": warnings,
                                   "estimate": ESTIMATES.get(BEHAVIOUR)}})  # fmt: skip


BRANCHES = (("bioclim", 1), ("bioclim", 5), ("satellite", 25), ("satellite", 59), ("satellite", 115))
SPECIES = ("Quercus ilex", "Pinus halepensis", "Fagus sylvatica")
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def inspect(number: int, params: dict) -> None:
    """Answer at a point: contributions that grow with the scale's place, windows around the point."""
    x, y = params["at"]
    if x < 0:
        fail(number, -32000, f"The point {x:g},{y:g} lies outside the rasters of satellite.", "input")
        return
    on = {name: params["scales"].get(name) for name, _ in BRANCHES}
    parts = []
    for place, (name, scale) in enumerate(BRANCHES):
        half = 5.0 * scale * (100 if name == "bioclim" else 1)
        is_on = on[name] is None or scale in on[name]
        window = [[x - half, y + half], [x + half, y + half], [x + half, y - half], [x - half, y - half]]
        parts.append({"modality": name, "scale": scale, "on": is_on, "colour": "#08459" + str(place),
                      "width_m": [2 * half, 2 * half], "window": window,
                      "value": (0.5 * place - 1.0) if is_on else 0.125})  # fmt: skip
    patches = [{"modality": name, "scale": scale, "kind": "natural" if name == "satellite" else "ramp",
                "bands": ["red", "green", "blue"] if name == "satellite" else ["bio1"],
                "low": [0.0], "high": [1.0], "png": PIXEL} for name, scale in BRANCHES]  # fmt: skip
    logit = -1.0 + sum(one["value"] for one in parts)
    warnings = ["Without satellite 115 px: an experiment; not trained for."] if params["scales"] else []
    send({"id": number, "result": {
        "species": params["species"] or SPECIES[0], "logit": logit, "probability": 0.25 + x / 1e7,
        "quantity": "relative suitability", "bias": -1.0, "contributions": parts,
        "top": [{"species": name, "probability": 0.75 - 0.25 * i, "unproven": "few blocks" if i else ""}
                for i, name in enumerate(SPECIES)],
        "crs": params["crs"] or "EPSG:32631", "warnings": warnings,
        "patches": patches if params["patches"] else [],
        "values": [{"modality": "bioclim", "band": "bio1", "unit": "°C", "value": 11.5}],
    }})  # fmt: skip


def effects(number: int, params: dict) -> None:
    """Pretend to map effects: the files are there already."""
    files = sorted(str(path) for path in Path(params["out"]).glob("*.tif"))
    send({"id": number, "result": {
        "files": files, "width": 8, "height": 8, "valid_pixels": 64, "px_per_s": 1000.0, "seconds": 0.1,
        "device": "cpu", "precision": "float32", "method": "dense", "verified_max_abs_diff": None,
        "warnings": ["Effects are the model's."], "species": params["species"][0],
        "bias": -1.25, "limit": 2.317,
    }})  # fmt: skip


def profile(number: int, params: dict) -> None:
    """Say the same of every species; the spread is there with refits."""
    several = bool(params["refits"])
    shares = (-0.0625, 0.25, 0.3125, 0.125, 0.375)
    branches = [{"modality": name, "scale": scale, "mean_abs": 0.25 * (place + 1), "variance_share": share,
                 "low": 0.2 if several else None, "high": 1.5 if several else None, "colour": "#084594",
                 "share_low": share - 0.125 if several else None,
                 "share_high": share + 0.25 if several else None}
                for place, ((name, scale), share) in enumerate(zip(BRANCHES, shares))]  # fmt: skip
    send({"id": number, "result": {
        "species": [{"name": name, "dominant": {"modality": "satellite", "scale": 115, "at_end": True},
                     "agreeing": 1 + len(params["refits"]), "branches": branches}
                    for name in params["species"] or SPECIES],
        "models": 1 + len(params["refits"]), "step": 4, "pixels": 1234, "warnings": [str(params["mask"])],
    }})  # fmt: skip


def main() -> None:
    """Answer requests until standard input ends."""
    if BEHAVIOUR == "lacking":
        print("some noise", file=sys.stderr)
        print("The engine's Python lacks torch; run “make setup”.", file=sys.stderr)
        sys.exit(3)
    for line in sys.stdin:
        message = json.loads(line)
        number, method, params = message["id"], message["method"], message["params"]
        if BEHAVIOUR == "deaf":
            time.sleep(3600)
        if BEHAVIOUR == "busy":
            for _ in range(35):
                send({"method": "alive", "params": {}})
                time.sleep(0.1)
        if method == "hello":
            send({"id": number, "result": {"version": "0.1.0", "torch": "none", "note": "no GPU was found",
                                           "devices": [{"name": "cpu", "label": "CPU"}]}})  # fmt: skip
        elif method == "check":
            check(number, params)
        elif method == "inspect":
            inspect(number, params)
        elif method == "effects":
            effects(number, params)
        elif method == "profile":
            profile(number, params)
        elif method == "map":
            threading.Thread(target=run_map, args=(number, params), daemon=True).start()
        elif method == "demo":
            send({"id": number, "result": {"files": []}})
        elif method == "train":
            send(
                {
                    "method": "progress",
                    "params": {
                        "id": number,
                        "phase": "fold 1",
                        "done": 1,
                        "total": 2,
                        "unit": "epochs",
                        "detail": "loss 0.31, AUC 0.80",
                    },
                }
            )
            send({"id": number, "result": {"model": params["out"], "oof": params["out"] + ".csv",
                                           "report": params["config"] + ".html", "auc_median": 0.8125,
                                           "n_species": 3, "n_sites": 120, "seconds": 1.0,
                                           "warnings": ["Two records lie in the sea."]}})  # fmt: skip
        elif method == "evaluate":
            send({"id": number, "result": {"summary": {"auc_median": 0.871, "auc_low": 0.84, "auc_high": 0.902,
                                                       "n_species": 3, "against": "survey"},
                                           "files": [], "warnings": [str(params["config"])]}})  # fmt: skip
        elif method == "study":
            result = {"files": [], "model": params["keep"] and params["out"] + "/best.safetensors", "fits": 42,
                      "seconds": 9.0, "verdicts": {"several scales of climate": "no evidence"},
                      "warnings": [f"{params['seeds']} seeds, {params['placebos']} placebos, "
                                   f"{params['refits']} refits"]}  # fmt: skip
            send({"id": number, "result": result})
        elif method == "import-paper":
            notes = [f"Mapped window by window. {params['pixels']}", params["stats"]]
            result = {"model": params["out"], "n_species": 7, "dense": False, "notes": notes}
            send({"id": number, "result": result})
        elif method in ANSWERS and BEHAVIOUR == "cancelled":
            fail(number, -32001, "Cancelled.", "cancelled")
        elif method in ANSWERS and BEHAVIOUR == "lacks":
            send({"id": number, "result": {"files": []}})
        elif method in ANSWERS:
            send({"id": number, "result": ANSWERS[method](params)})
        elif method == "cancel":
            CANCELLED.add(params["id"])
            send({"id": number, "result": True})
        elif method == "shutdown":
            send({"id": number, "result": None})
            return
        else:
            fail(number, -32601, f"no method {method}", "protocol")


if __name__ == "__main__":
    main()
