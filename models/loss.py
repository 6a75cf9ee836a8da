"""The full weighted loss of Zbinden et al. 2024 (arXiv 2403.02377), for records and for surveys."""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

LARGEST_WEIGHT = 1e4  # of a species found at a single site of very many


class FullWeightedLoss(torch.nn.Module):
    """Mean over sites and species of the weighted cross-entropy, with background points beside.

    With n_s the sites with species s, m_s those where it was looked for and not found, and
    n = n_s + m_s, a site costs::

        n / n_s * -log p                              where s was recorded     (lambda1 = 1)
        lambda2 * n / m_s * -log(1 - p)               where it was not
        (1 - lambda2) * -log(1 - p)                   at a background point

    so that presences, other species' sites and background weigh alike for every species. Where a species
    was not looked for everywhere, n is the number of all sites: those where it was weigh as if they were all.
    The loss is computed from logits with log-sigmoid, so it is finite for any logit. A species at every site
    has no other sites, so its second term never occurs; one without a site is left out.

    Parameters
    ----------
    presences
        (species,) number of training sites of each species.
    sites
        Number of training sites.
    lambda2
        Weight of other species' sites against background, one for all species or (species,); 1 is the
        paper's, without background.
    surveys
        (species,) number of training sites where each was looked for; all by default.
    """

    presence_weight: Tensor
    absence_weight: Tensor
    lambda2: Tensor

    def __init__(
        self, presences: Tensor, sites: int, lambda2: float | Tensor, surveys: Tensor | None = None
    ) -> None:
        super().__init__()
        counts = presences.to(torch.float64)
        known = counts > 0
        weight = torch.where(known, sites / counts.clamp(min=1), 0.0).clamp(max=LARGEST_WEIGHT)
        others = ((sites if surveys is None else surveys) - counts).clamp(min=1)
        absence = torch.where(known, sites / others, 0.0).clamp(max=LARGEST_WEIGHT)
        self.register_buffer("presence_weight", weight.to(torch.float32))
        self.register_buffer("absence_weight", absence.to(torch.float32))
        self.register_buffer("lambda2", torch.as_tensor(lambda2, dtype=torch.float32).expand(len(counts)))

    def forward(
        self,
        logits: Tensor,
        presence: Tensor,
        background: Tensor | None = None,
        surveyed: Tensor | None = None,
    ) -> Tensor:
        """Return the loss, a scalar.

        Parameters
        ----------
        logits
            (sites, species) at sites.
        presence
            (sites, species), 1 where the species was recorded, else 0.
        background
            (points, species) logits at background points, if any.
        surveyed
            (sites, species), False where the species was not looked for: nothing is learnt there. Everywhere
            by default.
        """
        found = -functional.logsigmoid(logits) * presence * self.presence_weight
        not_found = -functional.logsigmoid(-logits) * (1 - presence) * self.absence_weight
        cost = found + self.lambda2 * not_found
        loss = (cost if surveyed is None else torch.where(surveyed, cost, 0.0)).mean()
        if background is not None and len(background):
            weight = (1 - self.lambda2) * (self.presence_weight > 0)
            loss = loss + (-functional.logsigmoid(-background) * weight).mean()
        return loss
