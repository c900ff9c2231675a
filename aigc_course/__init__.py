"""AIGC: principles and code. The toolbox behind the notebooks; importing it never imports TensorFlow."""

__version__ = "0.1.0"
