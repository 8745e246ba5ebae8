"""Real images, quantized each as a whole."""

import numpy as np
import pytest

from quantlib.ops._images import asymmetric_images, symmetric_images

IMAGES = np.array(
    [[[[0.0, 2.55]], [[1.0, 0.5]]], [[[-1.27, 0.0]], [[0.01, 1.0]]]], np.float32
)  # (2, 2, 1, 2)


def test_every_image_has_its_scale_and_loses_its_zero_point():
    images = asymmetric_images(IMAGES)
    assert images.stored[0].ravel().tolist() == [0, 255, 100, 50]
    assert images.scale.shape == (2, 1, 1, 1)
    assert images.scale.ravel() == pytest.approx(np.array([2.55, 2.27]) / 255)
    symmetric = symmetric_images(IMAGES)
    assert symmetric.stored[1].ravel().tolist() == [-127, 0, 1, 100]
    assert symmetric.scale.ravel() == pytest.approx(np.array([2.55, 1.27]) / 127)


@pytest.mark.parametrize("quantize", [asymmetric_images, symmetric_images])
def test_no_images_are_no_images(quantize):
    images = quantize(np.ones((0, 2, 3, 4), np.float32))
    assert images.stored.shape == (0, 2, 3, 4)
    assert images.scale.shape == (0, 1, 1, 1)
