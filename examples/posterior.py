# %% [markdown]
"""A trained flow as the prior of an inverse problem: a digit that is seen coarsely and in noise.

    python examples/posterior.py

Observes noisy means of 4x4 pixels of a digit and asks what it was, a Glow being the prior: by HMC
in its latent space, and by variational inference. Minutes on two CPU cores; writes PICTURE.
"""

# %%
import copy
import time

import keras
import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_glow
from tfp_glow import bijectors
from tfp_glow import data
from tfp_glow import distributions

tfd = tfp.distributions
schedule = keras.optimizers.schedules.CosineDecay

STEPS, LEVELS, DEPTH, WIDTH = 1500, 2, 4, 64
DIGIT, NOISE, PICTURE = 8, .1, 'posterior.png'
HMC = dict(num_chains=8, num_burnin=300, num_results=500, num_leapfrog_steps=10, step_size=.05)
VI = dict(num_steps=800, sample_size=16, learning_rate=1e-3)

# %% [markdown]
# ## The prior, and what is observed
#
# The flow models the logits of images in the unit cube. What follows is on logits, not on pixels:
# float32 has too few digits near 1 to lead from a pixel back to its logit.

# %%
digits = data.load('mnist5k')
train = data.train_batches(digits, batch_size=64, seed=0)
flow = bijectors.Glow(digits.image_shape, num_levels=LEVELS, depth=DEPTH, hidden_channels=WIDTH)
model = tfp_glow.keras_model(distributions.flow_distribution(flow, logit_alpha=1e-5))
model.initialize(train)
model.compile(keras.optimizers.Adam(schedule(4e-3, STEPS), global_clipnorm=1.))
model.fit(train, steps_per_epoch=max(1, STEPS // 10), epochs=10)
print('bits/dim of test digits:', model.evaluate(data.eval_batches(digits, batch_size=100)))
prior = tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0., 1.), [flow.latent_size]), flow)

# %%
pixels = bijectors.Logit(1e-5).forward
coarse = tf.repeat(tf.eye(7), 4, axis=1) / 4.
blur = lambda image: tf.einsum('ij,...jkc,lk->...ilc', coarse, image, coarse)

truth = tf.cast(digits.arrays('test')[0][DIGIT], tf.float32) / 255.
observed = blur(truth) + NOISE * tf.random.stateless_normal([7, 7, 1], seed=(0, 1))
log_likelihood = lambda logits: tfd.Independent(
    tfd.Normal(blur(pixels(logits)), NOISE), 3).log_prob(observed)

# %% [markdown]
# ## Two ways to the posterior
#
# HMC moves latents, whose prior is a standard normal: what `TransformedTransitionKernel` does with
# the flow as its bijector, without two log-determinants that cancel. The surrogate of variational
# inference is a copy of the flow, so that it starts as the prior.


# %%
def sample_posterior(prior, log_likelihood, num_chains, num_burnin, num_results, **options):
  """Draws `[num_results, num_chains, ...]` of what `prior` is of, and which were accepted."""
  hmc = tfp.mcmc.HamiltonianMonteCarlo(
      lambda z: prior.distribution.log_prob(z) + log_likelihood(prior.bijector.forward(z)),
      **options)
  kernel = tfp.mcmc.DualAveragingStepSizeAdaptation(
      hmc, num_adaptation_steps=int(.8 * num_burnin), target_accept_prob=.8)
  start = prior.distribution.sample(num_chains, seed=(0, 2))  # Apart, so that R-hat can tell.
  z, accepted = tf.function(tfp.mcmc.sample_chain, autograph=False)(
      num_results, start, kernel=kernel, num_burnin_steps=num_burnin, seed=(0, 3),
      trace_fn=lambda _, results: results.inner_results.is_accepted)
  return tf.map_fn(prior.bijector.forward, z), accepted


def fit_surrogate(prior, log_likelihood, num_steps, sample_size, learning_rate):
  """A distribution like `prior` that is near the posterior, and the ELBO at each step."""
  surrogate = tfd.TransformedDistribution(prior.distribution, copy.deepcopy(prior.bijector))
  optimizer = keras.optimizers.Adam(schedule(learning_rate, num_steps), global_clipnorm=100.)
  optimizer.build(surrogate.trainable_variables)
  losses = tf.function(tfp.vi.fit_surrogate_posterior, autograph=False)(
      lambda x: prior.log_prob(x) + log_likelihood(x), surrogate, optimizer, num_steps,
      sample_size=sample_size, trainable_variables=surrogate.trainable_variables, seed=(0, 4))
  return surrogate, -losses


# %%
begin = time.time()
logits, accepted = sample_posterior(prior, log_likelihood, **HMC)
samples, seconds = pixels(logits), time.time() - begin
mean, std = tf.reduce_mean(samples, [0, 1]), tf.math.reduce_std(samples, [0, 1])
ess = tfp.mcmc.effective_sample_size(samples, cross_chain_dims=1)
r_hat = tfp.mcmc.potential_scale_reduction(samples, split_chains=True)
print(f'HMC: {seconds:.0f} s, acceptance {np.mean(accepted):.2f}, R-hat of a pixel at most '
      f'{np.max(r_hat):.3f}, effective draws: median {np.median(ess):.0f}, least {np.min(ess):.0f}')
begin = time.time()
surrogate, elbo = fit_surrogate(prior, log_likelihood, **VI)
draws, seconds = pixels(surrogate.sample(1000, seed=(0, 5))), time.time() - begin
vi_mean, vi_std = tf.reduce_mean(draws, 0), tf.math.reduce_std(draws, 0)
print(f'VI: {seconds:.0f} s, ELBO {np.mean(elbo[-50:]):.1f} nats; mean std of a pixel '
      f'{np.mean(vi_std):.3f}, of HMC {np.mean(std):.3f}, apart {np.mean(abs(vi_mean - mean)):.3f}')

# %%
panels = [('digit', truth), ('observed', observed), ('mean by HMC', mean), ('std', std),
          *(('draw', samples[-1, i]) for i in range(3)),
          *(('prior draw', x) for x in pixels(prior.sample(2, seed=(0, 6)))),
          ('mean by VI', vi_mean), ('std', vi_std), *(('draw', draws[i]) for i in range(3))]
figure, axes = plt.subplots(2, 7, figsize=(12, 4))
for axis, (title, image) in zip(axes.flat, panels):
  axis.imshow(image[..., 0], cmap='gray', vmin=0., vmax=.5 if title == 'std' else 1.)
  axis.set(title=title, xticks=[], yticks=[])
figure.savefig(PICTURE, dpi=75, bbox_inches='tight')
