"""Flows that `benchmarks/side_by_side.py` trains, behind one interface.

Each has `start(batch)`, the data-dependent initialisation; `train(batch, share)`, one step at this
share of its learning rate; and `bits_per_dim(images, noise)`, float array `[N]`, of uint8 images
`[N, H, W, C]` dequantised by this noise in [0, 1), under the averaged weights:

    -log2 p(image) / D,   p(image) bounded from below by one draw of noise of width 1/256
"""

import copy
import math
import time

import tensorflow as tf

from benchmarks import peers
from tfp_glow import training
from tfp_glow.distributions import noise as noise_lib
from tfp_glow.runs import labels as labels_lib
from tfp_glow.runs import trained
from tfp_glow.training import state as state_lib
from tfp_glow.training import train_step as train_step_lib

__all__ = ['TORCH_FLOWS', 'OfConfig', 'OfTorch', 'quicker']


class OfConfig:
  """Ours, as a config describes it: its model and, but for the schedule, its optimizer."""

  def __init__(self, config, image_shape):
    cluster = training.Cluster(tf.distribute.get_strategy())
    config.optimizer.schedule = 'constant'  # The share of the rate takes its place.
    self._state = state_lib.TrainState(
        cluster, lambda: trained.make_model(config, image_shape), config.optimizer, config.seed)
    self._train_step = train_step_lib.make_train_step(cluster, self._state, config)
    self._bits_per_dim = tf.function(self._state.average.bits_per_dim, autograph=False)
    self.num_weights = self._state.num_weights
    self.settings = dict(model=config.model.to_dict(), optimizer=config.optimizer.to_dict())

  def start(self, batch):
    noise = noise_lib.batch_noise(self._state.progress.data_seed, 0, batch['image'].shape)
    self._state.initialize(batch['image'], noise, self._conditions(batch))

  def train(self, batch, share):
    self._state.progress.learning_rate_scale.assign(share)
    self._train_step(batch['image'], tf.constant(0.), self._conditions(batch))

  def bits_per_dim(self, images, noise):
    return self._bits_per_dim(images, noise).numpy()

  def _conditions(self, batch):
    return labels_lib.conditions_of(self._state.model, batch)


class OfTorch:
  """A flow of PyTorch, uniformly dequantised, by Adam with clipped gradients.

  Args:
    name: str, a key of `TORCH_FLOWS`.
    image_shape: `(H, W, C)`.
    settings: dict of ints `levels`, `depth` and `hidden_channels`; float `learning_rate`; float
      `logit_alpha`, 0 for the image less 1/2; bool `channels_last`.
    clip_norm: float, as `optimizer.clip_norm` of a config; the loss is in bits/dim there too.
    ema_decay: float, as `optimizer.ema_decay`.
  """

  def __init__(self, name, image_shape, settings, clip_norm, ema_decay):
    import torch
    torch.manual_seed(0)
    self._torch = torch
    self._clip_norm, self._ema_decay = clip_norm, ema_decay
    self._alpha, self._rate = settings['logit_alpha'], settings['learning_rate']
    self._order = torch.channels_last if settings['channels_last'] else torch.contiguous_format
    make, self._log_prob = TORCH_FLOWS[name]
    self._flow = make(image_shape, settings['levels'], settings['depth'],
                      settings['hidden_channels']).to(memory_format=self._order)
    self._weights = list(self._flow.parameters())
    self._optimizer = torch.optim.Adam(self._weights, self._rate)
    self._average, self._averages, self._updates = None, None, 0
    self.num_weights = sum(weight.numel() for weight in self._weights)
    self.settings = dict(settings, clip_norm=clip_norm, ema_decay=ema_decay,
                         threads=torch.get_num_threads())

  def start(self, batch):
    torch = self._torch
    with torch.no_grad():
      self._bits(self._flow, *self._tensors(batch['image']))
    self._average = copy.deepcopy(self._flow)
    self._averages = list(self._average.parameters())

  def train(self, batch, share):
    torch = self._torch
    for group in self._optimizer.param_groups:
      group['lr'] = share * self._rate
    self._optimizer.zero_grad()
    loss = self._bits(self._flow, *self._tensors(batch['image'])).mean()
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(self._weights, self._clip_norm)
    if not torch.isfinite(loss + norm):
      return
    self._optimizer.step()
    decay = min(self._ema_decay, (1 + self._updates) / (10 + self._updates))
    self._updates += 1
    with torch.no_grad():
      for average, weight in zip(self._averages, self._weights):
        average.lerp_(weight, 1 - decay)

  def bits_per_dim(self, images, noise):
    with self._torch.no_grad():
      return self._bits(self._average, *self._tensors(images, noise)).numpy()

  def _tensors(self, images, noise=None):
    """Images and noise `[N, C, H, W]` of Tensors of TensorFlow."""
    torch = self._torch
    images = torch.tensor(images.numpy()).permute(0, 3, 1, 2).float()
    noise = torch.rand(images.shape) if noise is None else torch.tensor(
        noise.numpy()).permute(0, 3, 1, 2)
    return images, noise

  def _bits(self, flow, images, noise):
    """-log2 p / D from the density of x = (image + noise) / 256, of which p is 256^-D times."""
    torch = self._torch
    x, log_det, size = (images + noise) / 256, 0., images[0].numel()
    if self._alpha:
      x = self._alpha / 2 + (1 - self._alpha) * x
      log_det = size * math.log(1 - self._alpha) - (torch.log(x) + torch.log1p(-x)).sum((1, 2, 3))
      x = torch.logit(x)
    else:
      x = x - .5
    log_density = self._log_prob(flow, x.contiguous(memory_format=self._order)) + log_det
    return 8 - log_density / (size * math.log(2))


def quicker(make, batch, steps=3):
  """Which argument of `make`, False or True, makes the flow that takes less for a few steps."""
  seconds = {}
  for choice in (False, True):
    flow = make(choice)
    flow.start(batch)
    flow.train(batch, 0.)
    begin = time.perf_counter()
    for _ in range(steps):
      flow.train(batch, 0.)
    seconds[choice] = time.perf_counter() - begin
  return min(seconds, key=seconds.get)


def _plain_glow(image_shape, levels, depth, hidden_channels):
  from benchmarks import torch_glow
  height, width, channels = image_shape
  return torch_glow.Glow((channels, height, width), levels, depth, hidden_channels)


# How each is made and what its log p of images is.
TORCH_FLOWS = {
    'torch_glow': (_plain_glow, lambda flow, x: flow.log_prob(x)),
    'normflows': (peers.normflows_glow, lambda flow, x: flow.log_prob(x, None)),
}
