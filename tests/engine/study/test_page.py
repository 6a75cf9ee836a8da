"""What the page says of a comparison: it must be true of the figures beside it."""

from __future__ import annotations

import numpy as np
import pytest
from scalescape.engine.judging.resampling import Estimate
from scalescape.engine.study.findings import Comparison
from scalescape.engine.study.gain import CHANCE, HELPS, HURTS, NO_EVIDENCE, TOO_FEW, UNTESTED, Gain
from scalescape.engine.study.page import TEMPLATES, sentence
from scalescape.engine.study.variant import NETWORK, Variant
from scipy.stats import t

MODEL = Variant(NETWORK, (("climate", (1, 5)), ("modis", (1, 17))))
REFERENCE = Variant(NETWORK, (("climate", (1,)),))
GAIN = Estimate(0.038, 0.006, 0.074)
WIDE = (-0.11, 0.02, 0.07)


def said(gain: Gain) -> str:
    return sentence(Comparison("several modalities", MODEL, REFERENCE, (), gain, gain))


def test_a_gain_above_placebos_that_scatter_much_is_not_called_one_of_chance() -> None:
    """Placebos lose 0.006 in the mean and the real gain is 0.038: they do not gain as much, nobody can tell."""
    text = said(Gain(GAIN, WIDE, 0.09))
    least = np.mean(WIDE) + t.ppf(0.99, 2) * np.std(WIDE, ddof=1) * np.sqrt(1 + 1 / 3)
    assert text == (
        "Several modalities: cannot be told from a placebo (3 draws) (climate 1-5 + modis 1-17: mean AUC "
        "+0.038 [+0.006, +0.074] over climate 1; with climate 5 + modis 1-17 of 3 placebos −0.110 to +0.070; a "
        f"gain below {least:+.3f} could not have passed, of the 0.090 that the reference leaves to be gained)."
    )
    assert "chance structure" not in text and "as much" not in text


@pytest.mark.parametrize(
    ("gain", "start"),
    [
        (Gain(GAIN, (-0.006, -0.001, -0.01, -0.004), 0.09), "Several modalities help (climate"),
        (Gain(Estimate(-0.03, -0.05, -0.01), WIDE, 0.09), "Several modalities hurt ("),
        (Gain(Estimate(0.01, -0.01, 0.03), WIDE, 0.09), "Several modalities: no evidence that they help ("),
        (
            Gain(GAIN, (0.01,), 0.09),
            "Several modalities may help: more than any placebo, but there are too few",
        ),
        (Gain(GAIN, (), 0.09), "Several modalities may help, but that was not tested against a placebo ("),
        (Gain(Estimate()), "Several modalities: no species could be judged."),
    ],
)
def test_every_verdict_has_its_sentence(gain: Gain, start: str) -> None:
    assert said(gain).startswith(start)
    assert ("could not have passed" in said(gain)) == (gain.draws >= 3)


def test_the_page_explains_every_verdict_that_there_is() -> None:
    text = (TEMPLATES / "study.html.jinja").read_text(encoding="utf-8")
    for name in (HELPS, HURTS, NO_EVIDENCE, CHANCE, TOO_FEW, UNTESTED):
        assert f"<dt>{name}</dt>" in text
    assert "It does not say that placebos do gain as much" in text
