"""The C program in examples/, compiled as its first comment says."""

import os
import subprocess

import pytest
import tensorflow as tf

from tests.serving import tiny
from tfp_glow.serving import passes

SOURCE = os.path.join(os.path.dirname(__file__), '..', '..', 'examples', 'bits_per_dim.c')


@pytest.fixture(scope='module', name='program')
def fixture_program(tmp_path_factory):
  target = str(tmp_path_factory.mktemp('c') / 'bits_per_dim')
  library = tf.sysconfig.get_lib()
  subprocess.run(
      ['gcc', '-Wall', '-Wextra', '-Werror', SOURCE, '-o', target, f'-I{library}/include',
       f'-L{library}', '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2',
       f'-Wl,-rpath,{library}'], check=True)
  return target


def run(*command):
  return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_it_prints_the_bits_per_dim_of_a_png(program, tmp_path):
  images = tiny.make_images(1)
  (tmp_path / 'image.png').write_bytes(tf.io.encode_png(images[0]).numpy())
  result = run(program, tiny.tiny().path, str(tmp_path / 'image.png'))
  assert result.returncode == 0, result.stderr
  images = tf.constant(images)
  expected = tiny.tiny().model.bits_per_dim(images, passes.own_noise(images))
  assert float(result.stdout) == pytest.approx(float(expected[0]), abs=1e-4)


def test_it_says_what_is_wrong(program, tmp_path):
  (tmp_path / 'text.png').write_text('no picture')
  result = run(program, tiny.tiny().path, str(tmp_path / 'text.png'))
  assert result.returncode == 1 and 'file 0 is no picture file' in result.stderr
  result = run(program, str(tmp_path), str(tmp_path / 'text.png'))
  assert result.returncode == 1 and 'Could not find SavedModel' in result.stderr
