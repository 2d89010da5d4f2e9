"""Defaults of every config. A config file states only what it changes."""

import ml_collections

from tfp_glow import data


def defaults():
  """A ConfigDict with every field that the program reads.

  `configs/<name>.py` calls it from its `get_config()`. Each field can be set on the command
  line: `--config.optimizer.learning_rate=1e-3`.
  """
  config = ml_collections.ConfigDict()
  config.seed = 0
  config.batch_size = 64  # Of all devices and machines together.
  config.num_steps = 10_000
  config.log_every = 50  # Steps, as the other three.
  config.eval_every = 1_000
  config.sample_every = 1_000
  config.checkpoint_every = 1_000
  config.jit_compile = False  # XLA. Slow for convolutions in a loop on CPU.

  # tfp_glow/data/fields.py says what they are.
  config.dataset = ml_collections.ConfigDict(data.defaults())

  config.model = model = ml_collections.ConfigDict()
  model.name = 'glow'  # glow, tutorial_simple, tutorial_multi_scale.
  model.num_levels = 3  # L in the paper.
  model.depth = 32  # K, steps in a level.
  model.hidden_channels = 512  # Width of the coupling networks.
  model.coupling = 'affine'  # affine, additive, mixture_logistics, spline.
  model.num_components = 8  # Logistics that coupling='mixture_logistics' mixes.
  model.num_bins = 8  # Of coupling='spline'.
  # sigmoid (the paper's), tanh. Only tanh bounds the scale: with sigmoid, sampling from a deep
  # flow can overflow early in training.
  model.scale_map = 'tanh'
  model.permutation = 'lu'  # lu, plain, shuffle, reverse.
  # What lu and plain start as: rotation (the paper's), permutation. Permutations suit grey images.
  model.conv_init = 'rotation'
  model.learn_top = True  # Learn mean and scale of the last latents.
  model.network = 'conv'  # conv, gated, attention.
  model.hidden_actnorm = True  # ActNorm in the hidden layers of network='conv'.
  model.n_bits = 8  # Bits of a colour value, 1 to 8.
  model.dequantization = 'uniform'  # uniform, variational, variational_conv, flow++.
  model.logit_alpha = 0.  # Logit transform of alpha / 2 + (1 - alpha) x; 0: none.
  model.precision = 'float32'  # float32, bfloat16: in which the networks compute.
  model.num_classes = 0  # Classes of labels that images are modelled given; 0: none.
  model.condition_couplings = False  # The couplings see the label, not the top prior alone.
  model.class_weight = 0.  # Of the classifier on the top latent, in bits; the paper's: 0.01.
  # What the coupling networks see is clipped to so many standard deviations; 0: not at all, as in
  # the paper. Without it, sampling from a deep flow can overflow early in training.
  model.input_limit = 4.
  model.reversible = False  # Recompute activations: memory that does not grow with depth.

  config.optimizer = optimizer = ml_collections.ConfigDict()
  optimizer.name = 'adamax'  # adam, adamax, sgd.
  optimizer.learning_rate = 1e-3
  optimizer.warmup_steps = 0  # Steps of linear warm-up from 0.
  optimizer.schedule = 'constant'  # constant, cosine (to 0 at num_steps).
  optimizer.clip_norm = 0.  # Global norm that gradients are clipped to; 0: not clipped.
  optimizer.ema_decay = 0.999  # Average of the weights for evaluation and samples; 0: none.

  config.evaluation = evaluation = ml_collections.ConfigDict()
  evaluation.batch_size = 100
  evaluation.noise_draws = 1  # Dequantisation noises an image is evaluated with.
  # Images of each split that are measured while training, the first; 0: all. All test images
  # are measured at the end. With classes, test images take a pass for each class.
  evaluation.max_images = 1_000

  config.early_stopping = early_stopping = ml_collections.ConfigDict()
  # Evaluations without better bits/dim of the validation images that end training; the weights of
  # the best one are then those of the run. It needs dataset.validation_percent. 0: never, and
  # the last weights are.
  early_stopping.patience = 0

  config.sampling = sampling = ml_collections.ConfigDict()
  sampling.num_samples = 64
  sampling.temperature = 0.7

  config.recovery = recovery = ml_collections.ConfigDict()
  recovery.max_bad_steps = 5  # Non-finite steps in a row before going back to a checkpoint.
  recovery.max_recoveries = 10  # Times this is done before giving up.
  recovery.learning_rate_factor = 0.5  # Learning rate after going back, times this.
  # Thresholds of the monitors; 0 switches one off.
  recovery.max_reconstruction_error = 0.1  # Of inverse and forward, in units of the image range.
  recovery.max_log_s = 20.
  recovery.max_condition_number = 1e7  # Of a 1x1 kernel.
  recovery.max_level_drift = 1e-3  # Above it a reversible level is warned of.
  recovery.max_bpd_rise = 1.  # Of the training bits/dim above its lowest.
  return config
