"""What every bijector must pass, alone and inside Chain, Invert and TransformedDistribution."""

import copy as copy_lib
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_glow import bijectors

tfb = tfp.bijectors
tfd = tfp.distributions

TOLERANCE = {tf.float32: dict(rtol=1e-4, atol=1e-4), tf.float64: dict(rtol=1e-9, atol=1e-9)}


def perturb(bijector, scale=0.3, seed=0):
  """Moves every trainable Variable off its start, so that nothing is an identity."""
  rng = np.random.default_rng(seed)
  for v in bijector.trainable_variables:
    v.assign_add(scale * rng.standard_normal(v.shape).astype(v.dtype.as_numpy_dtype))
  return bijector


def normal(shape, dtype=tf.float64, seed=0):
  return tf.random.stateless_normal(shape, [seed, 1], dtype=dtype)


def copied(structure):
  """Equal tensors that no cache knows."""
  return tf.nest.map_structure(tf.identity, structure)


def flat(structure):
  """A structure of `[N, ...]` tensors as one `[N, D]` array."""
  return np.concatenate(
      [np.reshape(part, [part.shape[0], -1]) for part in tf.nest.flatten(structure)], -1)


def check_batch_of_maps(make_one, stacked, num_channels):
  """A bijector with parameters `[5, ...]` is five bijectors, as TFP batches them.

  Args:
    make_one: callable that makes the k-th bijector.
    stacked: the batch of them.
    num_channels: int, C.
  """
  assert stacked.experimental_batch_shape() == [5]
  np.testing.assert_array_equal(stacked.experimental_batch_shape_tensor(), [5])
  assert stacked[2].experimental_batch_shape() == []
  assert stacked[..., 1:3].experimental_batch_shape() == [2]
  single = normal([2, 3, num_channels])
  for x in (single, normal([5, *single.shape]), normal([4, 5, *single.shape])):
    z, ildj = stacked.inverse(x), stacked.inverse_log_det_jacobian(x)
    batch = x.shape[:-3] if x.shape.rank > 3 else [5]
    assert z.shape == [*batch, *single.shape] and ildj.shape == batch
    again, fldj = stacked.forward(copied(z)), stacked.forward_log_det_jacobian(copied(z))
    for k in range(5):
      one, part = make_one(k), x if x.shape.rank == 3 else x[..., k, :, :, :]
      np.testing.assert_allclose(z[..., k, :, :, :], one.inverse(part), rtol=1e-9)
      np.testing.assert_allclose(again[..., k, :, :, :], part, rtol=1e-9, atol=1e-9)
      expected = one.inverse_log_det_jacobian(part, event_ndims=3)
      np.testing.assert_allclose(ildj[..., k], expected, rtol=1e-9, atol=1e-9)
      np.testing.assert_allclose(fldj[..., k], -expected, rtol=1e-9, atol=1e-9)
  scale = tfb.Scale(tf.ones([], tf.float64))
  for outer in (lambda b: b, lambda b: tfb.Chain([scale, b]), tfb.Invert):
    np.testing.assert_allclose(
        outer(stacked)[2].inverse(single), outer(make_one(2)).inverse(single), rtol=1e-9)
  d = tfd.TransformedDistribution(
      tfd.Sample(tfd.Normal(tf.zeros([], tf.float64), 1.), single.shape), stacked)
  assert d.batch_shape == [5] and d.sample(4, seed=[1, 2]).shape == [4, 5, *single.shape]
  np.testing.assert_allclose(d.log_prob(single), [
      tfd.TransformedDistribution(d.distribution, make_one(k)).log_prob(single)
      for k in range(5)], rtol=1e-9)
  np.testing.assert_allclose(d[1:3].log_prob(single), d.log_prob(single)[1:3], rtol=1e-9)


def numerical_log_det(fn, x, epsilon=1e-6):
  """log|det dfn/dx| of one event x (no batch), by central differences in float64."""
  size = int(np.prod(x.shape))
  steps = epsilon * tf.reshape(tf.eye(size, dtype=tf.float64), [size, *x.shape])
  jacobian = (flat(fn(x + steps)) - flat(fn(x - steps))) / (2 * epsilon)
  return np.linalg.slogdet(jacobian)[1]


class Given(bijectors.FlowBijector):
  """A bijector with fixed conditions, which broadcast with any batch.

  So it passes for one without conditions, and every check can be made of it.
  """

  def __init__(self, bijector, conditions, validate_args=False, name='given'):
    parameters = dict(locals())
    self._bijector = bijector
    self._fixed = self._no_dependency(conditions)
    super().__init__(
        forward_min_event_ndims=bijector.forward_min_event_ndims,
        inverse_min_event_ndims=bijector.inverse_min_event_ndims, dtype=bijector.dtype,
        validate_args=validate_args, parameters=parameters, name=name)
    self._forward_shape = bijector.forward_event_shape
    self._inverse_shape = bijector.inverse_event_shape
    self._forward_shape_tensor = bijector.forward_event_shape_tensor
    self._inverse_shape_tensor = bijector.inverse_event_shape_tensor

  @classmethod
  def _parameter_properties(cls, dtype, num_classes=None):
    return dict()

  def _forward_and_log_det(self, z):
    return self._bijector.forward_and_log_det(z, **self._fixed)

  def _inverse_and_log_det(self, x):
    return self._bijector.inverse_and_log_det(x, **self._fixed)


class VariantChecks:
  """For variants of a class that has all of `BijectorChecks`: what the mathematics can break.

  `make` returns the bijector with its Variables moved.
  """

  image_shape = (4, 4, 4)
  xla = True

  def make(self, dtype=tf.float64):
    raise NotImplementedError

  def images(self, batch=(3,), dtype=tf.float64, seed=0):
    return normal([*batch, *self.image_shape], dtype, seed)

  def latents(self, bijector, batch=(3,), seed=0):
    shapes = bijector.inverse_event_shape(tf.TensorShape(self.image_shape))
    if not isinstance(shapes, list):
      return normal([*batch, *shapes], bijector.dtype, seed)
    return [normal([*batch, *shape], bijector.dtype, seed + i)
            for i, shape in enumerate(shapes)]

  def forward_log_det(self, bijector, z):
    ndims = bijector.inverse_event_ndims(3)
    return bijector.forward_log_det_jacobian(z, event_ndims=ndims)

  def base(self, bijector):
    shapes = bijector.inverse_event_shape(tf.TensorShape(self.image_shape))
    one = lambda shape: tfd.Sample(
        tfd.Normal(tf.zeros([], bijector.dtype), tf.ones([], bijector.dtype)), shape)
    if isinstance(shapes, list):
      return tfd.JointDistributionSequential([one(shape) for shape in shapes])
    return one(shapes)

  @pytest.mark.parametrize('dtype', [tf.float32, tf.float64], ids=lambda d: d.name)
  def test_round_trip(self, dtype):
    b = self.make(dtype)
    x = self.images(dtype=dtype)
    z = self.latents(b)
    np.testing.assert_allclose(b.forward(copied(b.inverse(x))), x, **TOLERANCE[dtype])
    np.testing.assert_allclose(
        flat(b.inverse(copied(b.forward(z)))), flat(z), **TOLERANCE[dtype])
    assert all(part.dtype == dtype for part in tf.nest.flatten(b.inverse(x)))

  def test_log_det_is_the_numerical_jacobians(self):
    b = self.make()
    x = self.images()
    expected = [numerical_log_det(b.inverse, one) for one in x]
    np.testing.assert_allclose(
        b.inverse_log_det_jacobian(x, event_ndims=3), expected, rtol=1e-5, atol=1e-5)

  def test_xla(self):
    b = self.make()
    x = self.images()

    def both(x):
      z, ildj = b.inverse(x), b.inverse_log_det_jacobian(x, event_ndims=3)
      return z, ildj, b.forward(copied(z))

    compiled = tf.function(both, jit_compile=True, autograph=False)
    if not self.xla:
      with pytest.raises(tf.errors.InvalidArgumentError):
        compiled(x)
      return
    for got, expected in zip(tf.nest.flatten(compiled(x)), tf.nest.flatten(both(x))):
      np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)

  def test_gradients_are_those_of_differences(self):
    b = self.make()
    d = tfd.TransformedDistribution(self.base(b), b)
    sources = [tf.Variable(self.images()), *d.trainable_variables]
    loss = lambda: tf.reduce_sum(d.log_prob(tf.identity(sources[0])))
    loss()  # What is cached here must not hide the gradients below.
    with tf.GradientTape() as tape:
      value = loss()
    gradients = tape.gradient(value, sources)
    rng = np.random.default_rng(1)
    directions = [rng.standard_normal(v.shape) for v in sources]

    def loss_after(step):
      for v, direction in zip(sources, directions):
        v.assign_add(step * direction)
      return loss()

    expected = (loss_after(1e-6) - loss_after(-2e-6)) / 2e-6
    got = 0.
    for v, g, direction in zip(sources, gradients, directions):
      assert g is not None, v.name
      got += np.sum(g * direction)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


class CopyChecks(VariantChecks):
  """For a class of its own that is a variant of another."""

  pickles = True  # Not where a part is a function without a name.

  def test_copies_are_independent_and_train(self):
    """Those of the copy module and of pickle; a shallow one shares everything."""
    b = self.make()
    x = self.images()
    z = flat(b.inverse(x))
    deep = [copy_lib.deepcopy(b)]
    if self.pickles:
      deep.append(pickle.loads(pickle.dumps(b)))
    shallow = copy_lib.copy(b)
    np.testing.assert_array_equal(flat(shallow.inverse(x)), z)
    assert sorted(map(id, shallow.variables)) == sorted(map(id, b.variables))
    for v in b.trainable_variables:
      v.assign_add(.1 * tf.ones_like(v))
    for copy in deep:
      np.testing.assert_array_equal(flat(copy.inverse(x)), z)
      assert len(copy.variables) == len(b.variables)
      assert not {id(v) for v in copy.variables} & {id(v) for v in b.variables}
      with tf.GradientTape() as tape:
        loss = sum(tf.reduce_sum(part**2) for part in tf.nest.flatten(copy.inverse(x)))
        loss += tf.reduce_sum(copy.inverse_log_det_jacobian(x, event_ndims=3))
      for v, g in zip(copy.trainable_variables, tape.gradient(loss, copy.trainable_variables)):
        assert g is not None, v.name

  def test_copy_shares_the_variables(self):
    b = self.make()
    copy = b.copy(name='copy')
    x = self.images()
    assert sorted(map(id, copy.variables)) == sorted(map(id, b.variables))
    np.testing.assert_allclose(flat(copy.inverse(x)), flat(b.inverse(copied(x))))

  def test_validate_args_finds_a_variable_that_has_diverged(self):
    b = self.make()
    x, z = self.images(), self.latents(b)
    checked = b.copy(validate_args=True)
    for v in b.trainable_variables[-1:]:
      checked.forward(z)
      v.assign(v / 0.)
      for call in (lambda: checked.inverse(copied(x)), lambda: checked.forward(copied(z)),
                   lambda: checked.inverse_log_det_jacobian(copied(x), event_ndims=3)):
        with pytest.raises(tf.errors.InvalidArgumentError, match=' is not | is singular'):
          call()


class BijectorChecks(CopyChecks):
  """Subclass in the test of each bijector."""

  bad_images = []  # Pairs: a shape that inverse must refuse, what the message must match.
  trains = True  # Whether it has Variables to train.

  def test_log_dets_cancel(self):
    b = self.make()
    x = self.images()
    z = b.inverse(x)
    np.testing.assert_allclose(
        self.forward_log_det(b, copied(z)),
        -b.inverse_log_det_jacobian(copied(x), event_ndims=3), rtol=1e-9, atol=1e-9)

  def test_fused_passes_undo_each_other(self):
    b = self.make()
    x = self.images()
    z, ildj = b.inverse_and_log_det(x)
    back, fldj = b.forward_and_log_det(z)
    np.testing.assert_allclose(back, x, **TOLERANCE[tf.float64])
    np.testing.assert_allclose(fldj, -ildj, rtol=1e-9, atol=1e-9)

  @pytest.mark.parametrize('batch', [(), (1,), (2, 3)], ids=str)
  def test_batch_shapes(self, batch):
    b = self.make()
    x = self.images(batch)
    z = b.inverse(x)
    ildj = b.inverse_log_det_jacobian(x, event_ndims=3)
    assert ildj.shape == batch or b.is_constant_jacobian
    one_batch = tf.reshape(x, [-1, *self.image_shape])
    np.testing.assert_allclose(
        flat(tf.nest.map_structure(
            lambda part: tf.reshape(part, [one_batch.shape[0], -1]), z)),
        flat(b.inverse(one_batch)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(b.forward(copied(z)), x, **TOLERANCE[tf.float64])

  def test_unknown_batch_size(self):
    b = self.make()
    traced = tf.function(
        lambda x: (b.inverse(x), b.inverse_log_det_jacobian(x, event_ndims=3)),
        input_signature=[tf.TensorSpec([None, *self.image_shape], tf.float64)])
    for n in (1, 4):
      x = self.images((n,))
      z, ildj = traced(x)
      np.testing.assert_allclose(flat(z), flat(b.inverse(x)), rtol=1e-9, atol=1e-9)
      np.testing.assert_allclose(
          ildj, b.inverse_log_det_jacobian(x, event_ndims=3), rtol=1e-9)

  @pytest.mark.parametrize('shape', [None, (None,) * 4], ids=['rank', 'sizes'])
  def test_unknown_shape(self, shape):
    b = self.make()
    x = self.images()
    traced = tf.function(
        lambda x: (b.inverse(x), b.inverse_log_det_jacobian(x, event_ndims=3)),
        input_signature=[tf.TensorSpec(shape, tf.float64)], autograph=False)
    z, ildj = traced(x)
    np.testing.assert_allclose(flat(z), flat(b.inverse(x)), rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(
        ildj, b.inverse_log_det_jacobian(x, event_ndims=3), rtol=1e-9, atol=1e-9)

  def test_in_chain_and_invert(self):
    b = self.make()
    x = self.images()
    scale = tfb.Scale(tf.constant(2., tf.float64))
    chain = tfb.Chain([scale, b])
    z = chain.inverse(x)
    np.testing.assert_allclose(flat(z), flat(b.inverse(copied(x / 2.))), rtol=1e-9)
    np.testing.assert_allclose(
        chain.inverse_log_det_jacobian(x, event_ndims=3),
        b.inverse_log_det_jacobian(x / 2., event_ndims=3)
        - np.prod(self.image_shape) * np.log(2.), rtol=1e-9)
    np.testing.assert_allclose(chain.forward(copied(z)), x, rtol=1e-9, atol=1e-9)
    inverted = tfb.Invert(b)
    np.testing.assert_allclose(flat(inverted.forward(x)), flat(b.inverse(copied(x))))
    np.testing.assert_allclose(
        inverted.forward_log_det_jacobian(x, event_ndims=3),
        b.inverse_log_det_jacobian(copied(x), event_ndims=3))

  def test_in_transformed_distribution(self):
    b = self.make()
    base = self.base(b)
    d = tfd.TransformedDistribution(base, b)
    x = self.images()
    z, ildj = b.inverse(copied(x)), b.inverse_log_det_jacobian(copied(x), event_ndims=3)
    np.testing.assert_allclose(d.log_prob(x), base.log_prob(z) + ildj, rtol=1e-9)
    sample, log_prob = d.experimental_sample_and_log_prob([2], seed=[1, 2])
    assert sample.shape == (2, *self.image_shape)
    np.testing.assert_allclose(log_prob, d.log_prob(copied(sample)), rtol=1e-7)
    assert d.sample(seed=[3, 4]).shape == self.image_shape

  def test_variables_are_found_once(self):
    b = self.make()
    d = tfd.TransformedDistribution(
        self.base(b), tfb.Chain([tfb.Scale(tf.constant(2., tf.float64)), b]))
    ids = [id(v) for v in b.trainable_variables]
    assert len(ids) == len(set(ids))
    for owner in (tfb.Invert(b), d.bijector, d):
      assert sorted(id(v) for v in owner.trainable_variables) == sorted(ids)

  def test_checkpoint(self, tmp_path):
    b = self.make()
    x = self.images()
    before = flat(b.inverse(x))
    path = tf.train.Checkpoint(b=b).save(str(tmp_path / 'checkpoint'))
    saved = [name for name, _ in tf.train.list_variables(path) if name.startswith('b/')]
    assert len(saved) == len(b.variables)
    perturb(b, seed=7)
    tf.train.Checkpoint(b=b).restore(path).assert_consumed()
    np.testing.assert_array_equal(flat(b.inverse(x)), before)

  def test_cache_is_never_stale(self):
    b = self.make()
    assert bool(b.trainable_variables) == self.trains
    if not self.trains:
      return
    for owner in (b, tfb.Chain([tfb.Scale(tf.constant(2., tf.float64)), b])):
      d = tfd.TransformedDistribution(self.base(b), owner)
      x, z = self.images(), self.latents(b)
      keep = [d.log_prob(x), owner.inverse(x), owner.forward(z),
              owner.inverse_log_det_jacobian(x, event_ndims=3)]
      perturb(b, seed=5)
      np.testing.assert_array_equal(d.log_prob(x), d.log_prob(copied(x)))
      np.testing.assert_array_equal(flat(owner.inverse(x)), flat(owner.inverse(copied(x))))
      np.testing.assert_array_equal(owner.forward(z), owner.forward(copied(z)))
      assert not np.array_equal(owner.forward(z), keep[2])

  def test_equal_arguments_do_not_share_results(self):
    one, other = self.make(), self.make()
    perturb(other, seed=3)
    x = self.images()
    z = one.inverse(x)
    np.testing.assert_array_equal(flat(other.inverse(x)), flat(other.inverse(copied(x))))
    np.testing.assert_array_equal(flat(one.inverse(x)), flat(z))
    assert one != other

  def test_shapes_that_do_not_fit_are_refused(self):
    b = self.make()
    assert bool(self.bad_images) == (b.inverse_min_event_ndims != 0), 'elementwise ones take any'
    for shape, message in self.bad_images:
      with pytest.raises(ValueError, match=message):
        b.inverse(normal(shape))
