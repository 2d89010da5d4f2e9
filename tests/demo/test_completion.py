"""The half that a model puts in the place of one that was erased."""

import numpy as np
import pytest

from tfp_glow.demo import completion

SHAPE = (6, 8, 1)


class OneGrey:
  """A model of images of one grey each: whatever the latent, it decodes to its mean."""

  latent_size = 48
  labels = set()

  def encode_all(self, images, labels, seed):
    del seed
    self.labels.update(labels or ())
    return images.reshape([len(images), -1]) / np.float32(255.)

  def decode_all(self, latents, labels):
    self.labels.update(labels or ())
    grey = np.clip(255. * latents.mean(-1), 0., 255.).astype(np.uint8)
    return np.broadcast_to(grey[:, None, None, None], [len(latents), *SHAPE])

  def bits_per_dim_given(self, images, labels):
    self.labels.update(labels or ())
    return np.abs(images - 250.).mean((1, 2, 3))


@pytest.mark.parametrize('half', completion.HALVES)
def test_the_rest_follows_what_is_kept(half):
  image = np.random.RandomState(0).randint(190, 210, SHAPE, np.uint8)
  kept = completion.mask(half, SHAPE)
  assert kept.sum() == 24 and kept.shape == SHAPE
  images, bits = completion.complete(OneGrey(), image, kept)
  assert images.shape == (4, *SHAPE) and images.dtype == np.uint8
  assert (images == image)[np.broadcast_to(kept, images.shape)].all()
  # Noise of variance (t s)^2 is left in the mean of 48 numbers, and pulls to 0 by sqrt(1 - s^2).
  assert 150 < images[:, ~kept].mean() < 210
  assert (np.diff(bits) >= 0.).all() and len({image.tobytes() for image in images}) > 1
  again, _ = completion.complete(OneGrey(), image, kept)
  np.testing.assert_array_equal(images, again)


def test_halves_are_where_their_names_say():
  for half, place in dict(left=(3, 0), right=(3, 7), top=(0, 3), bottom=(5, 3)).items():
    assert not completion.mask(half, SHAPE)[place], half
    assert completion.mask(half, SHAPE)[5 - place[0], 7 - place[1]]
  assert completion.mask('left', (4, 5, 3))[:, 2:].all()


def test_it_is_given_the_label():
  model = OneGrey()
  completion.complete(model, np.zeros(SHAPE, np.uint8), completion.mask('top', SHAPE), label=3)
  assert model.labels == {3}
