"""What training the two large configs would take on 1, 8 and 64 accelerators, computed.

    python -m benchmarks.scaling_plan

Prints the tables of docs/scaling.md. Nothing in them is measured: they follow from
the configs, from the formulas below and from the data sheet of one accelerator.
Units: FLOP (a multiply-add is 2), bytes, seconds, decimal prefixes.
"""

import dataclasses
import math

from configs import celeb_a_hq256
from configs import imagenet64

# NVIDIA H100 SXM5 80GB. Data sheet "NVIDIA H100 Tensor Core GPU"; its matrix figures
# are with sparsity, these are half of them. TensorFlow computes float32 convolutions
# and products in TF32 on it.
PEAK_FLOPS = {'float32': 494.7e12, 'bfloat16': 989.4e12}
MEMORY_BYTES = 80e9
MEMORY_BANDWIDTH = 3.35e12
# DGX H100: NVLink 900 GB/s a GPU in both directions together, 8 GPUs a machine,
# each with a network card of 400 Gb/s.
GPUS_PER_MACHINE = 8
NVLINK_BANDWIDTH = 450e9
NETWORK_BANDWIDTH = GPUS_PER_MACHINE * 50e9  # Of a machine; a ring uses all its cards.

# Assumptions, to be replaced by measurements.
ATTAINED = 0.5  # Of the roofline, and of the links' bandwidth.
LAUNCH_SECONDS = 5e-6  # From one kernel's start to the next, as the host issues them.
USABLE_MEMORY = 0.9

_FLOAT = 4  # bytes

# Kernels that one step of flow launches, counted in the traced loop bodies.
_KERNELS = {
    ('affine', False): 40 + 72, ('affine', True): 40 + 119,
    ('additive', False): 31 + 58, ('additive', True): 31 + 89,
}


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

  def products(self):
    """(FLOP of a pixel, channels in, channels out) of a step's 1x1 and its convolutions."""
    c, w, o, a = self.channels, self.width, self.outputs, self.given
    return [(2 * c * c, c, c), (18 * a * w, a, w), (2 * w * w, w, w), (18 * w * o, w, o)]

  def forward_flops(self):
    """Of one image: the products of K steps, and the split's convolution."""
    step = sum(flops for flops, _, _ in self.products())
    split = 18 * (self.channels // 2) * self.channels if self.split else 0
    return self.pixels * (self.depth * step + split)

  def step_activations(self):
    """Numbers a pixel that one step keeps for its backward pass."""
    # The step's input, the half that conditions, clipped, twice, two hidden layers; an
    # affine coupling also keeps x_b + shift, the scale and its argument.
    halves = 2 if self.coupling == 'additive' else 5
    return 2 * self.width + self.channels + halves * self.channels // 2

  def activations(self, reversible):
    """Numbers an image: of all steps, or of the level's output alone."""
    split = 3 * self.channels if self.split else 0
    kept = self.channels if reversible else self.depth * self.step_activations()
    return self.pixels * (kept + split)

  def seconds(self, precision, reversible):
    """Roofline time of one image, forward and backward, and its memory-bound part.

    Each kernel takes the longer of its FLOP at the peak rate and its bytes at the
    memory's bandwidth; it reads its inputs and writes its outputs once. Bias and
    ReLU count as part of the convolution before them.
    """
    total = memory_bound = 0.

    def kernel(flops, numbers, size, peak, times=1):
      nonlocal total, memory_bound
      compute, memory = flops / peak, numbers * size / MEMORY_BANDWIDTH
      total += times * max(compute, memory)
      memory_bound += times * memory if memory > compute else 0.

    size, peak = (2 if precision == 'bfloat16' else _FLOAT), PEAK_FLOPS[precision]
    linear, *convolutions = self.products()
    # Forward, input gradient, weight gradient; undoing a step multiplies once more.
    kernel(linear[0], linear[1] + linear[2], _FLOAT, PEAK_FLOPS['float32'],
           3 + 2 * reversible)
    for flops, inputs, outputs in convolutions:
      kernel(flops, inputs + outputs, size, peak, 3 + reversible)
    kernel(0, 3 * self.width, size, peak, 2)  # Gradients of two ReLUs.
    # Passes over C channels: splitting, the coupling's arithmetic, joining.
    elementwise = 8 if self.coupling == 'affine' else 3
    kernel(0, elementwise * self.channels, _FLOAT, peak, 3 + 2 * reversible)
    scale = self.pixels * self.depth
    return scale * total, scale * memory_bound


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

  def kernels(self, reversible):
    return sum(level.depth * _KERNELS[level.coupling, reversible] for level in self.levels)

  def image_seconds(self, precision='float32', reversible=False):
    times = [level.seconds(precision, reversible) for level in self.levels]
    return tuple(map(sum, zip(*times)))

  def update_seconds(self):
    """Adamax and the average read 5 and write 4 numbers a weight; 12 C^3 FLOP a 1x1 kernel."""
    linear = sum(12 * level.depth * level.channels**3 for level in self.levels)
    return (9 * _FLOAT * self.parameters() / MEMORY_BANDWIDTH
            + linear / PEAK_FLOPS['float32']) / ATTAINED


@dataclasses.dataclass(frozen=True)
class Step:
  """One training step on several accelerators."""
  model: Model
  accelerators: int
  batch_size: int

  @property
  def local_batch(self):
    return self.batch_size // self.accelerators

  def memory(self, reversible):
    model = self.model
    return model.fixed_bytes() + self.local_batch * model.activation_bytes(reversible)

  @property
  def reversible(self):
    return self.memory(False) > USABLE_MEMORY * MEMORY_BYTES

  @property
  def device(self):
    return self.local_batch * self.model.image_seconds(reversible=self.reversible)[0] / ATTAINED

  @property
  def launch(self):
    return self.model.kernels(self.reversible) * LAUNCH_SECONDS

  @property
  def all_reduce(self):
    """A ring: each accelerator sends 2 (n - 1) / n of the gradients' bytes."""
    n = self.accelerators
    bandwidth = NVLINK_BANDWIDTH if n <= GPUS_PER_MACHINE else NETWORK_BANDWIDTH
    return 2 * (n - 1) / n * self.model.gradient_bytes() / bandwidth / ATTAINED

  @property
  def seconds(self):
    """The host runs ahead of the device; gradients are reduced when all are there."""
    return max(self.device, self.launch) + self.all_reduce + self.model.update_seconds()

  @property
  def bound(self):
    parts = {'launches': self.launch, 'device': self.device}
    largest = max(parts, key=parts.get)
    return 'all-reduce' if self.all_reduce > parts[largest] else largest

  @property
  def images_per_second(self):
    return self.batch_size / self.seconds


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


def steps(model):
  """The config's batch on 1, 8, 64 accelerators, then as much as keeps each of them busy."""
  result = []
  for n in (1, 8, 64):
    result.append(Step(model, n, math.ceil(model.batch_size / n) * n))
  busy = 1
  while Step(model, 1, busy).device < Step(model, 1, busy).launch:
    busy += 1
  for n in (8, 64):
    if busy > result[0].batch_size // n:
      result.append(Step(model, n, n * busy))
  return result


def model_table():
  rows = [
      ('trainable weights P', lambda m: f'{m.parameters():,}'),
      ('gradient bytes a step, 4 P', lambda m: f'{m.gradient_bytes() / 1e6:,.0f} MB'),
      ('FLOP forward', lambda m: f'{m.forward_flops() / 1e9:,.1f} G'),
      ('FLOP train, plain', lambda m: f'{m.train_flops(False) / 1e9:,.1f} G'),
      ('FLOP train, reversible', lambda m: f'{m.train_flops(True) / 1e9:,.1f} G'),
      ('activations, plain', lambda m: f'{m.activation_bytes(False) / 1e6:,.0f} MB'),
      ('activations, reversible', lambda m: f'{m.activation_bytes(True) / 1e6:,.0f} MB'),
      ('roofline train, plain', lambda m: _milliseconds(m, 'float32', False)),
      ('roofline train, reversible', lambda m: _milliseconds(m, 'float32', True)),
      ('roofline train, plain, bfloat16', lambda m: _milliseconds(m, 'bfloat16', False)),
      ('memory for weights, 32 P', lambda m: f'{m.fixed_bytes() / 1e9:.1f} GB'),
      ('kernels a step, plain', lambda m: f'{m.kernels(False):,}'),
      ('kernels a step, reversible', lambda m: f'{m.kernels(True):,}'),
      ('update and 1x1 kernels', lambda m: f'{1e3 * m.update_seconds():.1f} ms'),
  ]
  columns = models()
  lines = ['| | ' + ' | '.join(m.name for m in columns) + ' |', '|---|' + '---:|' * len(columns)]
  for label, cell in rows:
    lines.append(f'| {label} | ' + ' | '.join(cell(m) for m in columns) + ' |')
  return '\n'.join(lines)


def step_table(model):
  images = model.batch_size * model.num_steps
  lines = [
      '| accelerators | batch | each | levels | memory each | device | launches | all-reduce '
      f'| step | bound by | images/s | days to {images / 1e6:.0f} M images |',
      '|---:|---:|---:|---|---:|---:|---:|---:|---:|---|---:|---:|']
  for s in steps(model):
    cells = [
        s.accelerators, s.batch_size, s.local_batch, 'reversible' if s.reversible else 'plain',
        f'{s.memory(s.reversible) / 1e9:.1f} GB', f'{1e3 * s.device:.1f} ms',
        f'{1e3 * s.launch:.1f} ms', f'{1e3 * s.all_reduce:.1f} ms', f'{1e3 * s.seconds:.0f} ms',
        s.bound, f'{s.images_per_second:,.0f}', f'{images / s.images_per_second / 86400:.2f}']
    lines.append('| ' + ' | '.join(map(str, cells)) + ' |')
  return '\n'.join(lines)


def tables():
  """All tables of docs/scaling.md, in its order."""
  return [model_table(), *map(step_table, models())]


def _milliseconds(model, precision, reversible):
  total, memory_bound = model.image_seconds(precision, reversible)
  return f'{1e3 * total:.2f} ms ({memory_bound / total:.0%} memory)'


if __name__ == '__main__':
  print('\n\n'.join(tables()))
