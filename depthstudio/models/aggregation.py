"""Turns a raw correlation volume into matching scores: a small U-Net whose weights are shared over disparity.

A volume travels as a batch of images, (N * D, C, H, W): a 1x3x3 convolution is then an ordinary 2-D one, and with
channels-last memory a 3x1x1 convolution is a 2-D one on the view (N, C, D, H * W). Both run on the fast 2-D paths.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from depthstudio.models.encoder import FeatureChannels, Features


class SeparableConv(nn.Module):
    """1x3x3 then 3x1x1 convolution, each with BatchNorm; ReLU between, none at the end."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.spatial = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.spatial_norm = nn.BatchNorm2d(outputs)
        self.along = nn.Conv2d(outputs, outputs, (3, 1), (stride, 1), (1, 0), bias=False)
        self.along_norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor, disparities: int) -> Tensor:
        """(N * D, inputs, H, W) -> (N * D / stride, outputs, H / stride, W / stride)."""
        x = F.relu(self.spatial_norm(self.spatial(x)), inplace=True)
        channels, height, width = x.shape[1:]
        x = x.permute(0, 2, 3, 1).reshape(-1, disparities, height * width, channels).permute(0, 3, 1, 2)
        x = self.along_norm(self.along(x))
        return x.permute(0, 2, 3, 1).reshape(-1, height, width, channels).permute(0, 3, 1, 2)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = SeparableConv(channels, channels)

    def forward(self, x: Tensor, disparities: int) -> Tensor:
        return F.relu(x + self.conv(x, disparities))


class _Gate(nn.Module):
    """Scales the volume's channels by what the left image shows at that pixel, the same for all disparities."""

    def __init__(self, image_channels: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Conv2d(image_channels, channels, 1)

    def forward(self, x: Tensor, image: Tensor, disparities: int) -> Tensor:
        slices, channels, height, width = x.shape
        gate = self.weight(image).sigmoid()[:, None]
        return (x.view(-1, disparities, channels, height, width) * gate).view(slices, channels, height, width)


class Aggregation(nn.Module):
    """Three-level U-Net over (disparity, y, x), gated by the left image's features.

    groups: channels of the raw volume. channels: widths at 1/8, 1/16, 1/32. The number of disparities is free
    (a multiple of 4).
    """

    def __init__(self, groups: int, channels: tuple[int, int, int], image: FeatureChannels) -> None:
        super().__init__()
        fine, middle, coarse = channels
        self.stem = SeparableConv(groups, fine)
        self.gate8 = _Gate(image.eighth, fine)
        self.down16 = SeparableConv(fine, middle, stride=2)
        self.gate16 = _Gate(image.sixteenth, middle)
        self.middle_in = _Residual(middle)
        self.down32 = SeparableConv(middle, coarse, stride=2)
        self.gate32 = _Gate(image.thirtysecond, coarse)
        self.coarse = nn.ModuleList([_Residual(coarse), _Residual(coarse)])
        self.up16 = nn.Conv2d(coarse, middle, 1)
        self.middle_out = _Residual(middle)
        self.up8 = nn.Conv2d(middle, fine, 1)
        self.fine_out = _Residual(fine)
        self.score = nn.Conv2d(fine, 1, 1)

    def forward(self, volume: Tensor, left: Features) -> Tensor:
        """volume (N, G, H, W, D), left features -> scores (N, D, H, W), to be put through a softmax over D."""
        batch, groups, height, width, disparities = volume.shape
        x = volume.permute(0, 4, 2, 3, 1).reshape(batch * disparities, height, width, groups).permute(0, 3, 1, 2)
        fine = self.gate8(F.relu(self.stem(x, disparities)), left.eighth, disparities)
        half, quarter = disparities // 2, disparities // 4
        middle = self.gate16(F.relu(self.down16(fine, disparities)), left.sixteenth, half)
        middle = self.middle_in(middle, half)
        coarse = self.gate32(F.relu(self.down32(middle, half)), left.thirtysecond, quarter)
        for block in self.coarse:
            coarse = block(coarse, quarter)
        middle = self.middle_out(F.relu(middle + _double(self.up16(coarse), quarter)), half)
        fine = self.fine_out(F.relu(fine + _double(self.up8(middle), half)), disparities)
        return self.score(fine).view(batch, disparities, height, width)


def _double(x: Tensor, disparities: int) -> Tensor:
    """Twice the disparities, height and width by repetition. (N * D, C, H, W) -> (2 N D, C, 2 H, 2 W)."""
    slices, channels, height, width = x.shape
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    x = x.view(-1, disparities, 1, channels, 2 * height, 2 * width)
    x = x.expand(-1, -1, 2, -1, -1, -1)
    return x.reshape(2 * slices, channels, 2 * height, 2 * width)
