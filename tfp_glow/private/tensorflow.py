"""What tfp_glow uses of TensorFlow beyond its public API."""

from tensorflow.python.eager import record

__all__ = ['could_possibly_record', 'should_record_backprop', 'stop_recording']

# Whether a GradientTape is open at all; no public function tells.
could_possibly_record = record.could_possibly_record

# Whether an open GradientTape records what is computed from given Tensors; likewise.
should_record_backprop = record.should_record_backprop

# Hides computations from all tapes; `tf.GradientTape.stop_recording` does for one tape only.
stop_recording = record.stop_recording
