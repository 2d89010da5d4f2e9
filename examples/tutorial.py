# %% [markdown]
"""Glow step by step: the 1x1 convolution, ActNorm, a flow block, the multi-scale model.

    python examples/tutorial.py

Runs in seconds on a CPU and needs no data. In VS Code, Spyder or PyCharm each `# %%` is a cell;
`jupytext --to notebook examples/tutorial.py` makes a Jupyter notebook of it.

Bijectors follow TensorFlow Probability: `forward` maps latent to image, `inverse` image to latent.
"""

# %%
import functools

import numpy as np
import tensorflow as tf

from tfp_glow import bijectors
from tfp_glow import distributions
from tfp_glow import layers


def largest_difference(a, b):
  return float(tf.reduce_max(tf.abs(a - b)))


# %% [markdown]
# ## 1. A rotation to start from
#
# A 1x1 convolution with as many filters as channels generalises a permutation of the channels.
# Its kernel W is a square matrix; log|det| of the layer is H * W * log|det W| (section 3.2 of the
# paper). Q of a QR decomposition is a rotation: its inverse is its transpose, its log|det| is 0.

# %%
channels = 4
plain = bijectors.InvertibleConv1x1.trainable(channels, parameterization='plain', seed=0)
kernel = plain.kernel()
print('W^T W is the identity to', largest_difference(
    tf.matmul(kernel, kernel, transpose_a=True), tf.eye(channels)))
assert largest_difference(tf.matmul(kernel, kernel, transpose_a=True), tf.eye(channels)) < 1e-5

x = tf.random.stateless_normal([2, 6, 6, channels], seed=(0, 1))
y = plain.inverse(x)
print('It is a convolution with a 1x1 filter to', largest_difference(
    y, tf.nn.conv2d(x, tf.transpose(kernel)[None, None], 1, 'SAME')))
assert largest_difference(y, tf.nn.conv2d(x, tf.transpose(kernel)[None, None], 1, 'SAME')) < 1e-5
assert largest_difference(plain.forward(y), x) < 1e-4
assert abs(float(plain.inverse_log_det_jacobian(x, event_ndims=3)[0])) < 1e-3

# %% [markdown]
# ## 2. The same in LU form
#
# W = P L (U + diag(s)) (equation 10): the log-determinant is a sum of log|s|, and since signs and P
# are fixed and |s| = exp(log_s), no step of an optimizer can make W singular. From the same seed
# both forms start as the same rotation.

# %%
lu = bijectors.InvertibleConv1x1.trainable(channels, parameterization='lu', seed=0)
assert largest_difference(lu.kernel(), kernel) < 1e-5
assert [len(b.trainable_variables) for b in (plain, lu)] == [1, 3]

for variable in lu.trainable_variables:  # Away from the rotation.
  variable.assign_add(0.1 * tf.random.stateless_normal(variable.shape, seed=(2, 3)))
log_det = lu.inverse_log_det_jacobian(x, event_ndims=3)[0]
by_numpy = 6 * 6 * np.linalg.slogdet(lu.kernel().numpy())[1]
print(f'log|det| by the sum of log_s {log_det:.4f}, by numpy.linalg.slogdet {by_numpy:.4f}')
np.testing.assert_allclose(log_det, by_numpy, rtol=1e-3)
np.testing.assert_allclose(log_det, 6 * 6 * tf.reduce_sum(lu.log_s), rtol=1e-5)
assert largest_difference(lu.forward(tf.identity(lu.inverse(x))), x) < 1e-4

# %% [markdown]
# ## 3. ActNorm starts from data
#
# Scale and bias per channel (section 3.1). `initialize` sets them so that the given batch leaves
# with mean 0 and variance 1; nothing else ever does, so sampling first does no harm.

# %%
actnorm = bijectors.ActNorm.trainable(channels)
batch = 3. * tf.random.stateless_normal([64, 6, 6, channels], seed=(4, 5)) + [1., 2., 3., 4.]
assert largest_difference(actnorm.inverse(batch), batch) == 0.  # The identity until then.
actnorm.initialize(batch)
mean, variance = tf.nn.moments(actnorm.inverse(tf.identity(batch)), [0, 1, 2])
print('ActNorm: means', np.round(mean, 5) + 0., 'variances', np.round(variance, 5))
np.testing.assert_allclose(mean, np.zeros(channels), atol=1e-4)
np.testing.assert_allclose(variance, np.ones(channels), atol=1e-4)

# %% [markdown]
# ## 4. A flow block
#
# Figure 2a: ActNorm, 1x1 convolution, affine coupling. The coupling's network looks at half of the
# channels and says how to shift and scale the others; its last layer starts at zero.

# %%
network = functools.partial(layers.ConvNet, hidden_channels=16)
step = bijectors.GlowStep.trainable(channels, network, seed=0)
step.initialize(batch)
z = step.inverse(batch)
print('A block undoes itself to', largest_difference(step.forward(tf.identity(z)), batch))
assert largest_difference(step.forward(tf.identity(z)), batch) < 1e-4

# The block is what its parts are, one after the other.
by_parts = step.coupling.inverse(step.linear.inverse(step.actnorm.inverse(batch)))
assert largest_difference(z, by_parts) < 1e-4

# And its log-determinant that of the numerical Jacobian, here of one small image.
small = batch[:1, :2, :2]
with tf.GradientTape() as tape:
  tape.watch(small)
  latent = step.inverse(small)
jacobian = tf.reshape(tape.jacobian(latent, small), [16, 16])
np.testing.assert_allclose(
    step.inverse_log_det_jacobian(small, event_ndims=3)[0],
    np.linalg.slogdet(jacobian.numpy())[1], atol=1e-3)

# %% [markdown]
# ## 5. The multi-scale model
#
# Figure 2b: at each level squeeze, K blocks, and half of the channels leave. The latent is one
# vector with a standard normal distribution, in blocks by scale.

# %%
flow = bijectors.Glow((8, 8, 1), num_levels=2, depth=2, hidden_channels=16)
print('Latents of each scale:', flow.latent_shapes)
assert sum(int(np.prod(shape)) for shape in flow.latent_shapes) == flow.latent_size == 64


def make_images(num, seed):
  """Bright spots on dark ground, uint8 `[num, 8, 8, 1]`."""
  place = np.random.RandomState(seed).uniform(2., 5., [num, 2, 1, 1])
  rows, columns = np.mgrid[:8, :8]
  spots = 220. * np.exp(-((rows - place[:, 0])**2 + (columns - place[:, 1])**2) / 4.)
  return tf.constant(spots[..., None].astype(np.uint8))


# %% [markdown]
# uint8 images become points of the unit cube by noise of the width of one level; so the density
# bounds the probability of the image, and bits per dimension can be compared between models.

# %%
model = distributions.ImageModel(distributions.flow_distribution(flow))
images, test_images = make_images(64, 0), make_images(32, 1)
noise = functools.partial(distributions.uniform_noise, images.shape)
test_noise = distributions.uniform_noise(test_images.shape, (9, 9))
model.initialize(images, noise((0, 0)))

optimizer = tf.keras.optimizers.Adam(2e-3)
weights = model.trainable_variables


@tf.function
def train_step(number):
  with tf.GradientTape() as tape:
    loss = tf.reduce_mean(model.bits_per_dim(images, noise(tf.stack([0, number]))))
  optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))


before = float(tf.reduce_mean(model.bits_per_dim(test_images, test_noise)))
for i in range(60):
  train_step(tf.constant(i))
after = float(tf.reduce_mean(model.bits_per_dim(test_images, test_noise)))
print(f'{before:.2f} bits/dim of test images before training, {after:.2f} after 60 steps')
assert after < before - 0.2

# %% [markdown]
# What training needs besides, `python train.py` does: averaged weights, schedules, checkpoints.
# Images go to latents and back without loss, and latents of lower temperature give calmer samples.

# %%
latents = model.encode(test_images, tf.fill(test_images.shape, 0.5))
np.testing.assert_array_equal(model.quantize(model.decode(latents)), test_images)
samples = model.sample(4, temperature=0.7, seed=(1, 2))
print('Samples:', samples.shape, samples.dtype.name)
assert samples.shape == (4, 8, 8, 1) and samples.dtype == tf.uint8

# Behind it is a distribution of TFP's, over the unit cube.
density = model.distribution.log_prob(distributions.dequantize(test_images, test_noise))
np.testing.assert_allclose(
    distributions.bits_per_dim(density, flow.latent_size),
    model.bits_per_dim(test_images, test_noise), rtol=1e-4)
print('Done.')
