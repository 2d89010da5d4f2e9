"""Pictures and charts as HTML that needs no file and no other request."""

import base64
import html
import io

import numpy as np
from PIL import Image

__all__ = ['bits_chart', 'message', 'picture', 'png']


def png(image):
  """A uint8 image `[H, W, C]` as the bytes of a PNG; of other channels the first is shown."""
  image = image if image.shape[-1] == 3 else image[..., 0]
  buffer = io.BytesIO()
  Image.fromarray(image).save(buffer, format='PNG')
  return buffer.getvalue()


def picture(image, caption, identifier):
  """An `<img>` of a uint8 image with a caption under it."""
  source = base64.b64encode(png(image)).decode()
  return (f'<figure class="picture" id="{identifier}"><img alt="{html.escape(caption)}" '
          f'src="data:image/png;base64,{source}"><figcaption>{html.escape(caption)}</figcaption>'
          f'</figure>')


def message(text):
  """A line for the visitor, or nothing."""
  return f'<p role="alert" class="message">{html.escape(text)}</p>' if text else ''


def bits_chart(value, test_values):
  """Bits/dim of a picture, and where it lies among those of the test images.

  Args:
    value: float.
    test_values: float array, or None.
  """
  line = f'<p id="bits"><b>{value:.3f}</b> bits/dim'
  if test_values is None:
    return line + '</p>'
  below = 100. * float(np.mean(test_values < value))
  low, high = np.quantile(test_values, [0.005, 0.995])
  margin = 0.25 * max(high - low, 1e-3)
  low, high = low - margin, high + margin
  counts, _ = np.histogram(test_values, bins=40, range=(low, high))
  heights = 60. * counts / max(1, counts.max())
  bars = ''.join(f'<rect x="{7.5 * i:.1f}" y="{60 - h:.1f}" width="6.5" height="{h:.1f}"/>'
                 for i, h in enumerate(heights))
  place = 300. * float(np.clip((value - low) / (high - low), 0., 1.))
  return (
      f'{line}, more than {below:.0f} % of the test images</p>'
      f'<svg id="histogram" viewBox="0 0 300 74" role="img" aria-label="Histogram of the bits/dim '
      f'of the test images">{bars}<line x1="{place:.1f}" x2="{place:.1f}" y1="0" y2="62"/>'
      f'<text x="0" y="72">{low:.2f}</text>'
      f'<text x="300" y="72" text-anchor="end">{high:.2f} bits/dim</text></svg>')
