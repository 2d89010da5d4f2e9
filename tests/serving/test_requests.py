"""Every bad request gets one line that names the input, in Python and where servers ask."""

import functools
import math

import numpy as np
import pytest
import tensorflow as tf

from benchmarks import hostile_requests
from tests.serving import tiny
from tfp_glow import serving

SEED = np.int32([3, 4])
IMAGES = tiny.make_images(2)
LATENTS = np.zeros([2, tiny.SIZE], np.float32)
_IMAGES = r'images must be uint8 \[N, 8, 8, 3\] with N from 1 to 1024; received the shape\]'
_LATENTS = r'latents must be finite float32 \[N, 192\] with N from 1 to 1024; received'
_TEMPERATURE = 'temperature must be one finite float32 of at least 0; received'


def sample(num=2, temperature=1., seed=SEED):
  return 'sample', dict(num=np.int32(num), temperature=np.float32(temperature), seed=seed)


def manipulate(direction='smile', strength=1.):
  return 'manipulate', dict(
      images=IMAGES, direction=np.array(direction, object), strength=np.float32(strength))


def bits_per_dim(num=2, noise_draws=1, seed=SEED):
  return 'bits_per_dim', dict(
      images=tiny.make_images(num), noise_draws=np.int32(noise_draws), seed=np.asarray(seed))


def interpolate(num=3, pairs=2, others=None):
  return 'interpolate', dict(
      images=tiny.make_images(pairs), other_images=tiny.make_images(others or pairs),
      num=np.int32(num))


def files(value):
  return 'serving_default', dict(image_bytes=np.array(value, object))


BAD = [
    (('encode', dict(images=IMAGES[:0], seed=SEED)), rf'{_IMAGES} \[0 8 8 3\]'),
    (('encode', dict(images=IMAGES[:, :4], seed=SEED)), rf'{_IMAGES} \[2 4 8 3\]'),
    (('encode', dict(images=IMAGES.reshape([4, 4, 8, 3]), seed=SEED)), rf'{_IMAGES} \[4 4 8 3\]'),
    (('encode', dict(images=IMAGES[0], seed=SEED)), rf'{_IMAGES} \[8 8 3\]'),
    (('encode', dict(images=IMAGES[None], seed=SEED)), rf'{_IMAGES} \[1 2 8 8 3\]'),
    (('encode', dict(images=np.uint8(7), seed=SEED)), rf'{_IMAGES} \[\]'),
    (bits_per_dim(1025), rf'{_IMAGES} \[1025 8 8 3\]'),
    (bits_per_dim(noise_draws=0), r'noise_draws must be one int32 from 1 to 1024; received\] \[0\]'),
    (bits_per_dim(noise_draws=1025), r'noise_draws must be .*; received\] \[1025\]'),
    (bits_per_dim(noise_draws=[1, 2]), r'noise_draws must be .*; received the shape\] \[2\]'),
    (bits_per_dim(17, 1000), r'images x noise_draws must be at most 16384 passes through the flow '
     r'in one request; received\] \[17 1000\]'),
    (bits_per_dim(seed=np.int32([1, 2, 3])), r'seed must be int32 \[2\]; received the shape\] \[3\]'),
    (bits_per_dim(seed=np.int32(1)), r'seed must be int32 \[2\]; received the shape\] \[\]'),
    (('decode', dict(latents=LATENTS[:0])), rf'{_LATENTS} the shape\] \[0 192\]'),
    (('decode', dict(latents=LATENTS[:, :96])), rf'{_LATENTS} the shape\] \[2 96\]'),
    (('decode', dict(latents=LATENTS[0])), rf'{_LATENTS} the shape\] \[192\]'),
    (('decode', dict(latents=LATENTS + np.float32(np.nan))),
     rf'{_LATENTS} numbers that are NaN or infinite\] \[384\]'),
    (('decode', dict(latents=LATENTS - np.float32(np.inf))), _LATENTS),
    (('decode', dict(latents=LATENTS + np.float32(3e38))), 'latents must be smaller, for the latents'),
    (sample(num=0), r'num must be one int32 from 1 to 1024; received\] \[0\]'),
    (sample(num=10**6), r'num must be one int32 from 1 to 1024; received\] \[1000000\]'),
    (sample(num=[2]), r'num must be one int32 from 1 to 1024; received the shape\] \[1\]'),
    (sample(temperature=-.1), rf'{_TEMPERATURE}\] \[-0.1\]'),
    (sample(temperature=math.nan), rf'{_TEMPERATURE}\] \[nan\]'),
    (sample(temperature=[[1.]]), rf'{_TEMPERATURE} the shape\] \[1 1\]'),
    (sample(temperature=3e38), 'temperature must be smaller, for the latents lie too far from 0'),
    (interpolate(others=1), r'other_images must be one for each image; received other_images and '
     r'images\] \[1 2\]'),
    (interpolate(num=1), r'num must be one int32 from 2 to 1024; received\] \[1\]'),
    (interpolate(1024, 64), r'images x num must be at most 1024 images in one request; received\] '
     r'\[64 1024\]'),
    (manipulate('frown'),
     r'direction must be one string of: smile, hat, hat->smile; received\] \[frown\]'),
    (manipulate(''), r'direction must be one string of: .*; received\] \[\]'),
    (manipulate(b'\xff\xfe'), 'direction must be one string of: .*; received\\] \\[\N{REPLACEMENT CHARACTER}'),
    (manipulate('x' * 10**5), r'direction must be one string of: .*; received\] \[x{80}\]'),
    (manipulate([['smile']]), r'direction must be one string of: .* the shape\] \[1 1\]'),
    (manipulate(strength=math.inf), r'strength must be one finite float32; received\] \[inf\]'),
    (manipulate(strength=[1., 2.]), r'strength must be one finite float32; received the shape\]'),
    (manipulate(strength=3e38), 'strength must be smaller, for the latents lie too far from 0'),
    (('manipulate_vector', dict(images=IMAGES, vector=LATENTS[0] + np.float32(np.nan),
                                strength=np.float32(1.))),
     r'vector must be finite float32 \[192\]; received numbers that are NaN or infinite\] \[192\]'),
    (('manipulate_vector', dict(images=IMAGES, vector=LATENTS[0, :1], strength=np.float32(1.))),
     r'vector must be finite float32 \[192\]; received the shape\] \[1\]'),
    (files([]), r'image_bytes must be string \[N\] with N from 1 to 1024, .* the shape\] \[0\]'),
    (files(b'file'), r'image_bytes must be string \[N\] .*; received the shape\] \[\]'),
    (files([[b'file']]), r'image_bytes must be string \[N\] .*; received the shape\] \[1 1\]'),
]


@pytest.mark.parametrize('request_, message', BAD)
def test_bad_requests(served, request_, message):
  name, inputs = request_
  for ask in (served, functools.partial(tiny.call, tiny.signatures())):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
      ask(name, **inputs)


def test_every_input_of_every_signature_is_tried():
  tried = {(name, key) for (name, inputs), message in BAD for key in inputs
           if key in message.split(' must be')[0]}
  assert {key for _, key in tried} == {
      spec.name for specs in serving.Signatures(tiny.tiny().model, tiny.tiny().config.dataset)
      .specs().values() for spec in specs}


@pytest.mark.parametrize('event_size, num_classes, limits', [
    (28 * 28, 0, (1024, 1024, 16384)), (32 * 32 * 3, 10, (1024, 1024, 16384)),
    (256 * 256 * 3, 0, (85, 1024, 1360)), (1024 * 1024 * 3, 0, (5, 80, 80)),
    (1024 * 1024 * 3, 1000, (5, 1000, 1000)), (2**30, 0, (1, 16, 16))])
def test_limits(event_size, num_classes, limits):
  assert serving.Limits.of(event_size, num_classes) == serving.Limits(*limits)


def test_as_much_as_is_allowed():
  images = tiny.call(tiny.signatures(), *interpolate(512, 2)[:1], **interpolate(512, 2)[1])
  assert images['images'].shape == (2, 512, *tiny.SHAPE)
  name, inputs = bits_per_dim(1024, 16)
  assert tiny.call(tiny.signatures(), name, **inputs)['bits_per_dim'].shape == (1024,)


def test_random_hostile_requests(served_classes):
  """Of the export with classes, whose signatures are all those of the other, and have labels."""
  assert set(tiny.signatures()) <= set(tiny.class_signatures())
  result = hostile_requests.run(
      tiny.classes().path, num=30, seed=1,
      places=(functools.partial(tiny.call, tiny.class_signatures()), served_classes))
  assert not result.faults
  assert result.counts['refused'] > 10 and result.counts['answered'] > 0
