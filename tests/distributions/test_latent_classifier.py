"""LatentClassifier: logits = mean_pixels(h) kernel + bias"""

import numpy as np

from tfp_glow import distributions


def test_follows_the_formula():
  random = np.random.RandomState(0)
  h, kernel, bias = random.randn(5, 2, 3, 4), random.randn(4, 6), random.randn(6)
  classifier = distributions.LatentClassifier(kernel, bias)
  np.testing.assert_allclose(classifier(h), h.mean((1, 2)) @ kernel + bias, rtol=1e-9)


def test_starts_undecided():
  classifier = distributions.LatentClassifier.trainable(4, 6)
  np.testing.assert_array_equal(classifier(np.ones([2, 3, 3, 4], np.float32)), np.zeros([2, 6]))
  assert len(classifier.trainable_variables) == 2
