"""What every stereo network of the program has in common: sizes, normalisation, freezing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class StereoPrediction(NamedTuple):
    """What a network says about a pair.

    disparity: (N, H, W) float32, px of the left view. confidence: (N, H, W) float32, the network's own probability
    that the error is below 1 px; None for networks without it. auxiliary: what the training loss looks at besides
    (sizes may be the padded ones); volume_stride: px of the images per cell of its scores, twice that of its maps.
    """

    disparity: Tensor
    confidence: Tensor | None
    auxiliary: dict[str, Tensor]
    volume_stride: int = 8


class StereoNetwork(nn.Module):
    """Base of all networks: takes images of any size as float32 RGB in [0, 1], pads and normalises them inside.

    A subclass sets `size_multiple`, names its encoder in `encoder_modules()` and writes `predict()`.
    """

    name: str
    options: dict[str, Any]
    size_multiple = 1
    _mean: Tensor
    _std: Tensor

    def __init__(self, name: str, options: dict[str, Any]) -> None:
        super().__init__()
        self.name = name
        self.options = options
        self._encoder_frozen = False
        self.register_buffer("_mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)

    def predict(self, left: Tensor, right: Tensor) -> StereoPrediction:
        """The network itself, on normalised images whose height and width are multiples of `size_multiple`."""
        raise NotImplementedError

    def encoder_modules(self) -> list[nn.Module]:
        """The modules that see single images, before anything is matched."""
        raise NotImplementedError

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Every parameter once, by depth, for layer-wise learning rates: "head", "aggregation", "encoder"."""
        raise NotImplementedError

    def forward(self, left: Tensor, right: Tensor) -> StereoPrediction:
        """Disparity of the left view. left, right: (N, 3, H, W) float32 RGB in [0, 1], rectified, any size."""
        height, width = left.shape[-2:]
        pad_bottom, pad_right = -height % self.size_multiple, -width % self.size_multiple
        left, right = self._normalise(left), self._normalise(right)
        if pad_bottom or pad_right:
            left = F.pad(left, (0, pad_right, 0, pad_bottom), mode="replicate")
            right = F.pad(right, (0, pad_right, 0, pad_bottom), mode="replicate")
        prediction = self.predict(left, right)
        if pad_bottom or pad_right:
            confidence = prediction.confidence
            return prediction._replace(
                disparity=prediction.disparity[:, :height, :width],
                confidence=None if confidence is None else confidence[:, :height, :width],
            )
        return prediction

    def _normalise(self, image: Tensor) -> Tensor:
        return (image - self._mean) / self._std

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """Parameters of the encoder, the part that fine-tuning usually leaves alone."""
        for module in self.encoder_modules():
            yield from module.parameters()

    @property
    def encoder_frozen(self) -> bool:
        """True after freeze_encoder()."""
        return self._encoder_frozen

    def freeze_encoder(self) -> None:
        """Stop the encoder from learning. Its BatchNorm statistics stand still too, also after .train()."""
        self._encoder_frozen = True
        for parameter in self.encoder_parameters():
            parameter.requires_grad_(False)
        self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Like nn.Module.train, but a frozen encoder stays in evaluation mode."""
        super().train(mode)
        if self._encoder_frozen:
            for module in self.encoder_modules():
                module.eval()
        return self
