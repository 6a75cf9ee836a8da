"""How much higher a model's AUC is than another's, and what may be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import ndtri, stdtrit

from ..judging.resampling import COVERAGE, Estimate
from ..judging.scored import Floats

HELPS, HURTS = "helps", "hurts"
NO_EVIDENCE = "no evidence"
CHANCE = "cannot be told from a placebo"
TOO_FEW = "too few placebos"
UNTESTED = "not tested against a placebo"

LEAST_PLACEBOS = 3  # of fewer nothing can be told of how they scatter
UPPER = 0.99  # share of further placebos that stay below the limit, if they scatter like a bell


@dataclass(frozen=True)
class Gain:
    """A gain beside those of its placebos.

    A placebo's gain is that of the same model, on the same places and blocks, when what it sees beyond the
    reference is randomised. If what is added holds nothing but chance structure, the real gain is one more draw
    of the same kind, so it is compared with the *prediction* of a further draw from those made (Student's t:
    their mean + t · s · √(1 + 1 / draws), s their deviation), and with each of them. The blocks do not come in
    there: they are the same for all. They decide the interval of the gain itself.

    Attributes
    ----------
    real
        On real predictors, with its interval over blocks and seeds.
    placebos
        On each placebo.
    headroom
        How much the reference leaves to be gained: 1 less its AUC.
    """

    real: Estimate
    placebos: tuple[float, ...] = ()
    headroom: float | None = None

    @classmethod
    def of(cls, drawn: Floats, base: float, placebos: Floats, blocks: int) -> Gain:
        """Return a gain from draws.

        Of few blocks, blocks drawn with replacement vary too little: by √((blocks - 1) / blocks), and like a
        normal variable where a mean of so few varies like Student's t. The interval is made wider by both.

        Parameters
        ----------
        drawn
            (1 + draws,) the gain, and as it is with blocks and seeds drawn with replacement.
        base
            AUC of the reference.
        placebos
            (placebos,) AUC of the model on each; NaN where it has none.
        blocks
            How many hold presences.
        """
        factor, tail = 1.0, 0.5 + COVERAGE / 200
        if blocks > 1:
            factor = float(stdtrit(blocks - 1, tail) / ndtri(tail) * np.sqrt(blocks / (blocks - 1)))
        there = placebos[np.isfinite(placebos)] if np.isfinite(base) else np.empty(0)
        return cls(
            real=Estimate.of(drawn[0] + factor * (drawn - drawn[0])),
            placebos=tuple((there - base).tolist()),
            headroom=1 - float(base) if np.isfinite(base) else None,
        )

    @property
    def draws(self) -> int:
        """How many placebos there are."""
        return len(self.placebos)

    @cached_property
    def placebo(self) -> Estimate:
        """The mean of the placebos' gains and, of three or more, the 98 % prediction of a further one."""
        if not self.placebos:
            return Estimate()
        mean = float(np.mean(self.placebos))
        if self.draws < LEAST_PLACEBOS:
            return Estimate(mean)
        reach = float(stdtrit(self.draws - 1, UPPER)) * self._spread * float(np.sqrt(1 + 1 / self.draws))
        return Estimate(mean, mean - reach, mean + reach)

    @property
    def excess(self) -> Estimate:
        """The real gain less that of a further placebo; none with fewer than three placebos."""
        value, placebo = self.real.value, self.placebo
        if value is None or placebo.value is None or placebo.low is None or placebo.high is None:
            return Estimate()
        return Estimate(value - placebo.value, value - placebo.high, value - placebo.low)

    @property
    def limit(self) -> float | None:
        """The gain that no placebo is expected to reach; None with fewer than three placebos."""
        high = self.placebo.high
        return None if high is None else max(high, *self.placebos)

    @property
    def least(self) -> float | None:
        """The smallest gain that could help, with an interval as wide as this and placebos as they are."""
        value, low = self.real.value, self.real.low
        if value is None or low is None or self.limit is None:
            return None
        return max(self.limit, value - low)

    @property
    def verdict(self) -> str:
        """What may be said; a gain helps if its interval lies above 0 and it is more than a placebo's."""
        value, low, high = self.real.value, self.real.low, self.real.high
        if value is None:
            return ""
        if low is None or high is None or low <= 0 <= high:
            return NO_EVIDENCE
        if high < 0:
            return HURTS
        if not self.placebos:
            return UNTESTED
        if self.limit is not None and value > self.limit:
            return HELPS
        if value > max(self.placebos) and self._would_help(value):
            return TOO_FEW
        return f"{CHANCE} ({self.draws} {'draw' if self.draws == 1 else 'draws'})"

    def _would_help(self, value: float) -> bool:
        """Tell whether a gain would help if any number of further placebos scattered as those made do."""
        if self.draws < LEAST_PLACEBOS:
            return True
        return value > float(np.mean(self.placebos)) + float(ndtri(UPPER)) * self._spread

    @property
    def _spread(self) -> float:
        return float(np.std(self.placebos, ddof=1))
