"""MultiScale:

    inverse   h = image;  at each scale: h = scale(h);  h, z_i = split(h)
              (at the last: z_L = top(h));   z = [z_1, ..., z_L], flat
    forward   the same backwards, from z to the image
"""

import functools

import numpy as np
import pytest
import tensorflow as tf

from tests.bijectors import checks
from tfp_glow import bijectors
from tfp_glow import layers


def make_plain(dtype=tf.float64):
  """Squeezes and splits only: latents are pixels in an order that can be written down."""
  return bijectors.MultiScale(
      (4, 4, 1), [[bijectors.Squeeze(dtype=dtype)], [bijectors.Squeeze(dtype=dtype)]],
      [bijectors.Split(dtype=dtype)], dtype=dtype)


class TestMultiScale(checks.BijectorChecks):

  image_shape = (4, 4, 1)
  bad_images = [((1, 6, 4, 1), 'made for images of the shape')]

  def make(self, dtype=tf.float64):
    coupling = bijectors.AffineCoupling.trainable(
        4, functools.partial(layers.ConvNet, hidden_channels=2), dtype=dtype)
    flow = bijectors.MultiScale(
        self.image_shape,
        [[bijectors.Squeeze(dtype=dtype), coupling],
         [bijectors.Squeeze(dtype=dtype), bijectors.ActNorm.trainable(8, dtype)]],
        [bijectors.Split(dtype=dtype)], dtype=dtype)
    return checks.perturb(flow, 0.3)


class TestTutorialFlow(checks.VariantChecks):

  image_shape = (4, 4, 1)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.tutorial_multi_scale(
        self.image_shape, hidden_channels=(2, 2, 2), dtype=dtype), 0.1)


class TestSimpleTutorialFlow(checks.VariantChecks):

  image_shape = (4, 4, 1)

  def make(self, dtype=tf.float64):
    return checks.perturb(bijectors.tutorial_simple(
        self.image_shape, hidden_channels=2, num_couplings=2, dtype=dtype), 0.1)


def test_latent_is_flat_with_contiguous_scales():
  flow = make_plain(tf.float32)
  assert flow.latent_shapes == [(2, 2, 2), (1, 1, 8)]
  image = tf.reshape(tf.range(16.), [4, 4, 1])
  fine, coarse = flow.split_latents(flow.inverse(image))
  squeezed = tf.nn.space_to_depth(image[None], 2)[0]
  np.testing.assert_array_equal(fine, squeezed[..., 2:])
  np.testing.assert_array_equal(
      coarse, tf.nn.space_to_depth(squeezed[None, ..., :2], 2)[0])
  np.testing.assert_array_equal(flow.inverse(image)[:8], tf.reshape(fine, [-1]))


@pytest.mark.parametrize('batch', [(), (3,), (2, 3)], ids=str)
def test_split_and_merge_latents_are_inverse(batch):
  flow = make_plain()
  z = checks.normal([*batch, 16])
  latents = flow.split_latents(z)
  assert [tuple(latent.shape) for latent in latents] == [(*batch, 2, 2, 2), (*batch, 1, 1, 8)]
  np.testing.assert_array_equal(flow.merge_latents(latents), z)


def test_user_mistakes():
  flow = make_plain()
  with pytest.raises(ValueError, match='16 elements, got the shape'):
    flow.split_latents(tf.zeros([2, 15], tf.float64))
  with pytest.raises(ValueError, match='16 elements, got the shape'):
    flow.forward(tf.zeros([2, 15], tf.float64))
  with pytest.raises(ValueError, match=r'must end in the shapes \[\(2, 2, 2\), \(1, 1, 8\)\]'):
    flow.merge_latents([tf.zeros([1, 1, 8]), tf.zeros([2, 2, 2])])
  with pytest.raises(ValueError, match='2 scales need 1 splits, got 0'):
    bijectors.MultiScale((4, 4, 1), [[bijectors.Squeeze()], [bijectors.Squeeze()]], [])
