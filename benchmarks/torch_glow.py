"""A Glow in plain PyTorch, with the parts and choices that tutorials have.

ActNorm that whitens the first batch, a 1x1 convolution by a free matrix and its slogdet, affine
couplings with a network of three convolutions and sigmoid scales, squeeze, and a split whose half
is Gaussian given the other. What `benchmarks/side_by_side.py` trains beside tfp_glow.
"""

import math

import torch
from torch import nn
from torch.nn import functional

__all__ = ['Glow']


class ActNorm(nn.Module):
  """z = (x + bias) exp(log_scale), with zero mean and unit variance on the first batch."""

  def __init__(self, channels):
    super().__init__()
    self.bias = nn.Parameter(torch.zeros(1, channels, 1, 1))
    self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
    self.register_buffer('is_initialized', torch.tensor(False))

  def forward(self, x):
    if not self.is_initialized:
      with torch.no_grad():
        self.bias.copy_(-x.mean((0, 2, 3), keepdim=True))
        self.log_scale.copy_(-torch.log(x.std((0, 2, 3), keepdim=True) + 1e-6))
        self.is_initialized.fill_(True)
    log_det = x.shape[2] * x.shape[3] * self.log_scale.sum()
    return (x + self.bias) * torch.exp(self.log_scale), log_det

  def inverse(self, z):
    return z * torch.exp(-self.log_scale) - self.bias


class Conv1x1(nn.Module):
  """z = W x over channels, W a rotation at first."""

  def __init__(self, channels):
    super().__init__()
    rotation, _ = torch.linalg.qr(torch.randn(channels, channels))
    self.weight = nn.Parameter(rotation)

  def forward(self, x):
    log_det = x.shape[2] * x.shape[3] * torch.linalg.slogdet(self.weight)[1]
    return functional.conv2d(x, self.weight[:, :, None, None]), log_det

  def inverse(self, z):
    return functional.conv2d(z, torch.linalg.inv(self.weight)[:, :, None, None])


class ZeroConv(nn.Module):
  """A 3x3 convolution that starts at zero and learns its channels' scales three times as fast."""

  def __init__(self, channels, out_channels):
    super().__init__()
    self.conv = nn.Conv2d(channels, out_channels, 3, padding=1)
    nn.init.zeros_(self.conv.weight)
    nn.init.zeros_(self.conv.bias)
    self.log_scale = nn.Parameter(torch.zeros(1, out_channels, 1, 1))

  def forward(self, x):
    return self.conv(x) * torch.exp(3 * self.log_scale)


class Coupling(nn.Module):
  """z_b = (x_b + shift(x_a)) scale(x_a), scale = sigmoid(s + 2)."""

  def __init__(self, channels, width):
    super().__init__()
    self.net = nn.Sequential(
        nn.Conv2d(channels // 2, width, 3, padding=1), nn.ReLU(),
        nn.Conv2d(width, width, 1), nn.ReLU(), ZeroConv(width, channels))
    for layer in (self.net[0], self.net[2]):
      nn.init.normal_(layer.weight, 0., .05)
      nn.init.zeros_(layer.bias)

  def _shift_and_log_scale(self, a):
    shift, log_scale = self.net(a).chunk(2, 1)
    return shift, functional.logsigmoid(log_scale + 2.)

  def forward(self, x):
    a, b = x.chunk(2, 1)
    shift, log_scale = self._shift_and_log_scale(a)
    z = torch.cat([a, (b + shift) * torch.exp(log_scale)], 1)
    return z, log_scale.sum((1, 2, 3))

  def inverse(self, z):
    a, b = z.chunk(2, 1)
    shift, log_scale = self._shift_and_log_scale(a)
    return torch.cat([a, b * torch.exp(-log_scale) - shift], 1)


class Prior(nn.Module):
  """Whitens z, a Gaussian whose mean and scale are a convolution of what it is given."""

  def __init__(self, given_channels, channels):
    super().__init__()
    self.conv = ZeroConv(given_channels, 2 * channels)

  def forward(self, z, given):
    mean, log_std = self.conv(given).chunk(2, 1)
    return (z - mean) * torch.exp(-log_std), -log_std.sum((1, 2, 3))

  def inverse(self, white, given):
    mean, log_std = self.conv(given).chunk(2, 1)
    return white * torch.exp(log_std) + mean


class Glow(nn.Module):
  """The flow from images to white latents, a list from the finest to the coarsest.

  Args:
    image_shape: `(C, H, W)`, H and W multiples of 2^levels.
    levels: int L.
    depth: int K, steps in a level.
    width: int, channels of the coupling networks.
  """

  def __init__(self, image_shape, levels, depth, width):
    super().__init__()
    channels = image_shape[0]
    self.levels, self.priors = nn.ModuleList(), nn.ModuleList()
    for i in range(levels):
      channels *= 4
      self.levels.append(nn.ModuleList(
          part for _ in range(depth)
          for part in (ActNorm(channels), Conv1x1(channels), Coupling(channels, width))))
      if i < levels - 1:
        channels //= 2
      self.priors.append(Prior(channels, channels))

  def forward(self, x):
    """Latents of images `[N, C, H, W]` and log|det dz/dx| `[N]`."""
    latents, log_det = [], x.new_zeros(len(x))
    for level, prior in zip(self.levels, self.priors):
      x = functional.pixel_unshuffle(x, 2)
      for part in level:
        x, change = part(x)
        log_det = log_det + change
      x, z = self._split(x, len(latents))
      z, change = prior(z, x)
      latents.append(z)
      log_det = log_det + change
    return latents, log_det

  def inverse(self, latents):
    """The images of latents."""
    x = None
    for i, z in reversed(list(enumerate(latents))):
      given = torch.zeros_like(z) if x is None else x
      z = self.priors[i].inverse(z, given)
      x = z if x is None else torch.cat([x, z], 1)
      for part in reversed(self.levels[i]):
        x = part.inverse(x)
      x = functional.pixel_shuffle(x, 2)
    return x

  def log_prob(self, x):
    """log p of images, `[N]`, in nats."""
    latents, log_det = self(x)
    normal = sum((z.square() + math.log(2 * math.pi)).sum((1, 2, 3)) for z in latents)
    return log_det - .5 * normal

  def _split(self, x, i):
    """What goes on and what becomes latents; at the end all does, given nothing."""
    return x.chunk(2, 1) if i < len(self.levels) - 1 else (torch.zeros_like(x), x)
