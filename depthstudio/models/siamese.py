"""SiameseStereoNet, the network that the fine-tuning strategy was written for."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from depthstudio.models.base import StereoNetwork, StereoPrediction
from depthstudio.models.resnet import reference_encoder_layers


def _decoder_layer(inputs: int, middle: int, outputs: int, dropout_p: float) -> nn.Sequential:
    """Without dropout the transposed convolution has index 3, with dropout index 4, as in the files of both times."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, middle, 3, padding=1), nn.BatchNorm2d(middle), nn.ReLU(inplace=True)]
    if dropout_p > 0:
        layers.append(nn.Dropout2d(dropout_p))
    layers += [nn.ConvTranspose2d(middle, outputs, 4, stride=2, padding=1), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class SiameseStereoNet(StereoNetwork):
    """Shared ResNet-18 trunk to 1/8, concatenated features, three transposed convolutions. It has no cost volume.

    dropout_p: 0..0.5, Dropout2d after each decoder's ReLU. Parameter names are those of the reference checkpoints.
    """

    size_multiple = 8

    def __init__(self, name: str = "siamese", dropout_p: float = 0.2) -> None:
        if not 0 <= dropout_p <= 0.5:
            raise ValueError(f"dropout_p must lie in 0..0.5, not {dropout_p}")
        super().__init__(name, {"dropout_p": dropout_p})
        self.encoder_layer_1, self.encoder_layer_2, self.encoder_layer_3 = reference_encoder_layers()
        self.decoder_layer1 = _decoder_layer(256, 128, 64, dropout_p)
        self.decoder_layer2 = _decoder_layer(128, 64, 64, dropout_p)
        self.decoder_layer3 = _decoder_layer(128, 64, 32, dropout_p)
        self.final = nn.Conv2d(32, 1, 3, padding=1)

    def predict(self, left: Tensor, right: Tensor) -> StereoPrediction:
        """See StereoNetwork.predict."""
        count = left.shape[0]
        half = self.encoder_layer_1(torch.cat((left, right)))
        quarter = self.encoder_layer_2(half)
        eighth = self.encoder_layer_3(quarter)
        x = self.decoder_layer1(torch.cat((eighth[:count], eighth[count:]), dim=1))
        x = self.decoder_layer2(torch.cat((x, quarter[:count]), dim=1))
        x = self.decoder_layer3(torch.cat((x, half[:count]), dim=1))
        return StereoPrediction(F.relu(self.final(x)).squeeze(1).float(), None, {})

    def encoder_modules(self) -> list[nn.Module]:
        """See StereoNetwork.encoder_modules."""
        return [self.encoder_layer_1, self.encoder_layer_2, self.encoder_layer_3]

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """See StereoNetwork.parameter_groups; the decoders stand where other networks aggregate."""
        return {
            "head": [*self.decoder_layer3.parameters(), *self.final.parameters()],
            "aggregation": [*self.decoder_layer1.parameters(), *self.decoder_layer2.parameters()],
            "encoder": list(self.encoder_parameters()),
        }
