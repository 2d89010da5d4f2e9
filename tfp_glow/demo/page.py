"""The page: what stands on it, and what its buttons and sliders do."""

import base64
import dataclasses
import io
import json
import threading

import gradio as gr
import numpy as np

from tfp_glow.demo import address
from tfp_glow.demo import completion
from tfp_glow.demo import markup
from tfp_glow.demo import position as position_lib
from tfp_glow.demo import scripts
from tfp_glow.demo import surprise
from tfp_glow.demo import upload
from tfp_glow.demo import walls
from tfp_glow.latents import interpolation

__all__ = ['make_page']

_NUM_SLIDERS = 10  # Directions with a slider each; the others are in a list.
_NUM_BUTTONS = 20  # Classes with a button each; more of them are in a list.
_STRENGTH = 2.  # Ends of the sliders, in units of the distance between the groups' means.
_MAX_TEMPERATURE = 1.5
_NUM_SEEDS = 100  # Of the sliders that resample a scale.
_MAX_SEED = 2**31 - 1
_CONCURRENCY = 4  # Requests computed at a time; the others wait in the queue.
_QUEUE_SIZE = 400
_VISIT_SECONDS = 3600.

_MAP_HINT = (
    '<p class="hint">Black: nothing new. Blue: as the model expects. Orange to white: twice to '
    'four times that. A map has the squares of a scale\'s latents; bits/dim are what they add to '
    'those of the picture, beyond what is expected.</p>')


def make_page(model):
  """The Gradio page of a `ServedModel`."""
  return _Page(model).blocks


class _Page:
  """The components, and the functions behind them.

  Every function takes the visitor's `Position` and all controls, in the order of `_controls`.
  """

  def __init__(self, model):
    self._model = model
    self._walls = walls.Walls(model)
    # Decoded one after the other, so that the memory of uploads is that of one picture.
    self._decoding = threading.Lock()
    names = sorted(model.directions, key=lambda name: '->' in name)
    self._slider_names, self._listed_names = names[:_NUM_SLIDERS], names[_NUM_SLIDERS:]
    self._limits = address.Limits(
        _MAX_SEED, len(self._walls.test_images), len(model.classes), _MAX_TEMPERATURE, _STRENGTH,
        list(interpolation.METHODS)[::-1], len(model.latent_shapes), _NUM_SEEDS, names)
    self._test_squares = self._measure_tests()
    self._start = self._start_position()
    picture, details, maps = self._show(self._start, self._still(self._start))
    with gr.Blocks(title=f'tfp_glow: {model.name}', analytics_enabled=False) as self.blocks:
      self._position = gr.State(self._start, time_to_live=_VISIT_SECONDS)
      gr.HTML(markup.title(model), js_on_load=scripts.JOIN_BUTTONS, elem_id='title')
      self._make_sources()
      with gr.Row(elem_id='stage'):
        with gr.Column(elem_id='left'):
          self._picture = gr.HTML(picture, js_on_load=scripts.KEEP_ADDRESS, elem_id='now')
          self._message = gr.HTML('', elem_id='message')
          self._reset = gr.Button('Back to the start', elem_id='reset', size='sm')
          self._details = gr.HTML(details, elem_id='details')
        with gr.Column(elem_id='right'):
          self._make_controls()
      with gr.Accordion('Which scale finds it surprising, and where', open=True):
        self._maps = gr.HTML(maps, elem_id='maps')
      self._make_completion()
      with gr.Row():
        # A button each: browsers refuse the second file of one click.
        download_picture = gr.Button('Download the picture', elem_id='download-picture')
        download_latent = gr.Button('Download its latent', elem_id='download-latent')
      file = gr.Textbox(visible='hidden')
      self._connect()
      for button, make_file in ((download_picture, self._picture_file),
                                (download_latent, self._latent_file)):
        button.click(make_file, [self._position, *self._controls], file, **_quiet()).then(
            None, file, None, js=scripts.DOWNLOAD)
    self.blocks.queue(default_concurrency_limit=_CONCURRENCY, max_size=_QUEUE_SIZE)

  def _measure_tests(self):
    """`surprise.mean_squares` of the test images, or None."""
    images = self._walls.test_images
    if len(images) < walls.FEWEST:
      return None
    return surprise.mean_squares(self._walls.test_latents(), self._model.latent_shapes)

  def _start_position(self):
    images = self._walls.test_images
    if len(images) > 1:
      other = self._model.read(images[1])
      return self._of_image(images[0], other.latent, other.label, number=0)
    temperature = self._model.temperature
    latents = [self._model.sample_latent(temperature, seed) for seed in (0, 1)]
    labels = (0, min(1, len(self._model.classes) - 1)) if self._model.classes else (None, None)
    return position_lib.Position(*latents, *labels, temperature, seed=0)

  def _of_image(self, image, other, other_label, **source):
    found = self._model.read(image)
    return position_lib.Position(
        found.latent, other, found.label, other_label, self._model.temperature, original=image,
        reconstruction=self._model.decode(found.latent, found.label), **source)

  def _still(self, position):
    """The `Moves` of controls that nobody has moved."""
    return position_lib.Moves(position.temperature, position.label,
                              method=self._limits.methods[0],
                              scale_seeds=[0] * len(self._model.latent_shapes))

  def _make_sources(self):
    with gr.Tab('Samples'):
      self._wall = gr.HTML(self._walls.samples(0), js_on_load=scripts.PICK, elem_id='wall')
      self._first_seed = gr.State(0, time_to_live=_VISIT_SECONDS)
      with gr.Row(elem_id='draw'):
        self._more = gr.Button('Other samples', elem_id='more', size='sm')
        self._seed = gr.Number(0, label='Sample', precision=0, minimum=0, maximum=_MAX_SEED,
                               elem_id='seed')
        self._sample_button = gr.Button('Show it', elem_id='sample', size='sm')
    self._test_wall = self._upload = None
    if len(self._walls.test_images):
      with gr.Tab('Test images'):
        self._test_wall = gr.HTML(self._walls.tests(), js_on_load=scripts.PICK, elem_id='test-wall')
    if self._model.image_shape[-1] in (1, 3):
      with gr.Tab('Your picture'):
        self._upload = gr.HTML('', html_template=scripts.UPLOAD, js_on_load=scripts.READ_UPLOAD,
                               elem_id='upload')

  def _make_controls(self):
    model = self._model
    start = self._start
    classes = [(name, label) for label, name in enumerate(model.classes)]
    make = gr.Radio if len(classes) <= _NUM_BUTTONS else gr.Dropdown
    label = make(classes, value=start.label, label='Class, in the same style', elem_id='class',
                 visible=bool(classes))
    with gr.Accordion('Directions', visible=bool(self._slider_names)):
      strengths = [
          gr.Slider(-_STRENGTH, _STRENGTH, 0., step=0.05, label=name, elem_id=f'direction-{i}',
                    elem_classes='inline')
          for i, name in enumerate(self._slider_names)]
      listed = gr.Dropdown(self._listed_names, value=None, label='Another direction',
                           elem_id='listed', visible=bool(self._listed_names))
      listed_strength = gr.Slider(-_STRENGTH, _STRENGTH, 0., step=0.05, label='How far along it',
                                  elem_id='listed-strength', visible=bool(self._listed_names))
      gr.HTML('<p class="hint">1 is the way from the average image to the average one of that '
              'name.</p>')
    temperature = gr.Slider(
        0., _MAX_TEMPERATURE, start.temperature, step=0.05, elem_id='temperature',
        label='Temperature of samples: 1 as the model is, less is more typical')
    is_open = not self._slider_names
    with gr.Accordion('Blend with another picture', open=is_open):
      self._other = gr.HTML(
          self._other_picture(start.other, start.other_label), elem_classes='small')
      self._keep = gr.Button('Blend with the picture as it is now', elem_id='keep', size='sm')
      blend = gr.Slider(0., 1., 0., step=0.02, label='Blend', elem_id='blend')
      method = gr.Radio(self._limits.methods, value=self._limits.methods[0], label='Path')
    with gr.Accordion('What each scale holds', open=is_open):
      last = len(model.latent_shapes) - 1
      labels = [f'Scale {i + 1}{" (finest)" * (i == 0)}{" (coarsest)" * (i == last)}: 0 as it is, '
                f'else drawn afresh' for i in range(last + 1)]
      scales = [gr.Slider(0, _NUM_SEEDS, 0, step=1, label=label, elem_id=f'scale-{i}')
                for i, label in enumerate(labels)]
    self._controls = [temperature, label, method, listed, blend, *scales, *strengths,
                      listed_strength]

  def _make_completion(self):
    self._complete_button = None
    if self._model.latent_size > completion.MAX_SIZE:
      return
    with gr.Accordion('Erase a half, and let the model complete it', open=True):
      with gr.Row(elem_id='erase'):
        self._half = gr.Radio(list(completion.HALVES), value='right', label='Erase', elem_id='half')
        self._complete_button = gr.Button('Complete it', elem_id='complete', size='sm')
      self._completions = gr.HTML('', elem_id='completions', elem_classes='small')

  def _outputs(self):
    return [self._position, *self._shown(), self._message, *self._controls]

  def _shown(self):
    return [self._picture, self._details, self._maps]

  def _connect(self):
    position, outputs = self._position, self._outputs()
    for control in self._controls:
      control.input(self._move, [position, *self._controls], self._shown(), **_quiet())
    self._reset.click(self._arrive, position, outputs, **_quiet())
    self._more.click(self._more_samples, self._first_seed, [self._first_seed, self._wall],
                     **_quiet())
    self._sample_button.click(
        self._sample, [position, self._seed, *self._controls], outputs, **_quiet())
    for wall in filter(None, (self._wall, self._test_wall)):
      wall.click(self._pick, position, outputs, **_quiet())
    self._keep.click(self._keep_other, [position, *self._controls], [position, self._other],
                     **_quiet())
    if self._upload is not None:
      self._upload.submit(
          self._read_upload, [position, self._upload], [*outputs, self._upload], **_quiet())
    if self._complete_button is not None:
      self._complete_button.click(
          self._complete, [position, self._half, *self._controls], self._completions,
          **{**_quiet(), 'show_progress': 'full', 'concurrency_id': 'completion',
             'concurrency_limit': 1})
    query = gr.Textbox(visible='hidden')
    self.blocks.load(self._open_address, [position, query], outputs, **_quiet(),
                     js=scripts.READ_ADDRESS)

  def _moves(self, controls):
    """The `Moves` of the controls' values."""
    temperature, label, method, listed, blend, *rest = controls
    num_scales = len(self._model.latent_shapes)
    scale_seeds, strengths = rest[:num_scales], rest[num_scales:]
    by_name = dict(zip(self._slider_names, strengths[:-1]))
    if listed:
      by_name[listed] = strengths[-1]
    return position_lib.Moves(temperature, label, blend, method, scale_seeds, by_name)

  def _values(self, moves):
    """The controls' values of `Moves`."""
    strength = lambda name: moves.strengths.get(name, 0.)
    listed = next((name for name in self._listed_names if strength(name)), None)
    return [moves.temperature, moves.label, moves.method, listed, moves.blend, *moves.scale_seeds,
            *map(strength, self._slider_names), strength(listed)]

  def _moved(self, position, moves):
    """The latent to which the controls lead, and the label given which it is decoded."""
    if position.seed is not None and moves.temperature != position.temperature:
      latent = self._model.sample_latent(moves.temperature, position.seed)
      position = dataclasses.replace(position, latent=latent)
    return position_lib.move(
        position, moves, self._model.latent_shapes, self._model.directions)

  def _image(self, position, controls):
    return self._model.decode(*self._moved(position, self._moves(controls)))

  def _show(self, position, moves):
    """The HTML of the picture, of what is known about it, and of its maps."""
    image = self._model.decode(*self._moved(position, moves))
    return self._picture_of(position, moves, image), *self._read(position, image)

  def _picture_of(self, position, moves, image):
    return markup.picture(image, self._caption(position, moves), 'picture',
                          address.write(position, moves))

  def _read(self, position, image):
    """The HTML of what is known about a picture, and of its maps."""
    model = self._model
    found = model.read(image)
    test_values = None if model.examples is None else model.examples.bits_per_dim
    details = markup.bits_chart(found.bits_per_dim, test_values)
    if model.classes:
      details += markup.guesses(model.classes, found.probabilities)
    if position.original is not None:
      details += ('<div class="small">' +
                  markup.picture(position.original, 'Original', 'original') +
                  markup.picture(position.reconstruction, 'Reconstruction', 'reconstruction') +
                  '</div>')
    return details, self._maps_of(found.latent)

  def _caption(self, position, moves):
    if position.seed is not None:
      text = f'Sample {position.seed}'
    else:
      text = 'Your picture' if position.number is None else f'Test image {position.number}'
    if moves.label is not None:
      text += f' as class {self._model.classes[moves.label]}'
    num_moved = moves.count(position)
    return text + (f', changed by {num_moved} control{"s" * (num_moved > 1)}' if num_moved else '')

  def _maps_of(self, latent):
    shapes = self._model.latent_shapes
    squares = surprise.mean_squares(latent, shapes)
    parts = zip(squares, surprise.excess_bits(squares, shapes),
                surprise.shares(squares, self._test_squares))
    return '<div class="small">' + ''.join(
        markup.scale_map(surprise.heat(square), scale, len(shapes), excess, share)
        for scale, (square, excess, share) in enumerate(parts)) + f'</div>{_MAP_HINT}'

  def _other_picture(self, latent, label):
    return markup.picture(self._model.decode(latent, label), 'Other picture', 'other')

  def _arrive(self, position, moves=None):
    """Shows a position, with all controls back at the start, or elsewhere."""
    moves = moves or self._still(position)
    return [position, *self._show(position, moves), '', *self._values(moves)]

  def _stay(self, text):
    """Changes nothing, and tells the visitor why."""
    return [gr.skip()] * 4 + [markup.message(text)] + [gr.skip()] * len(self._controls)

  def _move(self, position, *controls):
    """The picture first, for with classes all that is known about it takes a pass for each."""
    moves = self._moves(controls)
    image = self._model.decode(*self._moved(position, moves))
    picture = self._picture_of(position, moves, image)
    yield picture, gr.skip(), gr.skip()
    yield picture, *self._read(position, image)

  def _more_samples(self, first_seed):
    first_seed = (first_seed + self._walls.num_seeds) % _MAX_SEED
    return first_seed, self._walls.samples(first_seed)

  def _at_sample(self, position, seed, label, temperature):
    return position_lib.Position(
        self._model.sample_latent(temperature, seed), position.other, label, position.other_label,
        temperature, seed=seed, has_kept=position.has_kept)

  def _at_test(self, position, number):
    return self._of_image(self._walls.test_images[number], position.other, position.other_label,
                          number=number, has_kept=position.has_kept)

  def _sample(self, position, seed, *controls):
    moves = self._moves(controls)
    return self._arrive(self._at_sample(position, int(seed or 0), moves.label, moves.temperature))

  def _pick(self, position, event: gr.EventData):
    """Goes to a cell of a wall: the query of its address."""
    return self._open_address(position, event.pick)

  def _open_address(self, position, query):
    try:
      found = address.read(query, self._limits)
    except address.AddressError as error:
      return self._stay(str(error))
    if found is None:
      return [gr.skip()] * len(self._outputs())
    seed, number, moves = found
    if moves.temperature is None:
      moves.temperature = self._model.temperature
    if number is not None:
      position = self._at_test(position, number)
    else:
      label = moves.label if moves.label is not None or not self._model.classes else 0
      position = self._at_sample(position, seed, label, moves.temperature)
    if moves.label is None:
      moves.label = position.label
    return self._arrive(position, moves)

  def _read_upload(self, position, text):
    try:
      with self._decoding:
        image = upload.read_picture(
            text, self._model.image_shape, self._model.dataset_config)
    except upload.UploadError as error:
      return [*self._stay(str(error)), '']
    return [*self._arrive(self._of_image(
        image, position.other, position.other_label, has_kept=position.has_kept)), '']

  def _keep_other(self, position, *controls):
    latent, label = self._moved(position, self._moves(controls))
    return (dataclasses.replace(position, other=latent, other_label=label, has_kept=True),
            self._other_picture(latent, label))

  def _complete(self, position, half, *controls):
    latent, label = self._moved(position, self._moves(controls))
    image = self._model.decode(latent, label)
    kept = completion.mask(half, self._model.image_shape)
    images, bits = completion.complete(self._model, image, kept, label)
    erased = np.where(kept, image, np.uint8(127))
    return markup.picture(erased, f'The {half} half erased', 'erased') + ''.join(
        markup.picture(found, f'{value:.3f} bits/dim', f'completion-{i}')
        for i, (found, value) in enumerate(zip(images, bits)))

  def _picture_file(self, position, *controls):
    return _file('picture.png', 'image/png', markup.png(self._image(position, controls)))

  def _latent_file(self, position, *controls):
    array = io.BytesIO()
    np.save(array, self._moved(position, self._moves(controls))[0], allow_pickle=False)
    return _file('latent.npy', 'application/octet-stream', array.getvalue())


def _file(name, kind, data):
  """A file for `scripts.DOWNLOAD`."""
  return json.dumps([name, kind, base64.b64encode(data).decode()])


def _quiet():
  """How every event runs: at once, the last one counts, no spinner, no public API."""
  return dict(trigger_mode='always_last', show_progress='hidden', api_visibility='private',
              concurrency_id='model', concurrency_limit=_CONCURRENCY)
