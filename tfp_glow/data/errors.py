"""The one error that loading data raises."""


class DataError(ValueError):
  """Images cannot be loaded. Its message is one line: what is wrong, and what to do."""

  def __init__(self, message):
    super().__init__(' '.join(str(message).split()))
