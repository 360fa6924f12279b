"""The first half of a ResNet-18, with the parameter names that torchvision gives it."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut (He et al. 2016), named as in torchvision."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, H, W) -> (N, outputs, H / stride, W / stride)."""
        shortcut = x if self.downsample is None else self.downsample(x)
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(x)) + shortcut, inplace=True)


def reference_encoder_layers() -> tuple[nn.Sequential, nn.Sequential, nn.Sequential]:
    """encoder_layer_1 .. 3 of SiameseStereoNet: 64 channels at 1/2, 64 at 1/4, 128 at 1/8."""
    layer_1 = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True))
    layer_2 = nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Sequential(BasicBlock(64, 64), BasicBlock(64, 64)))
    layer_3 = nn.Sequential(BasicBlock(64, 128, stride=2), BasicBlock(128, 128))
    return layer_1, layer_2, layer_3
