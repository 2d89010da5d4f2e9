"""How often digits sampled by class are recognised as that class.

    python train.py --config=configs/mnist5k_classes.py --workdir=runs/mnist5k_classes
    python -m benchmarks.class_samples --workdir=runs/mnist5k_classes

The judge is a support vector machine (scikit-learn, RBF kernel, on pixels) fitted
to the real images of the train split and tested on those of the test split. It
never sees a sample. Prints one JSON object. Needs `pip install -e '.[bench]'`.
"""

import json

from absl import app
from absl import flags
import numpy as np
from sklearn import svm

from tfp_glow import errors
from tfp_glow import runs
from tfp_glow.runs import pictures

_WORKDIR = flags.DEFINE_string('workdir', None, 'Of a trained run with classes.', required=True)
_PER_CLASS = flags.DEFINE_integer('per_class', 100, 'Samples of each class.', lower_bound=1)
_TEMPERATURE = flags.DEFINE_float('temperature', 0.7, 'Of the samples.', lower_bound=0.)
_SEED = flags.DEFINE_integer('seed', 0, 'Of the samples.')
_BATCH_SIZE = 100


def _features(images):
  return np.asarray(images, np.float32).reshape([len(images), -1]) / 255.


def measure(run, per_class, temperature, seed):
  """Judges the samples of a run.

  Args:
    run: a `runs.TrainedModel` with classes, whose images fit into memory.
    per_class: int, samples of each class.
    temperature: float.
    seed: int.

  Returns:
    A dict: `recognised`, the share of samples that the judge takes for their class,
    `recognised_by_class`, and `judge_test_accuracy` on real test images.
  """
  (train_images, train_labels), (test_images, test_labels) = [
      run.source.arrays(split) for split in ('train', 'test')]
  judge = svm.SVC(C=10., kernel='rbf', gamma='scale')
  judge.fit(_features(train_images), train_labels)
  classes = run.model.num_classes
  labels = np.repeat(np.arange(classes), per_class)
  samples = pictures.Sampler(run.model, _BATCH_SIZE)(
      len(labels), temperature, seed, labels)
  right = (judge.predict(_features(samples)) == labels).reshape([classes, per_class])
  return dict(
      step=run.step, temperature=temperature, num_samples=len(labels),
      recognised=float(right.mean()), recognised_by_class=right.mean(1).round(3).tolist(),
      judge_test_accuracy=float(judge.score(_features(test_images), test_labels)))


def main(argv):
  del argv
  try:
    run = runs.load_trained(
        runs.Workdir(_WORKDIR.value).read_config(), _WORKDIR.value)
    if not run.model.num_classes:
      raise errors.UserError(f'the run in {_WORKDIR.value} has no classes (model.num_classes).')
    print(json.dumps(measure(run, _PER_CLASS.value, _TEMPERATURE.value, _SEED.value)))
  except errors.UserError as error:
    raise SystemExit(f'class_samples: {error}') from error


if __name__ == '__main__':
  app.run(main)
