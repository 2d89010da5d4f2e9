"""Errors that end a run with one line on stderr and an exit code."""

__all__ = ['Requeue', 'TrainingFailed', 'UserError', 'WorkerLost']


class UserError(Exception):
  """Something that the user can put right. Its message is one line.

  Attributes:
    exit_code: int, what the process returns.
  """

  exit_code = 1

  def __init__(self, message):
    super().__init__(' '.join(str(message).split()))


class TrainingFailed(UserError):
  """Recovery gave up: the loss or the flow went wrong too often."""

  exit_code = 3


class WorkerLost(UserError):
  """Another process of a multi-worker run died or cannot be reached."""

  exit_code = 4


class Requeue(UserError):
  """Stopped on request with everything saved; the same command continues."""

  exit_code = 75  # EX_TEMPFAIL, which schedulers can be told to take for "run me again".
