"""How different two images look to a small model of the path from retina to V1.

Examples:
    >>> from perceptmetric import distance
    >>> import torch
    >>> image = torch.rand(3, 64, 64)
    >>> distance(image, image)
    tensor([0.])
"""

from importlib.metadata import version

from perceptmetric.errors import InputError
from perceptmetric.metric import PerceptualDistance, distance
from perceptmetric.perceptnet import Autoencoder, PerceptNet

__version__ = version("perceptmetric")

__all__ = ["Autoencoder", "InputError", "PerceptNet", "PerceptualDistance", "__version__", "distance"]
