"""Serves the page: python -m tfp_glow.demo --workdir=runs/mnist5k."""

import argparse
import os
import sys

from absl import logging

from tfp_glow import lean_imports


def main(argv=None):
  parser = argparse.ArgumentParser(
      prog='python -m tfp_glow.demo',
      description='A page to move through the latent space of a run.')
  parser.add_argument('--workdir', required=True,
                      help='workdir of a run, whose newest export is shown, or an export')
  parser.add_argument('--host', default='127.0.0.1',
                      help='address to listen on; 0.0.0.0 opens the page to the network, where '
                      'anybody can use it (default: %(default)s, this machine only)')
  parser.add_argument('--port', type=int, default=7860, help='0 takes a free one (default: 7860)')
  arguments = parser.parse_args(argv)
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
  # TensorFlow shows a stack trace of an error that it can do without (a damaged fingerprint.pb).
  logging.set_verbosity(logging.FATAL)
  try:
    with lean_imports.lean_imports():
      from tfp_glow.demo import server  # pylint: disable=import-outside-toplevel
  except ModuleNotFoundError as error:
    if error.name not in ('gradio', 'fastapi', 'uvicorn'):
      raise
    print(f'tfp_glow.demo: the page needs the package {error.name}; in the folder of setup.py run: '
          "pip install -e '.[demo]'", file=sys.stderr)
    return 1
  from tfp_glow import errors  # pylint: disable=import-outside-toplevel
  from tfp_glow.demo import served_model  # pylint: disable=import-outside-toplevel
  try:
    with server.listen(arguments.host, arguments.port) as listener:
      server.serve(served_model.ServedModel(arguments.workdir), listener)
  except errors.UserError as error:
    print(f'tfp_glow.demo: {error}', file=sys.stderr)
    return error.exit_code
  except KeyboardInterrupt:
    pass
  return 0


if __name__ == '__main__':
  sys.exit(main())
