"""How programs load TensorFlow."""

import contextlib
import gc
import sys

__all__ = ['lean_imports']


@contextlib.contextmanager
def lean_imports():
  """Takes nearly a third off the time in which TensorFlow is loaded, in a process that starts.

  That makes some million objects that stay, which the garbage collector would go through again
  and again, now and later. And Keras imports scikit-learn, where it is installed, for wrappers of
  estimators that nothing here uses.
  """
  if 'tensorflow' in sys.modules or 'sklearn' in sys.modules:
    yield
    return
  sys.modules['sklearn'] = None
  gc.disable()
  try:
    yield
  finally:
    gc.enable()
    gc.freeze()
    del sys.modules['sklearn']
