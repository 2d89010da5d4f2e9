"""What tfp_glow uses of Keras beyond its public API."""

import keras

__all__ = ['BuiltModel', 'num_batches']


class BuiltModel(keras.Model):
  """A `keras.Model` whose Variables are all made in its constructor."""

  # Under a tf.distribute strategy, `fit` and `evaluate` first average a batch over the replicas,
  # to build what is not built; of uint8 images on several workers that fails. If Keras passed
  # over models whose `built` is True, nothing would be needed here.
  def _maybe_symbolic_build(self, *args, **kwargs):
    pass


def num_batches(optimizer):
  """The Variable in which a Keras optimizer counts calls of `apply`, updates or not."""
  # Its public `iterations` counts updates alone, of which there is one in
  # `gradient_accumulation_steps` calls.
  return optimizer._iterations.value  # pylint: disable=protected-access
