"""The page: what stands on it, and what its buttons and sliders do."""

import base64
import dataclasses
import io
import json
import threading

import gradio as gr
import numpy as np

from tfp_glow.demo import markup
from tfp_glow.demo import position as position_lib
from tfp_glow.demo import upload
from tfp_glow.latents import interpolation

__all__ = ['CSS', 'THEME', 'make_page']

_NUM_SLIDERS = 10  # Directions with a slider each; the others are in a list.
_STRENGTH = 2.  # Ends of the sliders, in units of the distance between the groups' means.
_NUM_SEEDS = 100  # Of the sliders that resample a scale.
_MAX_SEED = 2**31 - 1
_CONCURRENCY = 4  # Requests computed at a time; the others wait in the queue.
_QUEUE_SIZE = 400
_VISIT_SECONDS = 3600.

# Fonts of the visitor's machine: Gradio's own themes fetch theirs from another server.
THEME = gr.themes.Base(
    font=['system-ui', 'sans-serif'], font_mono=['ui-monospace', 'monospace'])

CSS = """
#left { position: sticky; top: 0; align-self: flex-start; }
.picture { margin: 0; text-align: center; }
.picture img { image-rendering: pixelated; width: 100%; max-width: 24rem; margin: auto; }
.small .picture { display: inline-block; width: 45%; max-width: 9rem; }
.message { color: #b91c1c; font-weight: bold; }
#histogram { width: 100%; max-width: 26rem; fill: #94a3b8; font-size: 9px; }
#histogram line { stroke: #dc2626; stroke-width: 2; }
"""

_UPLOAD = """
<label>A picture of yours (it is not stored):
<input type="file" id="upload-file" accept="image/*"></label>"""

# The file goes to the server as text in the value of the component.
_READ_UPLOAD = """
element.addEventListener('change', async (event) => {
  const file = event.target.files[0];
  if (!file) return;
  if (file.size > %d) {
    props.value = '%s';
  } else {
    const url = await new Promise((resolve) => {
      const reader = new FileReader();
      reader.onload = () => resolve(reader.result);
      reader.readAsDataURL(file);
    });
    props.value = url.slice(url.indexOf(',') + 1);
  }
  trigger('submit');
});""" % (upload.MAX_BYTES, upload.TOO_LARGE)

_DOWNLOAD = """
(text) => {
  const [name, type, data] = JSON.parse(text);
  const link = document.createElement('a');
  link.href = `data:${type};base64,${data}`;
  link.download = name;
  link.click();
}"""


def make_page(model):
  """The Gradio page of a `ServedModel`."""
  return _Page(model).blocks


class _Page:
  """The components, and the functions behind them.

  Every function takes the visitor's `Position` and all sliders, in the order of `_sliders`.
  """

  def __init__(self, model):
    self._model = model
    # Decoded one after the other, so that the memory of uploads is that of one picture.
    self._decoding = threading.Lock()
    names = sorted(model.directions, key=lambda name: '->' in name)
    self._slider_names, self._listed_names = names[:_NUM_SLIDERS], names[_NUM_SLIDERS:]
    start = self._start()
    picture, details = self._show(start, model.decode(start.latent, start.label))
    with gr.Blocks(title='tfp_glow', analytics_enabled=False) as self.blocks:
      self._position = gr.State(start, time_to_live=_VISIT_SECONDS)
      with gr.Row():
        with gr.Column(elem_id='left'):
          self._picture = gr.HTML(picture, elem_id='now')
          self._details = gr.HTML(details, elem_id='details', elem_classes='small')
          self._message = gr.HTML('', elem_id='message')
          reset = gr.Button('Sliders back to the start', elem_id='reset')
          with gr.Row():
            # A button each: browsers refuse the second file of one click.
            download_picture = gr.Button('Download the picture', elem_id='download-picture')
            download_latent = gr.Button('Download its latent', elem_id='download-latent')
          file = gr.Textbox(visible='hidden')
        with gr.Column():
          self._make_sources()
          self._make_sliders()
      self._connect()
      reset.click(self._arrive, self._position, self._outputs(), **_quiet())
      for button, make_file in ((download_picture, self._picture_file),
                                (download_latent, self._latent_file)):
        button.click(make_file, [self._position, *self._sliders], file, **_quiet()).then(
            None, file, None, js=_DOWNLOAD)
    self.blocks.queue(default_concurrency_limit=_CONCURRENCY, max_size=_QUEUE_SIZE)

  def _start(self):
    examples = self._model.examples
    if examples is None:
      latents = [self._model.sample_latent(self._model.temperature, seed) for seed in (0, 1)]
      label = 0 if self._model.classes else None
      return position_lib.Position(*latents, label, label)
    first, second = examples.images[:2]
    return self._position_of(first, *self._model.encode(second))

  def _position_of(self, image, other, other_label):
    latent, label = self._model.encode(image)
    return position_lib.Position(
        latent, other, label, other_label, image, self._model.decode(latent, label))

  def _make_sources(self):
    with gr.Tab('Sample'):
      self._temperature = gr.Slider(
          0., 1.5, self._model.temperature, step=0.05, label='Temperature', elem_id='temperature')
      self._seed = gr.Number(0, label='Seed', precision=0, minimum=0, maximum=_MAX_SEED,
                             elem_id='seed')
      self._sample_button = gr.Button('Draw a sample', elem_id='sample', variant='primary')
    self._example_button = self._upload = None
    if self._model.examples is not None:
      with gr.Tab('Test image'):
        last = len(self._model.examples.images) - 1
        self._example = gr.Slider(0, last, 0, step=1, label='Number', elem_id='example')
        self._example_button = gr.Button('Show it', elem_id='show-example', variant='primary')
    if self._model.image_shape[-1] in (1, 3):
      with gr.Tab('Upload'):
        self._upload = gr.HTML('', html_template=_UPLOAD, js_on_load=_READ_UPLOAD,
                               elem_id='upload')

  def _make_sliders(self):
    classes = [(name, label) for label, name in enumerate(self._model.classes)]
    self._label = gr.Dropdown(
        classes, value=self._start().label, label='Class', elem_id='class', visible=bool(classes))
    with gr.Accordion('Directions', open=True, visible=bool(self._slider_names)):
      strengths = [
          gr.Slider(-_STRENGTH, _STRENGTH, 0., step=0.05, label=name, elem_id=f'direction-{i}')
          for i, name in enumerate(self._slider_names)]
      listed = gr.Dropdown(self._listed_names, label='Another direction', elem_id='listed',
                           visible=bool(self._listed_names))
      listed_strength = gr.Slider(-_STRENGTH, _STRENGTH, 0., step=0.05, label='How far along it',
                                  elem_id='listed-strength', visible=bool(self._listed_names))
    with gr.Accordion('Blend with another picture', open=False):
      start = self._start()
      self._other = gr.HTML(
          self._other_picture(start.other, start.other_label), elem_classes='small')
      self._keep = gr.Button('Keep the picture as it is now for blending', elem_id='keep')
      blend = gr.Slider(0., 1., 0., step=0.02, label='Blend', elem_id='blend')
      method = gr.Radio(list(interpolation.METHODS), value='spherical', label='Path')
    with gr.Accordion('What each scale holds', open=False):
      last = len(self._model.latent_shapes) - 1
      labels = [f'Scale {i}{" (finest)" * (i == 0)}{" (coarsest)" * (i == last)}: 0 as it is, else '
                f'drawn afresh' for i in range(last + 1)]
      scales = [gr.Slider(0, _NUM_SEEDS, 0, step=1, label=label, elem_id=f'scale-{i}')
                for i, label in enumerate(labels)]
    self._movers = [blend, *scales, *strengths, listed_strength]
    self._choices = [self._label, method, listed]
    self._sliders = [self._temperature, *self._choices, *self._movers]

  def _outputs(self):
    return [self._position, self._picture, self._details, self._message, self._label,
            *self._movers]

  def _connect(self):
    for mover in [*self._movers, *self._choices]:
      mover.input(self._move, [self._position, *self._sliders],
                   [self._picture, self._details], **_quiet())
    self._sample_button.click(
        self._sample, [self._position, self._label, self._temperature, self._seed],
        self._outputs(), **_quiet())
    self._keep.click(self._keep_other, [self._position, *self._sliders],
                     [self._position, self._other], **_quiet())
    if self._example_button is not None:
      self._example_button.click(
          self._show_example, [self._position, self._example], self._outputs(), **_quiet())
    if self._upload is not None:
      self._upload.submit(
          self._read_upload, [self._position, self._upload],
          [*self._outputs(), self._upload], **_quiet())

  def _moved(self, position, *sliders):
    """The latent to which the sliders lead, and the label given which it is decoded."""
    temperature, label, method, listed, blend, *rest = sliders
    num_scales = len(self._model.latent_shapes)
    scale_seeds, strengths = rest[:num_scales], rest[num_scales:]
    by_name = dict(zip(self._slider_names, strengths[:-1]))
    if listed:
      by_name[listed] = strengths[-1]
    latent = position_lib.move(
        position, position_lib.Moves(blend, method, temperature, scale_seeds, by_name),
        self._model.latent_shapes, self._model.directions)
    return latent, label if blend <= 0.5 else position.other_label

  def _show(self, position, image):
    """The HTML of the picture and of what is known about it."""
    test_values = None if self._model.examples is None else self._model.examples.bits_per_dim
    details = markup.bits_chart(self._model.bits_per_dim(image), test_values)
    if position.original is not None:
      details = (markup.picture(position.original, 'Original', 'original') +
                 markup.picture(position.reconstruction, 'Reconstruction', 'reconstruction') +
                 details)
    return markup.picture(image, 'Now', 'picture'), details

  def _other_picture(self, latent, label):
    return markup.picture(self._model.decode(latent, label), 'Other picture', 'other')

  def _arrive(self, position):
    """Shows a new position, with all sliders back at 0."""
    picture, details = self._show(
        position, self._model.decode(position.latent, position.label))
    return [position, picture, details, '', position.label, *[0] * len(self._movers)]

  def _move(self, position, *sliders):
    return self._show(position, self._model.decode(*self._moved(position, *sliders)))

  def _sample(self, position, label, temperature, seed):
    latent = self._model.sample_latent(temperature, int(seed or 0))
    return self._arrive(
        position_lib.Position(latent, position.other, label, position.other_label))

  def _show_example(self, position, number):
    return self._arrive_at_image(position, self._model.examples.images[int(number)])

  def _read_upload(self, position, text):
    try:
      with self._decoding:
        image = upload.read_picture(
            text, self._model.image_shape, self._model.dataset_config)
    except upload.UploadError as error:
      unchanged = [gr.skip()] * (4 + len(self._movers))
      return [*unchanged[:3], markup.message(str(error)), *unchanged[3:], '']
    return [*self._arrive_at_image(position, image), '']

  def _arrive_at_image(self, position, image):
    return self._arrive(self._position_of(image, position.other, position.other_label))

  def _keep_other(self, position, *sliders):
    latent, label = self._moved(position, *sliders)
    return (dataclasses.replace(position, other=latent, other_label=label),
            self._other_picture(latent, label))

  def _picture_file(self, position, *sliders):
    image = self._model.decode(*self._moved(position, *sliders))
    return _file('picture.png', 'image/png', markup.png(image))

  def _latent_file(self, position, *sliders):
    array = io.BytesIO()
    np.save(array, self._moved(position, *sliders)[0], allow_pickle=False)
    return _file('latent.npy', 'application/octet-stream', array.getvalue())


def _file(name, kind, data):
  """A file for `_DOWNLOAD`."""
  return json.dumps([name, kind, base64.b64encode(data).decode()])


def _quiet():
  """How every event runs: at once, the last one counts, no spinner, no public API."""
  return dict(trigger_mode='always_last', show_progress='hidden', api_visibility='private',
              concurrency_id='model', concurrency_limit=_CONCURRENCY)
