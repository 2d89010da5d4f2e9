"""What a source of images is read through, one for each place that images come from."""

import abc
import dataclasses

import numpy as np

__all__ = ['Reader', 'even_ranks']


def even_ranks(num):
  """Numbers from 0 to 1 for `num` images, in an order by chance that is always the same.

  Returns:
    float64 array [num].
  """
  return np.random.RandomState(0).permutation(num) / num


@dataclasses.dataclass
class Reader(abc.ABC):
  """The images of one data set, as they are.

  Attributes:
    name: str, for messages.
    num_examples: {'train': int, 'test': int}, and 'validation' where the data set has such a
      split beside its test split.
    native_shape: (H, W, C); H and W are None where images differ in size.
    num_classes: int, or None where there are no labels.
    attribute_names: list of str: the classes, or what its images have or have not.
    is_sized: bool, whether `decode` gives images as the config resizes them.
    class_names: list of str, empty where there are no labels; by default `attribute_names`.
  """

  name: str
  num_examples: dict
  native_shape: tuple
  num_classes: int | None
  attribute_names: list
  is_sized: bool = False
  class_names: list | None = None

  def __post_init__(self):
    if self.class_names is None:
      self.class_names = self.attribute_names if self.num_classes else []

  @abc.abstractmethod
  def examples(self, split):
    """The examples of a split in an order that never changes.

    Args:
      split: a key of `num_examples`.

    Returns:
      tf.data.Dataset of {'image': what `decode` takes, 'label': int32 scalar, 0 where there are
      none}, and 'attributes', bool [A], where these are no classes.
    """

  @abc.abstractmethod
  def decode(self, image):
    """uint8 Tensor [H, W, C] of an 'image' of `examples`."""

  def arrays(self, split):
    """(uint8 array [N, H, W, C], int32 array [N]) where these lie in memory, else None."""
    del split

  @abc.abstractmethod
  def fingerprint(self):
    """A JSON-able dict that another data set changes, see fingerprints.py."""

  def ranks(self):
    """Which training images a validation split takes first: those of the smallest numbers.

    Returns:
      float64 array [N] of numbers from 0 to 1, in the order of `examples('train')`.
    """
    return even_ranks(self.num_examples['train'])
