"""What is said of fits whose training diverged."""

from __future__ import annotations

from collections.abc import Iterable

from .standing import Standing
from .trial import Trial
from .variant import in_words

MOST_NAMED = 20  # fits


def divergence_notes(standings: Iterable[Standing]) -> tuple[str, ...]:
    """Return sentences on the fits that diverged and what is left out for them, none where all went well."""
    standings = list(standings)
    fits = [trial for one in standings for trial in one.diverged]
    if not fits:
        return ()
    more = f"; and {len(fits) - MOST_NAMED} more" if len(fits) > MOST_NAMED else ""
    found = [
        f"The training of {len(fits)} {'network' if len(fits) == 1 else 'networks'} diverged. All folds of the "
        "same seed, or of the same placebo, are left out of the figures of that model with them: "
        f"{'; '.join(_name(one) for one in fits[:MOST_NAMED])}{more}. A lower training.learning_rate may help."
    ]
    lost = [
        one.variant.sees
        for one in standings
        if not one.runs and any(not trial.run.draw for trial in one.diverged)
    ]
    if lost:
        found.append(f"No seed is left, so there are no figures, of the networks of {'; '.join(lost)}.")
    return tuple(found)


def _name(trial: Trial) -> str:
    run = trial.run
    on = f"placebo {run.draw} beside {in_words(run.kept)}" if run.draw else f"seed {run.seed}"
    return f"{trial.variant.sees}, {on}, fold {trial.fold + 1}"
