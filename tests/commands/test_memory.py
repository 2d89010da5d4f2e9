"""A lack of memory is one line that says what to make smaller."""

import numpy as np
import pytest
import tensorflow as tf

from tfp_glow import commands
from tfp_glow import errors


def _exhaust():
  # TensorFlow itself tries again for ten seconds first.
  raise tf.errors.ResourceExhaustedError(
      None, None, '{{function_node f}} OOM when allocating tensor with shape[2,3]\nHint: ...')


@pytest.mark.parametrize('mode, hint', [
    ('train', 'the checkpoints are intact. --config.model.reversible=True'),
    ('sample', 'a smaller --config.evaluation.batch_size or --num_samples')])
@pytest.mark.parametrize('fill, cause', [
    (lambda: np.zeros(2**60, np.uint8), 'Unable to allocate 1.00 EiB'),
    (_exhaust, 'OOM when allocating tensor with shape.2,3.')])
def test_what_to_make_smaller(monkeypatch, mode, hint, fill, cause):
  monkeypatch.setattr(f'tfp_glow.commands.{mode}.run', lambda config: fill())
  with pytest.raises(errors.UserError, match=f'memory is short .{cause}.*; {hint}'):
    commands.run(mode, config=None)
