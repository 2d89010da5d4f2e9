"""What the two large configs compute and hold in memory, on 1, 8 and 64 accelerators.

    python -m benchmarks.scaling_plan

Prints the tables of docs/scaling.md. Nothing in them is measured: they follow from
the configs and from the formulas below, which tests hold against what `Glow` builds.
Units: FLOP (a multiply-add is 2) and bytes, decimal prefixes.
"""

import dataclasses
import math

from configs import celeb_a_hq256
from configs import imagenet64

_FLOAT = 4  # bytes


@dataclasses.dataclass(frozen=True)
class Level:
  """One level: K steps on h x w pixels of C channels, networks of width W."""
  pixels: int
  channels: int
  depth: int
  width: int
  coupling: str
  hidden_actnorm: bool
  split: bool  # Whether a split with a learned prior follows.

  @property
  def given(self):
    return self.channels // 2

  @property
  def outputs(self):
    transformed = self.channels - self.given
    return transformed * (2 if self.coupling == 'affine' else 1)

  def parameters(self):
    """Trainable numbers: K (network + 1x1 + ActNorm) + split."""
    c, w, o = self.channels, self.width, self.outputs
    network = (9 * self.given * w + w) + (w * w + w) + (9 * w * o + 2 * o)
    network += 2 * w if self.hidden_actnorm else 0
    linear = 2 * c * c + c  # lower, upper (stored square), log_s
    split = 9 * (c // 2) * c + 2 * c if self.split else 0
    return self.depth * (network + linear + 2 * c) + split

  def fixed(self):
    """Numbers that are stored and not trained: sign and permutation."""
    return self.depth * 2 * self.channels

  def forward_flops(self):
    """Of one image: the products of K steps, and the split's convolution."""
    c, w, o, a = self.channels, self.width, self.outputs, self.given
    step = 2 * c * c + 18 * a * w + 2 * w * w + 18 * w * o
    split = 18 * (c // 2) * c if self.split else 0
    return self.pixels * (self.depth * step + split)

  def step_activations(self):
    """Numbers a pixel that one step keeps for its backward pass."""
    # The step's input, the half that conditions, two hidden layers; an affine coupling also
    # keeps x_b + shift, the scale and its argument.
    halves = 1 if self.coupling == 'additive' else 4
    return 2 * self.width + self.channels + halves * self.channels // 2

  def activations(self, reversible):
    """Numbers an image: of all steps, or of the level's output alone."""
    split = 3 * self.channels if self.split else 0
    kept = self.channels if reversible else self.depth * self.step_activations()
    return self.pixels * (kept + split)


@dataclasses.dataclass(frozen=True)
class Model:
  """A Glow as a config describes it."""
  name: str
  levels: tuple
  learn_top: bool
  batch_size: int
  num_steps: int

  def parameters(self):
    top = 2 * self.levels[-1].channels if self.learn_top else 0
    return sum(level.parameters() for level in self.levels) + top

  def fixed(self):
    return sum(level.fixed() for level in self.levels)

  def forward_flops(self):
    return sum(level.forward_flops() for level in self.levels)

  def train_flops(self, reversible):
    """Backward costs two forwards; running each network once more costs another."""
    return (4 if reversible else 3) * self.forward_flops()

  def activation_bytes(self, reversible):
    """Of one image: what is kept, and twice one step for the step at work."""
    kept = sum(level.activations(reversible) for level in self.levels)
    at_work = max(2 * level.pixels * level.step_activations() for level in self.levels)
    return _FLOAT * (kept + at_work)

  def fixed_bytes(self):
    """Eight numbers a weight: it, its average, two Adamax slots, its slice and that slice
    scaled (kept for the backward pass), its gradient's slices and these stacked."""
    return 8 * _FLOAT * self.parameters()

  def gradient_bytes(self):
    return _FLOAT * self.parameters()

  def memory(self, local_batch, reversible):
    """Bytes on an accelerator that gets so many images of the batch."""
    return self.fixed_bytes() + local_batch * self.activation_bytes(reversible)


def model_from_config(name, config):
  """The `Model` of a config with name='glow', network='conv' and permutation='lu'."""
  m = config.model
  size, channels = config.dataset.image_size, 3
  levels = []
  for i in range(m.num_levels):
    size, channels = size // 2, channels * 4
    last = i == m.num_levels - 1
    levels.append(Level(size * size, channels, m.depth, m.hidden_channels, m.coupling,
                        m.hidden_actnorm, not last))
    channels //= 2
  return Model(name, tuple(levels), m.learn_top, config.batch_size, config.num_steps)


def models():
  return [model_from_config('ImageNet 64x64', imagenet64.get_config()),
          model_from_config('CelebA-HQ 256x256', celeb_a_hq256.get_config())]


def model_table():
  rows = [
      ('trainable weights P', lambda m: f'{m.parameters():,}'),
      ('gradient bytes a step, 4 P', lambda m: f'{m.gradient_bytes() / 1e6:,.0f} MB'),
      ('FLOP forward', lambda m: f'{m.forward_flops() / 1e9:,.1f} G'),
      ('FLOP train, plain', lambda m: f'{m.train_flops(False) / 1e9:,.1f} G'),
      ('FLOP train, reversible', lambda m: f'{m.train_flops(True) / 1e9:,.1f} G'),
      ('activations, plain', lambda m: f'{m.activation_bytes(False) / 1e6:,.0f} MB'),
      ('activations, reversible', lambda m: f'{m.activation_bytes(True) / 1e6:,.0f} MB'),
      ('memory for weights, 32 P', lambda m: f'{m.fixed_bytes() / 1e9:.1f} GB'),
  ]
  columns = models()
  lines = ['| | ' + ' | '.join(m.name for m in columns) + ' |', '|---|' + '---:|' * len(columns)]
  for label, cell in rows:
    lines.append(f'| {label} | ' + ' | '.join(cell(m) for m in columns) + ' |')
  return '\n'.join(lines)


def memory_table():
  lines = ['| | accelerators | batch | each | memory each, plain | reversible | FLOP each, a step |',
           '|---|---:|---:|---:|---:|---:|---:|']
  for model in models():
    for n in (1, 8, 64):
      local_batch = math.ceil(model.batch_size / n)
      plain, reversible = (f'{model.memory(local_batch, r) / 1e9:.1f} GB' for r in (False, True))
      flops = local_batch * model.train_flops(False) / 1e12
      lines.append(f'| {model.name} | {n} | {local_batch * n} | {local_batch} | {plain} '
                   f'| {reversible} | {flops:.1f} T |')
  return '\n'.join(lines)


def tables():
  """All tables of docs/scaling.md, in its order."""
  return [model_table(), memory_table()]


if __name__ == '__main__':
  print('\n\n'.join(tables()))
