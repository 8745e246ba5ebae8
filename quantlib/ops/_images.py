"""Real images quantized on the fly, each as a whole, for the convolutions with integer weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from quantlib.arithmetic import hybrid, qd8
from quantlib.arithmetic.hybrid import QuantizedRows

__all__ = ["Images", "asymmetric_images", "symmetric_images", "xnnpack_images"]


class Images(NamedTuple):
    """Images of integers: real = scale · stored.

    Parameters
    ----------
    stored : int64 array (n, h, w, c)
        Zero point already subtracted.
    scale : float32 array (n, 1, 1, 1)
    """

    stored: NDArray[np.int64]
    scale: NDArray[np.float32]


def asymmetric_images(x: NDArray[np.float32]) -> Images:
    """Every image from its least to its greatest value.

    Parameters
    ----------
    x : float32 array (n, h, w, c)

    Returns
    -------
    Images

    Examples
    --------
    >>> images = asymmetric_images(np.array([[[[-1.0, 0.0, 4.1]]]], np.float32))
    >>> images.stored.tolist(), images.scale.tolist()
    ([[[[-50, 0, 205]]]], [[[[0.019999999552965164]]]])
    """
    return _images(hybrid.quantize_rows_asymmetric(_as_rows(x)), x.shape)


def symmetric_images(x: NDArray[np.float32]) -> Images:
    """Every image by its largest absolute value.

    Parameters
    ----------
    x : float32 array (n, h, w, c)

    Returns
    -------
    Images

    Examples
    --------
    >>> symmetric_images(np.array([[[[-0.5, 0.0, 1.0]]]], np.float32)).stored.tolist()
    [[[[-64, 0, 127]]]]
    """
    return _images(hybrid.quantize_rows_symmetric(_as_rows(x)), x.shape)


def xnnpack_images(x: NDArray[np.float32], *, each_pixel: bool = False) -> Images:
    """Every image, or every pixel, from its least to its greatest value, as XNNPACK does it.

    Parameters
    ----------
    x : float32 array (n, h, w, c)
    each_pixel : bool

    Returns
    -------
    Images
        With a scale of shape (n, 1, 1, 1), or (n, h, w, 1) for pixels.
    """
    if each_pixel:
        pixels = qd8.quantize_rows(x)
        return Images(pixels.stored, pixels.scale[..., None])
    rows = qd8.quantize_rows(_as_rows(x))
    return Images(rows.stored.reshape(x.shape), rows.scale[:, None, None, None])


def _as_rows(x: NDArray[np.float32]) -> NDArray[np.float32]:
    return x.reshape(x.shape[0], x[:1].size if x.size else 1)


def _images(rows: QuantizedRows, shape: tuple[int, ...]) -> Images:
    stored = rows.stored.astype(np.int64) - rows.zero_point[:, None]
    return Images(stored.reshape(shape), rows.scale[:, None, None, None])
