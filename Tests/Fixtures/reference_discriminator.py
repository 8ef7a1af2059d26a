"""The UD2M discriminator in PyTorch, written from the description in `networks.md` §6 for checking fixtures."""

import torch
from torch import nn


class Downsample(nn.Module):
    """Half the size, then a convolution, an instance norm without parameters, and a leaky rectifier."""

    def __init__(self, channels, out):
        super().__init__()
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2), nn.Conv2d(channels, out, 3, padding=1), nn.InstanceNorm2d(out), nn.LeakyReLU(0.2))

    def forward(self, x):
        return self.downsample(x)


class Discriminator(nn.Module):
    """Tells restored from real images: image and measurement stacked [N,2C,H,W] in, a probability [N,1] out."""

    def __init__(self, image_size, image_channels, layers=None):
        super().__init__()
        layers = layers or (5 if image_size >= 128 else 3)
        self.initial_layers = nn.Sequential(nn.Conv2d(2 * image_channels, 32, 3, padding=1), nn.LeakyReLU(0.01))
        self.encoder_layers = nn.ModuleList()
        width = 32
        for layer in range(layers):
            out = 2 * width if layer < (layers + 1) // 2 else width // 2
            self.encoder_layers.append(Downsample(width, out))
            width = out
        self.dense_layer = nn.Sequential(
            nn.Flatten(), nn.Linear(width * (image_size >> layers) ** 2, 1), nn.Sigmoid())

    def forward(self, image, y):
        h = self.initial_layers(torch.cat([image, y], dim=1))
        for layer in self.encoder_layers:
            h = layer(h)
        return self.dense_layer(h)
