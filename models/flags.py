"""Why the figures of a species deserve less trust, or prove nothing. Standard library alone."""

from __future__ import annotations

FEW_PRESENCES = "few presences"
FEW_BLOCKS = "few blocks"
ONE_CLASS = "one class only"
CHANCE = "no better than chance"
COORDINATES = "no better than coordinates"
FLAGS = (ONE_CLASS, FEW_PRESENCES, FEW_BLOCKS, CHANCE, COORDINATES)

# With these the tests do not show that the model predicts the species at all.
UNPROVEN = frozenset({ONE_CLASS, FEW_PRESENCES, FEW_BLOCKS, CHANCE})

FEWEST_PRESENCES = 10  # in a test
FEWEST_BLOCKS = 5  # that hold a test presence
NO_SKILL = 0.5  # the AUC of chance

EXPLAINED = {
    ONE_CLASS: "no fold holds both a presence and an absence, so nothing was tested",
    FEW_PRESENCES: f"fewer than {FEWEST_PRESENCES} presences to test with",
    FEW_BLOCKS: f"presences in fewer than {FEWEST_BLOCKS} spatial blocks, too few for a test",
    CHANCE: "the interval of its AUC reaches 0.5, so chance explains it as well",
    COORDINATES: (
        "a model that knows coordinates alone has as high an AUC: its records follow something that the "
        "predictors do not hold, such as recording effort, a larger scale or dispersal"
    ),
}
SEPARATOR = "; "


def joined(flags: tuple[str, ...]) -> str:
    """Return flags as one text, as tables and cards hold them."""
    return SEPARATOR.join(flags)


def split(text: str) -> tuple[str, ...]:
    """Return the flags of a text; empty without any."""
    return tuple(text.split(SEPARATOR)) if text else ()


def unproven(flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the flags that mean that the tests prove nothing for the species."""
    return tuple(flag for flag in flags if flag in UNPROVEN)


def is_unproven(flags: tuple[str, ...]) -> bool:
    """Tell whether one of the flags means that the tests prove nothing for the species."""
    return bool(unproven(flags))


def with_reasons(name: str, flags: tuple[str, ...]) -> str:
    """Return the name of a species with why it is unproven: ``Rare (few presences, few blocks)``."""
    return f"{name} ({', '.join(unproven(flags))})"
