"""The SavedModel answers to TensorFlow alone, and to its command line tool."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.tools import saved_model_cli

from tests.serving import tiny

# Importing what is None in sys.modules raises ImportError.
_WITHOUT = """
import sys
for name in ('tensorflow_probability', 'tfp_glow', 'tf_keras'):
  sys.modules[name] = None
import numpy as np
import pytest
import tensorflow as tf
loaded = tf.saved_model.load(sys.argv[1])
images = tf.constant(np.load(sys.argv[2]))
seed = tf.constant([3, 4])
bits = loaded.signatures['bits_per_dim'](images=images, noise_draws=tf.constant(2), seed=seed)
samples = loaded.signatures['sample'](num=tf.constant(3), temperature=tf.constant(1.), seed=seed)
np.savez(sys.argv[3], bits=bits['bits_per_dim'], samples=samples['images'])
"""


def run(*command, cwd):
  environment = {key: value for key, value in os.environ.items() if key != 'PYTHONPATH'}
  result = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True,
                          timeout=120, check=False)
  assert result.returncode == 0, result.stderr[-2000:]
  return result.stdout


def test_a_process_with_neither_tfp_nor_this_package(tmp_path):
  np.save(tmp_path / 'images.npy', tiny.make_images(3))
  run(sys.executable, '-c', _WITHOUT, tiny.tiny().path, 'images.npy', 'answers.npz', cwd=tmp_path)
  images, seed = tf.constant(tiny.make_images(3)), tf.constant([3, 4])
  answers = np.load(tmp_path / 'answers.npz')
  expected = tiny.signatures()['bits_per_dim'](
      images=images, noise_draws=tf.constant(2), seed=seed)['bits_per_dim']
  np.testing.assert_allclose(answers['bits'], expected, atol=1e-4)
  np.testing.assert_array_equal(
      answers['samples'], tiny.tiny().model.sample(3, 1., (3, 4)).numpy())


def test_saved_model_cli(tmp_path, monkeypatch, capsys):
  def cli(*arguments):
    # What the program of that name calls; a process of its own would import TensorFlow again.
    monkeypatch.setattr(sys, 'argv', ['saved_model_cli', *arguments])
    with pytest.raises(SystemExit) as end:
      saved_model_cli.main()
    assert not end.value.code
    return capsys.readouterr().out

  shown = cli('show', '--dir', tiny.tiny().path, '--all')
  for text in ("signature_def['serving_default']", "inputs['images']", "dtype: DT_UINT8",
               "shape: (-1, 8, 8, 3)", "outputs['bits_per_dim']", "inputs['temperature']"):
    assert text in shown
  cli('run', '--dir', tiny.tiny().path, '--tag_set', 'serve', '--signature_def', 'sample',
      '--input_exprs', 'num=3;temperature=1.0;seed=[3,4]', '--outdir', str(tmp_path))
  np.testing.assert_array_equal(
      np.load(tmp_path / 'images.npy'), tiny.tiny().model.sample(3, 1., (3, 4)).numpy())
