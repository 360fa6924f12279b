"""Image encoders of the cost-volume networks: matching features and left context at several resolutions."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from depthstudio.models.resnet import BasicBlock, reference_encoder_layers


class Features(NamedTuple):
    """Feature maps at 1/4, 1/8, 1/16 and 1/32 of the image."""

    quarter: Tensor
    eighth: Tensor
    sixteenth: Tensor
    thirtysecond: Tensor


class FeatureChannels(NamedTuple):
    """Widths of the maps in Features."""

    quarter: int
    eighth: int
    sixteenth: int
    thirtysecond: int


class _ConvNormRelu(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )


class _TopDown(nn.Module):
    """Brings what the coarser map knows into the finer one."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(coarse, fine, 1, bias=False)
        self.merge = _ConvNormRelu(fine, fine)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        upsampled = F.interpolate(self.reduce(coarse), scale_factor=2, mode="nearest")
        return self.merge(fine + upsampled)


class CompactEncoder(nn.Module):
    """Residual stages at 1/2 .. 1/32 and a top-down merge. channels: widths at 1/2, 1/4, 1/8, 1/16, 1/32."""

    def __init__(self, channels: tuple[int, int, int, int, int]) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth, thirtysecond = channels
        self.channels = FeatureChannels(quarter, eighth, sixteenth, thirtysecond)
        self.stem = _ConvNormRelu(3, half, stride=2)
        self.stage4 = nn.Sequential(BasicBlock(half, quarter, 2), BasicBlock(quarter, quarter))
        self.stage8 = nn.Sequential(BasicBlock(quarter, eighth, 2), BasicBlock(eighth, eighth))
        self.stage16 = nn.Sequential(BasicBlock(eighth, sixteenth, 2), BasicBlock(sixteenth, sixteenth))
        self.stage32 = nn.Sequential(BasicBlock(sixteenth, thirtysecond, 2), BasicBlock(thirtysecond, thirtysecond))
        self.down16 = _TopDown(thirtysecond, sixteenth)
        self.down8 = _TopDown(sixteenth, eighth)
        self.down4 = _TopDown(eighth, quarter)

    def forward(self, image: Tensor) -> Features:
        """(N, 3, H, W), H and W multiples of 32 -> features."""
        quarter = self.stage4(self.stem(image))
        eighth = self.stage8(quarter)
        sixteenth = self.stage16(eighth)
        thirtysecond = self.stage32(sixteenth)
        sixteenth = self.down16(thirtysecond, sixteenth)
        eighth = self.down8(sixteenth, eighth)
        return Features(self.down4(eighth, quarter), eighth, sixteenth, thirtysecond)


class ReferenceEncoder(nn.Module):
    """The encoder of SiameseStereoNet under its own names, continued to 1/32 for the gates of the aggregation."""

    def __init__(self) -> None:
        super().__init__()
        self.channels = FeatureChannels(64, 128, 128, 128)
        self.encoder_layer_1, self.encoder_layer_2, self.encoder_layer_3 = reference_encoder_layers()
        self.stage16 = _ConvNormRelu(128, 128, stride=2)
        self.stage32 = _ConvNormRelu(128, 128, stride=2)

    def forward(self, image: Tensor) -> Features:
        """(N, 3, H, W), H and W multiples of 32 -> features."""
        quarter = self.encoder_layer_2(self.encoder_layer_1(image))
        eighth = self.encoder_layer_3(quarter)
        sixteenth = self.stage16(eighth)
        return Features(quarter, eighth, sixteenth, self.stage32(sixteenth))
