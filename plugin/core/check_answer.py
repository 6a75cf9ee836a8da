"""What the engine says a map would be."""

from __future__ import annotations

from ...engine.protocol import Caution, CheckResult, EstimateResult


def check_result(values: dict) -> CheckResult:
    """Return the engine's answer as a CheckResult."""
    cautions = tuple(
        Caution(
            str(one.get("kind", "")),
            str(one.get("message", "")),
            bool(one.get("blocking", False)),
            str(one.get("modality") or ""),
            str(one.get("band") or ""),
        )
        for one in values.get("warnings", ())
    )
    estimate = values.get("estimate")
    return CheckResult(
        int(values["width"]),
        int(values["height"]),
        float(values["pixel_m"]),
        float(values["margin_m"]),
        str(values.get("margin_modality", "")),
        str(values.get("crs", "")),
        dict(values.get("inputs", {})),
        cautions,
        None if estimate is None else EstimateResult(**estimate),
    )
