from __future__ import annotations

import torch

from depthstudio.models import StereoPrediction
from depthstudio.training.losses import LossShape

TRUTH = torch.full((1, 4, 4), 10.0)
MASK = torch.ones(1, 4, 4, dtype=torch.bool)


def pull(shape: LossShape, error_px: torch.Tensor, weight: torch.Tensor | None = None) -> torch.Tensor:
    """The gradient by which each pixel pulls."""
    predicted = (TRUTH + error_px).requires_grad_()
    shape.of(StereoPrediction(predicted, None, {}), TRUTH, MASK, weight).backward()
    assert predicted.grad is not None
    return predicted.grad.abs()


def test_a_gross_error_pulls_less_than_a_fine_one_when_robust() -> None:
    error_px = torch.full((1, 4, 4), 1.5)
    error_px[0, 0, 0] = 80.0
    plain, robust = (pull(LossShape(robust_px=limit), error_px) for limit in (0.0, 8.0))
    assert plain[0, 0, 0] == plain[0, 1, 1]
    assert robust[0, 0, 0] < 0.15 * robust[0, 1, 1]


def test_labels_that_are_not_trusted_do_not_pull() -> None:
    weight = torch.ones(1, 4, 4)
    weight[0, :2] = 0.0
    weight[0, 3] = 0.5
    found = pull(LossShape(), torch.full((1, 4, 4), 3.0), weight)
    assert not found[0, :2].any()
    assert torch.allclose(found[0, 3], 0.5 * found[0, 2])


def test_intermediate_disparities_count_by_their_weight() -> None:
    auxiliary = {"volume": torch.full((1, 1, 1), 14.0)}
    prediction = StereoPrediction(TRUTH.clone(), None, auxiliary)
    costs = [float(LossShape(auxiliary=weight).of(prediction, TRUTH, MASK, None)) for weight in (0.0, 0.3)]
    assert costs[0] == 0.0
    assert abs(costs[1] - 0.3 * 3.5) < 1e-6
