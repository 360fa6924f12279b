"""Group-wise cosine correlation of two feature maps along the epipolar line, and looking up values in it.

Only matrix products, padding, reshaping and slicing are used, so that the graph exports to every runtime.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def normalise_groups(features: Tensor, groups: int, unit_length: bool = True) -> Tensor:
    """Scale each group of channels to unit length. (N, C, H, W) -> (N, groups, H, W, C / groups), float32.

    Not unit_length: divided by the root of their number: products are means. Longer features then count more.
    """
    count, channels, height, width = features.shape
    split = features.float().view(count, groups, channels // groups, height, width).permute(0, 1, 3, 4, 2)
    if not unit_length:
        return split * (channels // groups) ** -0.5
    return split * torch.rsqrt(split.square().sum(dim=-1, keepdim=True) + 1e-6)


def correlation_volume(left: Tensor, right: Tensor, first: int, count: int) -> Tensor:
    """Correlation of left pixel x with right pixel x - d for d = first .. first + count - 1.

    left, right: (N, G, H, W, C) float32 from normalise_groups; first <= 0.
    Returns (N, G, H, W, count); 0 where x - d lies outside the right image.

    One batched product holds every pair (x, x'). With the right image reversed, the entry of disparity d stands at
    column W - 1 - x + d of row x; reading the padded rows with a length one shorter lines these entries up ("skew").
    """
    batch, groups, height, width, _ = left.shape
    with torch.autocast(left.device.type, enabled=False):
        product = left @ right.flip(3).transpose(-1, -2)
    before, after = -first, first + count
    padded = F.pad(product, (before, after))
    row = width + before + after
    flat = padded.reshape(batch, groups, height, width * row)
    start = width - 1
    skewed = flat[..., start : start + width * (row - 1)].reshape(batch, groups, height, width, row - 1)
    return skewed[..., :count]


def lookup(volume: Tensor, position: Tensor, radius: int) -> Tensor:
    """Linearly interpolated values at position - radius .. position + radius.

    volume: (N, G, H, W, K) whose entry k is the disparity k - radius; K >= 2 * radius + 2.
    position: (N, H, W), clamped so that everything looked up exists.
    Returns (N, G * (2 radius + 1), H, W).
    """
    batch, groups, height, width, size = volume.shape
    position = position.clamp(0, size - 2 * radius - 2)
    below = position.floor()
    taps = 2 * radius + 1
    index = below.nan_to_num().long()[:, None, :, :, None] + torch.arange(taps + 1, device=volume.device)
    values = volume.gather(-1, index.expand(batch, groups, height, width, taps + 1))
    fraction = (position - below)[:, None, :, :, None]
    mixed = torch.lerp(values[..., :-1], values[..., 1:], fraction)
    return mixed.permute(0, 1, 4, 2, 3).reshape(batch, groups * taps, height, width)


def lookup_in_products(products: Tensor, position: Tensor, radius: int, size: int) -> Tensor:
    """The same values as lookup() in a volume of this size, read from the bare products: for exported graphs.

    products: (N, G, H, W, W) = left @ right^T, whose entry x' of row x is the disparity x - x'. Other runtimes take
    longer to line up the volume than to compute it.
    """
    batch, groups, height, width, _ = products.shape
    position = position.clamp(0, size - 2 * radius - 2)
    below = position.floor()
    taps = torch.arange(-radius, radius + 2, device=products.device, dtype=products.dtype)
    column = torch.arange(width, device=products.device, dtype=products.dtype)[:, None] - (below[..., None] + taps)
    inside = (column >= 0) & (column < width)
    index = column.where(inside, 0).long()[:, None].expand(batch, groups, height, width, 2 * radius + 2)
    values = products.gather(-1, index) * inside[:, None].to(products.dtype)
    mixed = values[..., :-1] + (values[..., 1:] - values[..., :-1]) * (position - below)[:, None, :, :, None]
    return mixed.permute(0, 1, 4, 2, 3).reshape(batch, groups * (2 * radius + 1), height, width)
