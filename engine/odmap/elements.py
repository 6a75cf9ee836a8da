"""The elements of the ODMAP protocol 1.0, in the order and under the names of its web form.

Zurell et al. 2020, A standard protocol for reporting species distribution models. Ecography 43: 1261-1277,
doi 10.1111/ecog.04960; the form reads and writes a CSV of section, subsection, element and value
(https://odmap.wsl.ch).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Element:
    """One question of the protocol. ``optional`` ones may stay without an answer."""

    section: str
    subsection: str
    name: str
    optional: bool = False

    @property
    def key(self) -> tuple[str, str]:
        """What answers are found by: a name occurs once in a subsection, and no subsection in two sections."""
        subsection = "Biodiversity sample" if (self.section, self.subsection) == SAMPLE else self.subsection
        return subsection, self.name


SAMPLE = ("Data", "Biodiversity data")  # called as one of the overview, so it has a key of its own

# By section and subsection; a star marks what is optional.
_PROTOCOL: dict[str, dict[str, tuple[str, ...]]] = {
    "Overview": {
        "Authorship": ("Study title", "Author names", "Contact ", "Study link"),
        "Model objective": ("Model objective", "Target output"),
        "Focal Taxon": ("Focal Taxon",),
        "Location": ("Location",),
        "Scale of Analysis": (
            "Spatial extent", "Spatial resolution*", "Temporal extent", "Temporal resolution*", "Boundary",
        ),
        "Biodiversity data": ("Observation type", "Response data type"),
        "Predictors": ("Predictor types",),
        "Hypotheses": ("Hypotheses",),
        "Assumptions": ("Model assumptions",),
        "Algorithms": ("Modelling techniques", "Model complexity", "Model averaging"),
        "Workflow": ("Model workflow",),
        "Software": ("Software", "Code availability", "Data availability"),
    },
    "Data": {
        "Biodiversity data": (
            "Taxon names", "Taxonomic reference system", "Ecological level", "Data sources", "Sampling design",
            "Sample size", "Clipping*", "Scaling*", "Cleaning*", "Absence data", "Background data",
            "Errors and biases*",
        ),
        "Data partitioning": ("Training data", "Validation data", "Test data*"),
        "Predictor variables": (
            "Predictor variables", "Data sources", "Spatial extent", "Spatial resolution",
            "Coordinate reference system", "Temporal extent", "Temporal resolution*", "Data processing*",
            "Errors and biases*", "Dimension reduction*",
        ),
        "Transfer data": (
            "Data sources", "Spatial extent", "Spatial resolution", "Temporal extent", "Temporal resolution*",
            "Models and scenarios", "Data processing*", "Quantification of Novelty",
        ),
    },
    "Model": {
        "Variable pre-selection": ("Variable pre-selection*",),
        "Multicollinearity": ("Multicollinearity",),
        "Model settings": ("Model settings (fitting)", "Model settings (extrapolation)"),
        "Model estimates": ("Coefficients", "Parameter uncertainty*", "Variable importance*"),
        "Model selection - model averaging - ensembles": (
            "Model selection*", "Model averaging*", "Model ensembles*",
        ),
        "Analysis and Correction of non-independence": (
            "Spatial autocorrelation", "Temporal autocorrelation*", "Nested data*",
        ),
        "Threshold selection": ("Threshold selection",),
    },
    "Assessment": {
        "Performance statistics": (
            "Performance on training data", "Performance on validation data", "Performance on test data",
        ),
        "Plausibility check": ("Response shapes", "Expert judgement"),
    },
    "Prediction": {
        "Prediction output": ("Prediction unit", "Post-processing*"),
        "Uncertainty quantification": (
            "Algorithmic uncertainty*", "Input data uncertainty*", "Parameter uncertainty*",
            "Scenario uncertainty", "Novel environments",
        ),
    },
}  # fmt: skip

ELEMENTS = tuple(
    Element(section, subsection, name.rstrip("*"), name.endswith("*"))
    for section, subsections in _PROTOCOL.items()
    for subsection, names in subsections.items()
    for name in names
)
