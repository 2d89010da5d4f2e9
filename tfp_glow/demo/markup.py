"""Pictures and charts as HTML that needs no file and no other request."""

import base64
import html
import io

import numpy as np
from PIL import Image

__all__ = ['bits_chart', 'guesses', 'message', 'picture', 'png', 'scale_map', 'title', 'wall']

_MAX_CELL = 64  # Pixels of a side of a picture on a wall; larger ones are made smaller.


def png(image, most=None):
  """A uint8 image `[H, W, C]` as the bytes of a PNG; of other channels the first is shown."""
  image = Image.fromarray(image if image.shape[-1] == 3 else image[..., 0])
  if most is not None:
    image.thumbnail((most, most))
  buffer = io.BytesIO()
  image.save(buffer, format='PNG')
  return buffer.getvalue()


def title(model):
  """The head of the page: what it is, and which `ServedModel`."""
  return (
      f'<h1>Explore what a Glow learned from {html.escape(model.name)}</h1><p>A Glow maps images to '
      f'normally distributed numbers and back, and knows how likely each image is. Pick one, then '
      f'move it.</p><p id="facts">{html.escape(" · ".join(_facts(model)))}</p>')


def _facts(model):
  height, width, channels = model.image_shape
  facts = [f'{height} x {width} {"grey" if channels == 1 else "colour"} images']
  if model.classes:
    facts.append(f'{len(model.classes)} classes')
  if model.examples is not None:
    bits = model.examples.bits_per_dim
    facts.append(f'{bits.mean():.2f} bits/dim on {len(bits):,} test images')
  facts += [f'{model.num_weights:,} weights', f'trained for {model.step:,} steps']
  if model.trained:
    facts[-1] += f', until {model.trained}'
  elif model.exported:
    facts.append(f'exported {model.exported}')
  return facts


def picture(image, caption, identifier, address=None):
  """An `<img>` of a uint8 image with a caption under it, and the query of its address."""
  kept = '' if address is None else f' data-address="{html.escape(address)}"'
  return (f'<figure class="picture" id="{identifier}"{kept}>{_img(png(image), caption)}'
          f'<figcaption>{html.escape(caption)}</figcaption></figure>')


def wall(cells, columns, names=()):
  """Pictures to pick from.

  Args:
    cells: list of `(pick, uint8 image, text that says what it shows)`, row by row.
    columns: int.
    names: list of str, what stands above the columns; or empty.
  """
  heads = ''.join(f'<span class="name" title="{html.escape(name)}" aria-hidden="true">'
                  f'{html.escape(name)}</span>' for name in names)
  buttons = ''.join(
      f'<button type="button" data-pick="{pick}" aria-pressed="false" '
      f'aria-label="{html.escape(text)}">{_img(png(image, _MAX_CELL), "")}</button>'
      for pick, image, text in cells)
  return (f'<div class="wall" role="group" aria-label="Pictures to pick from" '
          f'data-columns="{columns}" style="--columns: {columns}">{heads}{buttons}</div>')


def message(text):
  """A line for the visitor, or nothing."""
  return f'<p role="alert" class="message">{html.escape(text)}</p>' if text else ''


def guesses(classes, probabilities):
  """The classes for which a model takes a picture, the likeliest first."""
  order = [label for label in np.argsort(-probabilities)[:3] if probabilities[label] >= 0.005]
  text = ', '.join(f'{classes[label]} ({100. * probabilities[label]:.0f} %)' for label in order)
  return f'<p id="guesses">The model takes it for: {html.escape(text)}</p>'


def bits_chart(value, test_values):
  """Bits/dim of a picture, and where it lies among those of the test images.

  Args:
    value: float.
    test_values: float array, or None.
  """
  line = f'<p id="bits"><b>{value:.3f}</b> bits/dim'
  if test_values is None:
    return line + ': the fewer, the likelier</p>'
  share = float(np.mean(test_values < value))
  low, high = np.quantile(test_values, [0.005, 0.995])
  margin = 0.25 * max(high - low, 1e-3)
  low, high = low - margin, high + margin
  counts, _ = np.histogram(test_values, bins=40, range=(low, high))
  heights = 60. * counts / max(1, counts.max())
  bars = ''.join(f'<rect x="{7.5 * i:.1f}" y="{60 - h:.1f}" width="6.5" height="{h:.1f}"/>'
                 for i, h in enumerate(heights))
  place = 300. * float(np.clip((value - low) / (high - low), 0., 1.))
  return (
      f'{line}: {_word(share)}, rarer than {100. * share:.0f} % of the test images</p>'
      f'<svg id="histogram" viewBox="0 0 300 74" role="img" aria-label="Histogram of the bits/dim '
      f'of the test images, from {low:.2f} to {high:.2f}, with this picture at {value:.2f}">{bars}'
      f'<line x1="{place:.1f}" x2="{place:.1f}" y1="0" y2="62"/>'
      f'<text x="0" y="73">{low:.2f}</text>'
      f'<text x="300" y="73" text-anchor="end">{high:.2f} bits/dim</text></svg>')


def scale_map(image, scale, num_scales, excess, share):
  """How surprising a scale finds a picture, and where.

  Args:
    image: uint8 `[h, w, 3]`, of `surprise.heat`.
    scale, num_scales: ints.
    excess: float, bits/dim above what is expected.
    share: float, of the test images that are less surprising there; or None.
  """
  ends = {0: ', finest', num_scales - 1: ', coarsest'} if num_scales > 1 else {}
  words = '' if share is None else (
      f'; {_word(share)}, more than {100. * share:.0f} % of the test images')
  text = f'Scale {scale + 1}{ends.get(scale, "")}: {excess:+.3f} bits/dim{words}'
  name = f'Map of scale {scale + 1}'
  return (f'<figure class="map" id="map-{scale}">{_img(png(image), name)}'
          f'<figcaption>{text}</figcaption></figure>')


def _word(share):
  """What it means that a share of the test images has a smaller value."""
  if share > 0.975:
    return 'very unusual' if share == 1. else 'unusual'
  return 'plainer than most' if share < 0.025 else 'usual'


def _img(data, text):
  source = base64.b64encode(data).decode()
  return f'<img alt="{html.escape(text)}" src="data:image/png;base64,{source}">'
