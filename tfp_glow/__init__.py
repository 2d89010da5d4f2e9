"""Glow for TensorFlow Probability."""

from tfp_glow.errors import UserError

__all__ = ['UserError', 'keras_model', 'load']


def __getattr__(name):
  # Late, so that `import tfp_glow.bijectors` does without all that loading a run needs.
  if name == 'keras_model':
    from tfp_glow import keras_image_model  # pylint: disable=import-outside-toplevel
    return keras_image_model.keras_model
  if name == 'load':
    from tfp_glow import serving  # pylint: disable=import-outside-toplevel
    return serving.load
  raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
