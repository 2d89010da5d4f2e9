"""What a measurement ran on."""

import importlib.metadata
import os
import platform

__all__ = ['machine']

_LIBRARIES = ('tensorflow', 'tensorflow-probability', 'torch', 'normflows')


def machine():
  """Processor, cores and versions, a dict of str."""
  name = platform.processor() or platform.machine()
  if os.path.exists('/proc/cpuinfo'):
    with open('/proc/cpuinfo', encoding='utf-8') as file:
      found = dict(line.split(':', 1) for line in file.read().splitlines() if ':' in line)
    found = {key.strip(): value.strip() for key, value in found.items()}
    wide = [flag for flag in ('avx2', 'avx512f', 'avx512_bf16', 'amx_bf16')
            if flag in found.get('flags', '').split()]
    name = ' '.join([found.get('model name', name), *wide])
  versions = {}
  for library in _LIBRARIES:
    try:
      versions[library] = importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
      pass
  return dict(processor=name, cores=str(len(os.sched_getaffinity(0))),
              python=platform.python_version(), **versions)
