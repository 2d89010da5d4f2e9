"""The requests of examples/serving_client.py fit the exported signature definitions."""

import base64
import importlib.util
import json
import os
import shutil

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from tests.serving import tiny
from tfp_glow.serving import definitions
from tfp_glow.serving import passes

PATH = os.path.join(os.path.dirname(__file__), '..', '..', 'examples', 'serving_client.py')


@pytest.fixture(scope='module', name='client')
def fixture_client():
  spec = importlib.util.spec_from_file_location('serving_client', PATH)
  module = importlib.util.module_from_spec(spec)
  spec.loader.exec_module(module)
  return module


@pytest.fixture(scope='module', name='stated')
def fixture_stated():
  return definitions.read(tiny.tiny().path)


def check_and_call(definition, signature, tensors):
  """Compares Tensors with a signature's definition as the server does, then calls it."""
  assert definition.method_name == 'tensorflow/serving/predict'
  assert set(tensors) == set(definition.inputs)
  for name, tensor in tensors.items():
    info = definition.inputs[name]
    assert tensor.dtype == tf.as_dtype(info.dtype), name
    assert tf.TensorShape(info.tensor_shape).is_compatible_with(tensor.shape), name
  outputs = tiny.signatures()[signature](**tensors)
  assert set(outputs) == set(definition.outputs)
  return outputs


def test_grpc(client, stated):
  request = client.grpc_request(5, 0.7, (0, 1), model='glow')
  parsed = type(request).FromString(request.SerializeToString())
  assert parsed.model_spec.name == 'glow'
  signature = parsed.model_spec.signature_name
  tensors = {key: tf.constant(tf.make_ndarray(value)) for key, value in parsed.inputs.items()}
  outputs = check_and_call(stated[signature], signature, tensors)
  np.testing.assert_array_equal(outputs['images'], tiny.tiny().model.sample(5, 0.7, (0, 1)))


def from_json(definition, name, value):
  """An input as TensorFlow Serving reads it from JSON: binary values are {"b64": ...}."""
  dtype = tf.as_dtype(definition.inputs[name].dtype)
  if dtype == tf.string:
    value = [base64.b64decode(element['b64']) for element in value]
  return tf.constant(value, dtype)


def test_rest_rows(client, stated):
  images = tiny.make_images(2)
  request = client.rest_request([tf.io.encode_png(image).numpy() for image in images])
  assert request.full_url == 'http://localhost:8501/v1/models/glow:predict'
  body = json.loads(request.data)
  definition = stated[body['signature_name']]
  rows = body['instances']
  tensors = {key: from_json(definition, key, [row[key] for row in rows]) for key in rows[0]}
  outputs = check_and_call(definition, body['signature_name'], tensors)
  assert all(len(value) == len(rows) for value in outputs.values()), 'a row each'
  images = tf.constant(images)
  expected = tiny.tiny().model.bits_per_dim(images, passes.own_noise(images))
  np.testing.assert_allclose(outputs['bits_per_dim'], expected, atol=1e-5)


def test_rest_columns(client, stated):
  request = client.rest_sample_request(3, 0.5, (0, 1))
  body = json.loads(request.data)
  definition = stated[body['signature_name']]
  tensors = {key: from_json(definition, key, value) for key, value in body['inputs'].items()}
  outputs = check_and_call(definition, body['signature_name'], tensors)
  assert outputs['images'].shape == (3, *tiny.SHAPE)


@pytest.mark.parametrize('made, signatures', [
    (tiny.tiny, tiny.signatures), (tiny.classes, tiny.class_signatures)])
def test_warmup_requests_are_answered(client, tmp_path, made, signatures):
  export = shutil.copytree(made().path, tmp_path / '7')
  path = client.write_warmup(str(export))
  assert path == str(export / 'assets.extra' / 'tf_serving_warmup_requests')
  warmed = set()
  for record in tf.data.TFRecordDataset(path):
    log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
    request = log.predict_log.request
    assert request.model_spec.name == 'glow'
    inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
    assert tiny.call(signatures(), request.model_spec.signature_name, **inputs)
    warmed.add(request.model_spec.signature_name)
  assert warmed == set(signatures())
