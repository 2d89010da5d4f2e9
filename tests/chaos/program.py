"""What the programs of this folder have in common: what they find, and their command line."""

import argparse
import collections
import dataclasses
import json
import sys
import time

__all__ = ['Result', 'main']


@dataclasses.dataclass
class Result:
  """How often each thing happened, and what went wrong, in words."""

  counts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
  faults: list = dataclasses.field(default_factory=list)


def main(run, doc, num):
  """Does what the command line asks for and exits, with 1 if there are faults.

  Args:
    run: function of a count and `seed`, which returns a `Result`.
    doc: str, whose first line says what the program does.
    num: str, what the count is of.
  """
  parser = argparse.ArgumentParser(description=doc.splitlines()[0])
  parser.add_argument('num', type=int, help=num)
  parser.add_argument('--seed', type=int, default=0)
  arguments = parser.parse_args()
  start = time.monotonic()
  result = run(arguments.num, arguments.seed)
  print(json.dumps({**result.counts, 'seconds': round(time.monotonic() - start)}))
  for fault in result.faults:
    print(' ', fault)
  sys.exit(bool(result.faults))
