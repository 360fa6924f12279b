"""The program's own networks: a correlation volume at 1/8, weights shared over disparity, refinement at 1/4.

All sizes named here are those of the images that the encoder sees: the given ones, or these enlarged (`enlarge`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthstudio.models.aggregation import Aggregation
from depthstudio.models.base import StereoNetwork, StereoPrediction
from depthstudio.models.cost_volume import correlation_volume, lookup, lookup_in_products, normalise_groups
from depthstudio.models.encoder import CompactEncoder, ReferenceEncoder
from depthstudio.models.refinement import RefinementStep, convex_upsample, peak_expectation

SIZE_MULTIPLE = 32
DISPARITY_MULTIPLE = 32
LARGEST_DISPARITY = 320
INITIAL_LOG_SPREAD = 1.5
ENLARGING = "bilinear"


class VolumeStereoNetwork(StereoNetwork):
    """Matches by a group-wise cosine volume.

    encoder: "compact" or "reference". channels: widths of the compact encoder at 1/2 .. 1/32.
    groups, match: groups and channels of the matching features at 1/8; fine_groups, fine_match: the same at 1/4.
    unit_length: compare the direction of these features only, not their length.
    aggregation: widths of the U-Net. hidden, steps, radius: width, number and reach (in px at 1/4) of the refinement.
    enlarge: 1, or 2 to look at images twice as wide and high: thin things and small steps are seen, at about five times
    the cost. The weights mean the same; see `finer`.
    max_disparity: px of the given images, searched range; may be set at any time, rounded up to a multiple of 32, at
    most 320 (what is nearer is beyond reach: halve the images for it).
    """

    def __init__(
        self,
        name: str = "depthstudio-s",
        *,
        encoder: str = "compact",
        channels: tuple[int, int, int, int, int] = (16, 24, 48, 72, 96),
        match: int = 48,
        groups: int = 4,
        fine_match: int = 32,
        fine_groups: int = 2,
        unit_length: bool = True,
        aggregation: tuple[int, int, int] = (16, 32, 48),
        hidden: int = 32,
        steps: int = 2,
        radius: int = 4,
        enlarge: int = 1,
        max_disparity: int = 192,
    ) -> None:
        options: dict[str, Any] = {
            "encoder": encoder,
            "channels": list(channels),
            "match": match,
            "groups": groups,
            "fine_match": fine_match,
            "fine_groups": fine_groups,
            "unit_length": unit_length,
            "aggregation": list(aggregation),
            "hidden": hidden,
            "steps": steps,
            "radius": radius,
            "enlarge": enlarge,
            "max_disparity": max_disparity,
        }
        super().__init__(name, options)
        if enlarge not in (1, 2):
            raise ValueError(f"enlarge must be 1 or 2, not {enlarge}")
        self.enlarge, self.size_multiple = enlarge, SIZE_MULTIPLE // enlarge
        self.groups, self.fine_groups, self.steps, self.radius = groups, fine_groups, steps, radius
        self.unit_length = unit_length
        self.max_disparity = max_disparity
        self.exporting = False
        self.encoder = ReferenceEncoder() if encoder == "reference" else CompactEncoder(_five(channels))
        widths = self.encoder.channels
        self.match8 = nn.Conv2d(widths.eighth, match, 1)
        self.match4 = nn.Conv2d(widths.quarter, fine_match, 1)
        self.aggregation = Aggregation(groups, (aggregation[0], aggregation[1], aggregation[2]), widths)
        self.upsample8 = nn.Conv2d(widths.eighth, 9 * 4, 1)
        self.context = nn.Conv2d(widths.quarter, hidden, 1)
        self.step = RefinementStep(fine_groups * (2 * radius + 1), hidden)
        self.upsample4 = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, 9 * self._fine_steps**2, 1),
        )
        log_spread = nn.Conv2d(8, self._fine_steps**2, 1)
        self.spread = nn.Sequential(nn.Conv2d(hidden, 8, 3, padding=1), nn.ReLU(inplace=True), log_spread)
        _initialise(self)
        # Flat scores and no correction at first: confident nonsense takes long to unlearn.
        nn.init.normal_(self.aggregation.score.weight, std=0.01)
        nn.init.zeros_(self.step.correction.weight)
        nn.init.zeros_(log_spread.weight)
        nn.init.constant_(_bias(log_spread), INITIAL_LOG_SPREAD)

    @property
    def max_disparity(self) -> int:
        """Largest disparity searched, px at full resolution."""
        return self._max_disparity

    @max_disparity.setter
    def max_disparity(self, value: int) -> None:
        if not 1 <= value <= LARGEST_DISPARITY:
            raise ValueError(f"max_disparity must lie in 1..{LARGEST_DISPARITY} px, not {value}")
        self._max_disparity = -(-int(value) // DISPARITY_MULTIPLE) * DISPARITY_MULTIPLE

    @property
    def _fine_steps(self) -> int:
        """Given px per px of the refinement."""
        return 4 // self.enlarge

    def predict(self, left: Tensor, right: Tensor) -> StereoPrediction:
        """See StereoNetwork.predict.

        auxiliary: "scores" (N, D/8, H/8, W/8); "volume" (the scores' own disparity) and "step_0" .. (after each
        refinement but the last), at 1/4 size; "log_spread" (N, H, W). All in px of the given images.
        """
        both = torch.cat((left, right))
        if self.enlarge > 1:
            both = F.interpolate(both, scale_factor=float(self.enlarge), mode=ENLARGING, align_corners=False)
        both = both.contiguous(memory_format=torch.channels_last)
        features = self.encoder(both)
        count = left.shape[0]
        seen = type(features)(*(level[:count] for level in features))
        eighth = normalise_groups(self.match8(features.eighth), self.groups, self.unit_length)
        volume = correlation_volume(eighth[:count], eighth[count:], 0, self.max_disparity * self.enlarge // 8)
        scores = self.aggregation(volume, seen).float()
        coarse = peak_expectation(scores)
        disparity = 2 * convex_upsample(coarse, self.upsample8(seen.eighth), 2, self.exporting)
        auxiliary = {"scores": scores, "volume": self._fine_steps * disparity}
        hidden, disparity = self._refine(features.quarter, disparity, auxiliary)
        weights = self.upsample4(hidden)
        steps = self._fine_steps
        full = F.relu(steps * convex_upsample(disparity, weights, steps, self.exporting))
        spread = F.pixel_shuffle(self.spread(hidden.detach()).float().clamp(-3, 5), steps).squeeze(1)
        auxiliary["log_spread"] = spread
        return StereoPrediction(full, 1 - (-(-spread).exp()).exp(), auxiliary, 8 // self.enlarge)

    def _refine(self, quarter: Tensor, disparity: Tensor, auxiliary: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Both images' 1/4 features and the disparity at 1/4 -> the hidden state and the disparity after all steps."""
        count = disparity.shape[0]
        fine = normalise_groups(self.match4(quarter), self.fine_groups, self.unit_length)
        reach = self.max_disparity // self._fine_steps + 2 * self.radius + 2
        look_up: Callable[[Tensor], Tensor]
        if self.exporting:
            products = fine[:count] @ fine[count:].transpose(-1, -2)
            look_up = partial(lookup_in_products, products, radius=self.radius, size=reach)
        else:
            volume = correlation_volume(fine[:count], fine[count:], -self.radius, reach)
            look_up = partial(lookup, volume, radius=self.radius)
        hidden = F.relu(self.context(quarter[:count]))
        for index in range(self.steps):
            disparity = disparity.detach() if index else disparity
            correlation = look_up(disparity.detach())
            hidden, disparity = self.step(hidden, correlation, disparity)
            if index < self.steps - 1:
                auxiliary[f"step_{index}"] = self._fine_steps * disparity
        return hidden, disparity

    @torch.no_grad()
    def rescale_log_spread(self, gain: float, offset: float) -> None:
        """Make the logarithm of the error's scale gain * it + offset, and with it the confidence; disparity stays."""
        log_spread = self.spread[-1]
        assert isinstance(log_spread, nn.Conv2d)
        log_spread.weight.mul_(gain)
        _bias(log_spread).mul_(gain).add_(offset)

    def encoder_modules(self) -> list[nn.Module]:
        """See StereoNetwork.encoder_modules."""
        return [self.encoder]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """See StereoNetwork.parameter_groups."""
        aggregation = [self.match8, self.match4, self.aggregation, self.upsample8]
        head = [self.context, self.step, self.upsample4, self.spread]
        return {
            "head": [parameter for module in head for parameter in module.parameters()],
            "aggregation": [parameter for module in aggregation for parameter in module.parameters()],
            "encoder": list(self.encoder.parameters()),
        }


def finer(network: VolumeStereoNetwork, name: str) -> VolumeStereoNetwork:
    """A network with the same weights that looks at images twice as wide and high; see VolumeStereoNetwork.

    Its last layers give one value where the other's give 2x2: their mean.
    """
    if network.enlarge != 1:
        raise ValueError(f"{network.name} enlarges its images already")
    options = {**network.options, "enlarge": 2}
    result = VolumeStereoNetwork(name, **options)
    state = network.state_dict()
    for key in ("upsample4.2.weight", "upsample4.2.bias", "spread.2.weight", "spread.2.bias"):
        phases = state[key].unflatten(0, (-1, 2, 2, 2, 2))  # kinds, rows, rows of a block, columns, columns of a block
        state[key] = phases.mean(dim=(2, 4)).flatten(0, 2)
    state["spread.2.bias"] -= math.log(2)  # errors count in px of the given images
    result.load_state_dict(state)
    return result


def _five(channels: tuple[int, ...]) -> tuple[int, int, int, int, int]:
    half, quarter, eighth, sixteenth, thirtysecond = channels
    return half, quarter, eighth, sixteenth, thirtysecond


def _bias(convolution: nn.Conv2d) -> Tensor:
    assert convolution.bias is not None
    return convolution.bias


def _initialise(network: nn.Module) -> None:
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
