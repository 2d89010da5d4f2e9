"""Picture files are read in many threads, by one graph."""

import concurrent.futures
import io
import time

import numpy as np
from PIL import Image
import tensorflow as tf

from tfp_glow.data import pictures
from tfp_glow.data.pictures import graph


def test_the_graph_is_ready_before_many_threads_run_it(monkeypatch):
  """TensorFlow prepares it in the first run, and in each of several that come at once."""
  runs, decode_all = [], graph.decode_all

  def note(contents):
    runs.append('begins')
    time.sleep(.1)
    runs.append('ends')
    return contents

  def noted(contents, *args):
    contents = tf.ensure_shape(tf.numpy_function(note, [contents], tf.string), [1])
    return decode_all(contents, *args)

  monkeypatch.setattr(graph, 'decode_all', noted)
  pixels = np.random.RandomState(0).randint(0, 256, [4, 3, 4, 3]).astype(np.uint8)

  def read(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, format='PNG')
    return pictures.read(file.getvalue(), max_pixels=12_345)  # A limit that no other test has.

  with concurrent.futures.ThreadPoolExecutor(4) as pool:
    np.testing.assert_array_equal(list(pool.map(read, pixels)), pixels)
  assert runs[:2] == ['begins', 'ends'] and len(runs) == 2 * 5
