# %% [markdown]
"""The lower half of a digit, given its upper half: a flow with a context.

    python examples/inpainting.py

Trains a Glow of the lower halves of digits, once given the upper halves and once without, compares
their bits/dim, and completes digits. Some minutes on two CPU cores; writes PICTURE.
"""

# %%
import keras
import numpy as np
import tensorflow as tf

import tfp_glow
from tfp_glow import bijectors
from tfp_glow import data
from tfp_glow import distributions

STEPS, BATCH, DEPTH, WIDTH = 1500, 32, 8, 64
TEMPERATURE, PICTURE = .85, 'inpainting.png'

# %% [markdown]
# ## Halves
#
# What the images are given comes with them in a batch, under its name. The flow is convolutional,
# so the upper half comes upside down: then the row above the cut lies beside the one below it.


# %%
def halves(batch):
  upper, lower = tf.split(batch['image'], 2, axis=1)
  context = tf.reverse(tf.cast(upper, tf.float32) / 255., [1])
  return {**batch, 'image': lower, 'context': context}


digits = data.load('mnist5k')
train = data.train_batches(digits, batch_size=BATCH, seed=0).map(halves)
test = data.eval_batches(digits, batch_size=100).map(halves)
half = train.element_spec['image'].shape[1:]

# %% [markdown]
# ## Two flows
#
# `context_shape` is all that tells one from the other. Each level of the flow embeds the context
# once, for all its couplings. A flow without one ignores that batches have it.


# %%
def trained(context_shape):
  flow = bijectors.Glow(
      half, num_levels=1, depth=DEPTH, hidden_channels=WIDTH,
      coupling=bijectors.mixture_logistics_inner(4), context_shape=context_shape)
  model = tfp_glow.keras_model(distributions.flow_distribution(flow, logit_alpha=1e-5))
  model.initialize(train)
  model.compile(keras.optimizers.Adam(
      keras.optimizers.schedules.CosineDecay(4e-3, STEPS), global_clipnorm=1.))
  model.fit(train, steps_per_epoch=max(1, STEPS // 10), epochs=10)
  return model


print('Lower halves, given the upper ones:')
given = trained(context_shape=half)
print('Lower halves alone:')
alone = trained(context_shape=None)

# %%
bits_given, bits_alone = given.predict(test, verbose=0), alone.predict(test, verbose=0)
gain = bits_alone - bits_given
print(f'{np.mean(bits_given):.3f} bits/dim of test digits given the upper half, '
      f'{np.mean(bits_alone):.3f} without it; a gain of {np.mean(gain):.3f}, standard error '
      f'{np.std(gain) / len(gain)**.5:.3f}, and of some for {np.mean(gain > 0.):.0%} of the digits')

# %% [markdown]
# ## Completions
#
# A digit of each class. The same context with other latents gives another lower half; where the
# upper half says what the digit is, they agree.

# %%
images, labels = (part.numpy() for part in digits.arrays('test'))
images = images[np.unique(labels, return_index=True)[1]]
context = halves({'image': images})['context']
upper = images[:, :half[0]]

rows = [images, np.concatenate([upper, np.full_like(upper, 96)], 1)]
for i in range(6):
  lower = given.image_model.sample(len(images), TEMPERATURE, seed=(0, i), context=context)
  rows.append(np.concatenate([upper, lower], 1))

# One row digits, one what is given, then the completions; enlarged, with a gap.
tiles = np.pad(np.stack(rows)[..., 0], [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=160)
num_rows, num_columns, height, width = tiles.shape
picture = tiles.transpose(0, 2, 1, 3).reshape(num_rows * height, num_columns * width, 1)
tf.io.write_file(PICTURE, tf.io.encode_png(picture.repeat(2, 0).repeat(2, 1)))
print('Wrote', PICTURE)
