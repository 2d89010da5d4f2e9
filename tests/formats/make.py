"""Makes version_0_2.tar.xz, a run as this version leaves it: python -m tests.formats.make.

Tests read it with all later versions. It is made anew only where a version leaves something new;
what an older one made stays under its own name.
"""

import os
import shutil
import tarfile
import tempfile

from tests.chaos import command_line
from tests.chaos import tiny_data

_FLAGS = (
    f'--config={tiny_data.root()}/configs/mnist5k_unconditional.py', '--workdir=run', '--config.num_steps=4',
    '--config.batch_size=16', '--config.log_every=2', '--config.eval_every=2',
    '--config.checkpoint_every=2', '--config.sample_every=4', '--config.sampling.num_samples=4',
    '--config.model.num_levels=1', '--config.model.depth=1', '--config.model.hidden_channels=4',
    '--config.model.coupling=affine', '--config.model.dequantization=uniform',
    '--config.optimizer.schedule=constant', '--config.dataset.validation_percent=10',
    '--config.early_stopping.patience=3')


def main():
  target = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'version_0_2.tar.xz')
  with tempfile.TemporaryDirectory() as cwd:
    for flags in (_FLAGS, ['--mode=evaluate', '--workdir=run']):
      done = command_line.run(flags, cwd)
      if done.code:
        raise SystemExit(done.err)
    print(done.out)  # Bits/dim, for the test.
    shutil.rmtree(os.path.join(cwd, 'run', 'tensorboard'))
    with tarfile.open(target, 'w:xz', preset=9) as archive:
      archive.add(os.path.join(cwd, 'run'), 'run')
  print(f'{target}: {os.path.getsize(target):,} bytes')


if __name__ == '__main__':
  main()
