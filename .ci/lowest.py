"""Prints the lowest versions that setup.py allows, as constraints for pip.

Run it where tfp_glow is installed.
"""

import importlib.metadata
import re

for requirement in importlib.metadata.requires('tfp-glow'):
  if 'extra ==' not in requirement:
    name, bound = re.fullmatch(r'([\w.-]+)(?:\[[\w,]*\])?>=([\d.]+)', requirement).groups()
    print(f'{name}=={bound}')
