"""What a run tells: metrics.jsonl, TensorBoard and the progress bar."""

import json
import math
import os
import sys

import tensorflow as tf
import tqdm

from tfp_glow.runs import files
from tfp_glow.runs import pictures

__all__ = ['Metrics', 'say']


def say(text):
  """One line for the user, on stderr: stdout is for results."""
  print(text, file=sys.stderr, flush=True)


class Metrics:
  """Writes what happens in a run to all the places where somebody may look.

  Only the chief writes; on other workers every method does nothing.

  Args:
    workdir: a `Workdir`.
    num_steps, first_step: ints, the run's length and where this process takes it up.
    is_chief: bool.
  """

  def __init__(self, workdir, num_steps, first_step, is_chief=True):
    self._is_chief = is_chief
    if not is_chief:
      return
    self._path, self._summaries = workdir.metrics_file, workdir.tensorboard
    with files.one_line_errors(self._path):
      _end_last_line(self._path)
    with files.one_line_errors(self._summaries):
      self._writer = tf.summary.create_file_writer(self._summaries)
    tty = sys.stderr.isatty()
    self._bar = tqdm.tqdm(
        total=num_steps, initial=first_step, file=sys.stderr, dynamic_ncols=tty,
        mininterval=.5 if tty else 15., maxinterval=15.,
        bar_format='step {n_fmt}/{total_fmt} |{bar:20}| {desc}[{elapsed}, {remaining} left]')

  def step(self, step):
    """Moves the bar."""
    if self._is_chief:
      self._bar.update(step - self._bar.n)

  def write(self, step, scalars, **others):
    """One line of metrics.jsonl; `scalars` go to TensorBoard too.

    Args:
      step: int.
      scalars: dict of numbers; strings among them are for metrics.jsonl alone.
      **others: further JSON values of the line, written before the scalars.

    Raises:
      UserError: if the file cannot be written.
    """
    if not self._is_chief:
      return
    line = {**others, 'step': step, **scalars}
    line = {key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in line.items()}
    with files.one_line_errors(self._path):
      with open(self._path, 'a', encoding='utf-8') as f:
        f.write(json.dumps(line) + '\n')
    with files.one_line_errors(self._summaries):
      with self._writer.as_default(step):
        for name, value in scalars.items():
          if isinstance(value, str):
            continue
          tf.summary.scalar(name, value)
      self._writer.flush()

  def show(self, bits_per_dim, images_per_s):
    """Bits/dim and speed on the bar."""
    if self._is_chief:
      self._bar.set_description_str(
          f'{bits_per_dim:.3f} bits/dim, {images_per_s:.0f} images/s ', refresh=False)

  def picture(self, step, name, image):
    """An image, uint8 `[H, W, C]`, for TensorBoard, as `save_png` shows it."""
    if self._is_chief:
      with files.one_line_errors(self._summaries), self._writer.as_default(step):
        tf.summary.image(name, pictures.visible(image)[None])

  def say(self, text):
    """One line above the bar."""
    if self._is_chief:
      self._bar.clear()
      say(text)
      self._bar.refresh()

  def close(self):
    if self._is_chief:
      self._bar.close()
      self._writer.close()


def _end_last_line(path):
  """Cuts off half a line that a killed process left."""
  if not os.path.exists(path):
    return
  with open(path, 'rb+') as f:
    end = f.read().rfind(b'\n') + 1
    f.truncate(end)
