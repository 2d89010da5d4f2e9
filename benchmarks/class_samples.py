"""How often digits sampled by class are recognised as that class, and how new they are.

    python train.py
    python -m benchmarks.class_samples --workdir=runs/mnist5k --temperature=0.6 --temperature=0.8
        [--picture=neighbours.png]

The judge is a support vector machine (scikit-learn, RBF kernel, on pixels) fitted
to the real images of the train split and tested on those of the test split. It
never sees a sample. Prints a JSON object for each temperature. `nearest_training` is the
mean distance of a sample to the nearest training image (of pixels in [0, 1], Euclidean),
`spread` that to the other samples of its class; `_test` are both of the real test images. A
model that repeats training images has a `nearest_training` of about 0; one that makes the
same image again and again, a `spread` of 0. The picture has pairs of rows: samples of
each class, and below each its nearest training image. Needs `pip install -e '.[bench]'`.
"""

import json

from absl import app
from absl import flags
import numpy as np
from sklearn import metrics
from sklearn import svm

from tfp_glow import errors
from tfp_glow import runs
from tfp_glow.runs import pictures

_WORKDIR = flags.DEFINE_string('workdir', None, 'Of a trained run with classes.', required=True)
_PER_CLASS = flags.DEFINE_integer('per_class', 100, 'Samples of each class.', lower_bound=2)
_TEMPERATURES = flags.DEFINE_multi_float('temperature', [0.7], 'Of the samples; one or more.')
_SEED = flags.DEFINE_integer('seed', 0, 'Of the samples.')
_PICTURE = flags.DEFINE_string('picture', None, 'PNG file of the last temperature to write.')
_BATCH_SIZE = 100
_PAIRS = 3  # Of rows of the picture.


def _features(images):
  return np.asarray(images, np.float32).reshape([len(images), -1]) / 255.


class Judge:
  """What knows the real images of a run.

  Args:
    run: a `runs.TrainedModel` with classes, whose images fit into memory.
  """

  def __init__(self, run):
    (self.train_images, train_labels), (test_images, self._test_labels) = [
        map(np.asarray, run.source.arrays(split)) for split in ('train', 'test')]
    self._train, self._test = _features(self.train_images), _features(test_images)
    self._machine = svm.SVC(C=10., kernel='rbf', gamma='scale').fit(self._train, train_labels)
    self.test = dict(
        judge_test_accuracy=float(self._machine.score(self._test, self._test_labels)),
        nearest_training_test=self.nearest(test_images)[1],
        spread_test=_spread(self._test, self._test_labels))

  def nearest(self, images):
    """The nearest training image of each, and their mean distance."""
    distances = metrics.pairwise_distances(_features(images), self._train)
    return self.train_images[distances.argmin(1)], float(distances.min(1).mean())

  def __call__(self, samples, labels):
    """A dict of what is to be told of samples of classes, each as often as the others."""
    right = self._machine.predict(_features(samples)) == labels
    by_class = [right[labels == label].mean().round(3) for label in np.unique(labels)]
    return dict(recognised=float(right.mean()), recognised_by_class=by_class,
                nearest_training=self.nearest(samples)[1],
                spread=_spread(_features(samples), labels), **self.test)


def _spread(features, labels):
  """The mean distance of two images of one class."""
  means = []
  for label in np.unique(labels):
    own = features[labels == label]
    means.append(metrics.pairwise_distances(own).sum() / (len(own) * (len(own) - 1)))
  return float(np.mean(means))


def _picture(judge, samples, labels):
  """Rows of samples, each above its nearest training image, a column for each class."""
  rows = np.stack([samples[labels == label][:_PAIRS] for label in np.unique(labels)], 1)
  return pictures.grid(
      np.concatenate([x for row in rows for x in (row, judge.nearest(row)[0])]), rows.shape[1])


def main(argv):
  del argv
  try:
    run = runs.load_trained(
        runs.Workdir(_WORKDIR.value).read_config(), _WORKDIR.value)
    if not run.model.num_classes:
      raise errors.UserError(f'the run in {_WORKDIR.value} has no classes (model.num_classes).')
    judge, sampler = Judge(run), pictures.Sampler(run.model, _BATCH_SIZE)
    labels = np.repeat(np.arange(run.model.num_classes), _PER_CLASS.value)
    for temperature in _TEMPERATURES.value:
      samples = sampler(len(labels), temperature, _SEED.value, labels)
      print(json.dumps(dict(step=run.step, temperature=temperature, num_samples=len(labels),
                            **judge(samples, labels))), flush=True)
    if _PICTURE.value:
      pictures.save_png(_PICTURE.value, _picture(judge, samples, labels))
  except errors.UserError as error:
    raise SystemExit(f'class_samples: {error}') from error


if __name__ == '__main__':
  app.run(main)
