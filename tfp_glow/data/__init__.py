"""Images for training and evaluation, all of them through TensorFlow Datasets.

    source = load(config.dataset)
    train = train_batches(source, batch_size=64, seed=0)
    test = eval_batches(source, batch_size=100)

`mnist5k` and `photo_patches` come with the installed packages and need no download.
"""

from tfp_glow.data.batches import eval_batches
from tfp_glow.data.batches import train_batches
from tfp_glow.data.source import EMBEDDED
from tfp_glow.data.source import ImageSource
from tfp_glow.data.source import load

__all__ = [
    'EMBEDDED',
    'ImageSource',
    'eval_batches',
    'load',
    'train_batches',
]
