"""Asks a model behind TensorFlow Serving, over REST or gRPC.

    docker run -p 8500:8500 -p 8501:8501 -e MODEL_NAME=glow \\
        -v "$PWD/runs/mnist5k/export:/models/glow:ro" tensorflow/serving

    python examples/serving_client.py digit.png              bits/dim of a picture file, by REST
    python examples/serving_client.py --grpc samples.npy     16 samples, by gRPC
    python examples/serving_client.py --write_warmup runs/mnist5k/export/3600

The last writes a request for each signature into the export, which the server answers to itself
when it loads the model, so that the first visitor does not wait for it.

REST needs the standard library only, the others `pip install tensorflow-serving-api`.
"""

import argparse
import base64
import json
import os
import urllib.request


def rest_request(files, host='localhost:8501', model='glow'):
  """A request for the bits/dim of picture files, given as bytes: `serving_default`."""
  instances = [{'image_bytes': {'b64': base64.b64encode(file).decode()}} for file in files]
  return urllib.request.Request(
      f'http://{host}/v1/models/{model}:predict', method='POST',
      headers={'Content-Type': 'application/json'},
      data=json.dumps({'signature_name': 'serving_default', 'instances': instances}).encode())


def rest_sample_request(num, temperature, seed, host='localhost:8501', model='glow'):
  """A request for samples. Its inputs are no batch, so they go by name, not as instances."""
  inputs = {'num': num, 'temperature': temperature, 'seed': list(seed)}
  return urllib.request.Request(
      f'http://{host}/v1/models/{model}:predict', method='POST',
      headers={'Content-Type': 'application/json'},
      data=json.dumps({'signature_name': 'sample', 'inputs': inputs}).encode())


def grpc_request(num, temperature, seed, model='glow'):
  """The same request for samples as a `PredictRequest`."""
  import tensorflow as tf  # pylint: disable=import-outside-toplevel
  from tensorflow_serving.apis import predict_pb2  # pylint: disable=import-outside-toplevel
  request = predict_pb2.PredictRequest()
  request.model_spec.name = model
  request.model_spec.signature_name = 'sample'
  request.inputs['num'].CopyFrom(tf.make_tensor_proto(num, tf.int32))
  request.inputs['temperature'].CopyFrom(tf.make_tensor_proto(temperature, tf.float32))
  request.inputs['seed'].CopyFrom(tf.make_tensor_proto(seed, tf.int32))
  return request


def warmup_requests(export):
  """A `PredictRequest` of one image for each signature of an export."""
  # pylint: disable=import-outside-toplevel
  import numpy as np
  import tensorflow as tf
  from tensorflow.core.protobuf import saved_model_pb2
  from tensorflow_serving.apis import predict_pb2
  with open(os.path.join(export, 'saved_model.pb'), 'rb') as f:
    signatures = saved_model_pb2.SavedModel.FromString(f.read()).meta_graphs[0].signature_def
  with open(os.path.join(export, 'assets.extra', 'model.json'), encoding='utf-8') as f:
    description = json.load(f)
  picture = np.zeros(description['image_shape'], np.uint8)
  values = {'num': 2, 'noise_draws': 1, 'temperature': 1.,
            'image_bytes': [tf.io.encode_png(picture).numpy()],
            'direction': (description['directions'] or [''])[0]}
  for name, signature in sorted(signatures.items()):
    if name.startswith('_') or 'direction' in signature.inputs and not description['directions']:
      continue
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = name
    for key, info in signature.inputs.items():
      dtype = tf.as_dtype(info.dtype)
      shape = [size if size > 0 else 1 for size in (dim.size for dim in info.tensor_shape.dim)]
      value = values.get(key, np.zeros(shape, dtype.as_numpy_dtype))
      request.inputs[key].CopyFrom(tf.make_tensor_proto(value, dtype))
    yield request


def write_warmup(export, model='glow'):
  """Writes `warmup_requests` where TensorFlow Serving looks for them, and returns the path."""
  # pylint: disable=import-outside-toplevel
  import tensorflow as tf
  from tensorflow_serving.apis import prediction_log_pb2
  path = os.path.join(export, 'assets.extra', 'tf_serving_warmup_requests')
  with tf.io.TFRecordWriter(path) as writer:
    for request in warmup_requests(export):
      request.model_spec.name = model
      log = prediction_log_pb2.PredictionLog(
          predict_log=prediction_log_pb2.PredictLog(request=request))
      writer.write(log.SerializeToString())
  return path


def main():
  parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
  parser.add_argument('file', help='a picture; with --grpc, where to write the samples; with '
                      '--write_warmup, the folder of an export')
  parser.add_argument('--grpc', action='store_true')
  parser.add_argument('--write_warmup', action='store_true')
  arguments = parser.parse_args()
  if arguments.write_warmup:
    print(write_warmup(arguments.file))
    return
  if not arguments.grpc:
    with open(arguments.file, 'rb') as f:
      request = rest_request([f.read()])
    with urllib.request.urlopen(request) as response:
      print(json.load(response)['predictions'])
    return
  # pylint: disable=import-outside-toplevel
  import grpc
  import numpy as np
  import tensorflow as tf
  from tensorflow_serving.apis import prediction_service_pb2_grpc as service
  with grpc.insecure_channel('localhost:8500') as channel:
    stub = service.PredictionServiceStub(channel)
    response = stub.Predict(grpc_request(16, 0.7, (0, 1)), timeout=30.)
  np.save(arguments.file, tf.make_ndarray(response.outputs['images']))


if __name__ == '__main__':
  main()
