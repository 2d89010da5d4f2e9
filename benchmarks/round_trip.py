"""How exactly a deep trained flow is undone: max |inverse(forward(z)) - z|.

    python -m benchmarks.round_trip [--steps=N]

Trains configs/photo_patches.py with L = 3, K = 32 in a new workdir for as many
steps as asked, then measures in float32 and, with the same weights, in float64.
"""

import json
import os
import subprocess
import sys
import tempfile

from absl import app
from absl import flags
import ml_collections

_STEPS = flags.DEFINE_integer('steps', 1000, 'Training steps.')
_BATCH = flags.DEFINE_integer('batch', 64, 'Latents to round-trip.')
_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def main(_):
  with tempfile.TemporaryDirectory() as folder:
    workdir = f'{folder}/run'
    subprocess.run(
        [sys.executable, os.path.join(_ROOT, 'train.py'), f'--workdir={workdir}',
         f'--config={_ROOT}/configs/photo_patches.py', '--config.model.depth=32',
         f'--config.num_steps={_STEPS.value}', '--config.log_every=50',
         '--config.eval_every=0', '--config.sample_every=0'], check=True)
    import tensorflow as tf
    from tfp_glow import distributions
    from tfp_glow import runs
    config = ml_collections.ConfigDict(runs.Workdir(workdir).read_config())
    model = runs.load_trained(config, workdir).model
    with open(f'{workdir}/metrics.jsonl', encoding='utf-8') as file:
      last = [json.loads(line) for line in file if 'train_s' in line][-1]
    exact = distributions.build_image_model(
        config.model, model.image_shape, config.seed, dtype=tf.float64)
    for v, value in zip(exact.variables, model.variables):
      v.assign(tf.cast(value, v.dtype))
    print(f'\nL = {config.model.num_levels}, K = {config.model.depth}, '
          f'W = {config.model.hidden_channels}, after {last["step"]} steps, '
          f'{last["train_s"]:.0f} s of training:')
    for flow in (model.flow, exact.flow):
      z = tf.random.stateless_normal([_BATCH.value, flow.latent_size], [1, 2], dtype=flow.dtype)
      z_again = flow.inverse_and_log_det(flow.forward_and_log_det(z)[0])[0]
      error = tf.abs(z_again - z)
      print(f'{flow.dtype.name}: max |inverse(forward(z)) - z| = {tf.reduce_max(error):.2e}, '
            f'mean {tf.reduce_mean(error):.2e}')


if __name__ == '__main__':
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  app.run(main)
