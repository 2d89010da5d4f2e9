"""The weights of one model as the first ones of another."""

import os
import re
import tempfile

import tensorflow as tf

from tfp_glow import errors

__all__ = ['describe', 'take_weights']

_SHOWN = 5  # Names in a message.
_SUFFIX = '/.ATTRIBUTES/VARIABLE_VALUE'


def take_weights(source, target):
  """Gives a model the weights of another, as far as it has those of the same place and shape.

  Both are written as checkpoints, in which every Variable has one name, and the target reads
  what comes of them.

  Args:
    source, target: `ImageModel`s, perhaps of another size.

  Returns:
    `(taken, missing)`, lists of str: names of the target's Variables, that have their weights
    from the source and that keep their own.
  """
  with tempfile.TemporaryDirectory() as folder:
    theirs, ours = (
        tf.train.load_checkpoint(tf.train.Checkpoint(model=model).write(os.path.join(folder, name)))
        for name, model in (('source', source), ('target', target)))
    kinds = [{name: (shape, reader.get_variable_to_dtype_map()[name])
              for name, shape in reader.get_variable_to_shape_map().items()}
             for reader in (theirs, ours)]
    variables = sorted(name for name in kinds[1] if name.endswith(_SUFFIX))
    taken = [name for name in variables if kinds[0].get(name) == kinds[1][name]]
    names = sorted(kinds[1])
    values = [(theirs if name in taken else ours).get_tensor(name) for name in names]
    merged = os.path.join(folder, 'merged')
    tf.raw_ops.SaveV2(prefix=merged, tensor_names=names, shape_and_slices=[''] * len(names),
                      tensors=[tf.constant(value) for value in values])
    tf.train.Checkpoint(model=target).read(merged).assert_existing_objects_matched()
  missing = [name for name in variables if name not in set(taken)]
  return [_shown(name) for name in taken], [_shown(name) for name in missing]


def describe(path, taken, missing):
  """What `take_weights` did, in a line.

  Args:
    path: str, where the weights come from.
    taken, missing: what it returned.

  Raises:
    UserError: if nothing was taken.
  """
  if not taken:
    raise errors.UserError(f'--init_from={path} holds no weight that fits this model.')
  text = f'Beginning with the weights of {path}: {len(taken)} of {len(taken + missing)} arrays'
  if missing:
    text += f'; not there, or of another shape: {", ".join(missing[:_SHOWN])}'
    text += f' and {len(missing) - _SHOWN} more' if len(missing) > _SHOWN else ''
  return f'{text}.'


def _shown(name):
  """`levels/0/actnorm/bias`, for what a checkpoint has under a much longer name."""
  name = name.removeprefix('model/').removesuffix(_SUFFIX)
  name = re.sub(r'^.*_bijectors_trackable/\d+/', '', name)
  return '/'.join(part.strip('_') for part in name.split('/'))
