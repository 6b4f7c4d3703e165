"""Layers with an equalised learning rate, pixel normalisation and the standard deviation over a minibatch.

Legend: B images, C channels, H and W pixels, I inputs, O outputs, k side of a kernel, F features.
Parameters are drawn from N(0, 1) with a keyed generator and scaled where they are used.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lookalike.core.errors import ConfigError
from lookalike.networks.fir import blur_after_zeros, blur_wider

SLOPE = 0.2
GAIN = math.sqrt(2)
_EPSILON = 1e-8
_GROUP = 4


def leaky_relu(x: Tensor) -> Tensor:
    """Return x where positive and 0.2 x elsewhere; its usual gain of sqrt(2) belongs to the layer before it."""
    return F.leaky_relu(x, SLOPE)


def pixel_norm(x: Tensor) -> Tensor:
    """Return x divided by the root mean square over axis 1.

    Source: Karras et al. 2018, arXiv 1710.10196, section 4.2.
    Differs from the paper: nothing.
    """
    return x * (x.square().mean(dim=1, keepdim=True) + _EPSILON).rsqrt()


@final
class EqualLinear(nn.Module):
    """A linear layer whose weights have unit variance and are scaled at run time.

    Args:
        inputs: I, at least 1.
        outputs: O, at least 1.
        generator: Source of the weights.
        gain: Standard deviation of the output for inputs of unit variance, sqrt(2) before a leaky ReLU.
        rate: Factor of the learning rate of this layer, in (0, 1].
        bias: First value of the biases, one for all or one for each.

    Source: Karras et al. 2018, arXiv 1710.10196, section 4.1; the factor: Karras et al. 2019, arXiv 1812.04948,
        appendix C.
    Differs from the paper: nothing.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        generator: torch.Generator,
        gain: float = 1.0,
        rate: float = 1.0,
        bias: Sequence[float] | float = 0.0,
    ) -> None:
        """Draw the weights."""
        super().__init__()
        # The factor shrinks what a step of the optimiser changes, so the parameter is as much larger.
        self.weight = nn.Parameter(torch.randn(outputs, inputs, generator=generator) / rate)
        self.bias = nn.Parameter(torch.zeros(outputs) + torch.as_tensor(bias) / rate)
        self.scale = gain * rate / math.sqrt(inputs)
        self.rate = rate

    def forward(self, x_BI: Tensor) -> Tensor:
        """Return [B, O] (or any leading axes)."""
        return F.linear(x_BI, self.weight * self.scale, self.bias * self.rate)


@final
class EqualConv(nn.Module):
    """A convolution whose weights have unit variance and are scaled at run time; the size is kept, halved or doubled.

    Args:
        inputs: I, at least 1.
        outputs: O, at least 1.
        kernel: k, 1 or 3.
        generator: Source of the weights.
        gain: Standard deviation of the output for inputs of unit variance.
        size: `halve` blurs and keeps every second pixel, `double` puts zeros between pixels and blurs after; kernel 3.
        bias: Whether there are biases, 0 at first.

    Source: Karras et al. 2018, arXiv 1710.10196, section 4.1; blur: Karras et al. 2019, arXiv 1812.04948, section 2.1.
    Differs from the paper: convolution and resampling, all linear, are in the order that costs least; the result
        differs at the border only.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int,
        generator: torch.Generator,
        gain: float = 1.0,
        size: Literal["keep", "halve", "double"] = "keep",
        bias: bool = True,
    ) -> None:
        """Draw the weights."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, kernel, kernel, generator=generator))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale = gain / math.sqrt(inputs * kernel**2)
        self.size = size

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return [B, O, H, W], or other sides, in the channels-last format if x is."""
        weight = self.weight * self.scale
        if weight.shape[-1] == 1:
            # A matrix product differentiates twice much faster than a convolution.
            return F.linear(x_BCHW.permute(0, 2, 3, 1), weight[:, :, 0, 0], self.bias).permute(0, 3, 1, 2)
        if self.size == "halve":
            return F.conv2d(blur_wider(x_BCHW), weight, self.bias, stride=2)
        if self.size == "double":
            y_BOHW = blur_after_zeros(F.conv_transpose2d(x_BCHW, weight.transpose(0, 1), stride=2))
            return y_BOHW if self.bias is None else y_BOHW + self.bias.view(-1, 1, 1)
        return F.conv2d(x_BCHW, weight, self.bias, padding=1)


def minibatch_std(x_BCHW: Tensor) -> Tensor:
    """Append one channel that tells how much the images of a group of 4 differ from each other.

    Args:
        x_BCHW: Features. Groups are consecutive rows; the last one may have fewer than 4.

    Returns:
        [B, C + 1, H, W]; the new channel is the standard deviation over the group, averaged over channels and pixels.

    Source: Karras et al. 2018, arXiv 1710.10196, section 3; groups of 4: Karras et al. 2020, arXiv 1912.04958.
    Differs from the paper: nothing; the paper does not say what a smaller group does.
    """
    rows, _, height, width = x_BCHW.shape
    whole = rows - rows % _GROUP
    spread = [_spread(x_BCHW[:whole].reshape(-1, _GROUP, *x_BCHW.shape[1:]))] if whole else []
    if whole < rows:
        spread.append(_spread(x_BCHW[whole:].unsqueeze(0)))
    return torch.cat([x_BCHW, torch.cat(spread).view(rows, 1, 1, 1).expand(-1, 1, height, width)], dim=1)


def _spread(x_NGCHW: Tensor) -> Tensor:
    """Return the mean standard deviation of each of N groups, once for each of its G rows, [N * G]."""
    # On a CPU a variance over this axis costs 15 times as much as two means.
    centred = x_NGCHW - x_NGCHW.mean(dim=1, keepdim=True)
    deviation = (centred.square().mean(dim=1) + _EPSILON).sqrt()
    return deviation.mean(dim=(1, 2, 3)).repeat_interleave(x_NGCHW.shape[1])


@final
class ProjectionHead(nn.Module):
    """One number for each row of features, with the label as a direction among them.

    Args:
        features: F, at least 1.
        classes: K; 0 = no labels.
        generator: Source of the weights.

    Source: Miyato and Koyama 2018, arXiv 1802.05637, equation 3.
    Differs from the paper: an equalised learning rate in place of spectral normalisation.
    """

    def __init__(self, features: int, classes: int, generator: torch.Generator) -> None:
        """Draw the weights."""
        super().__init__()
        self.linear = EqualLinear(features, 1, generator)
        self.classes = classes
        self.direction = nn.Parameter(torch.randn(classes, features, generator=generator)) if classes else None

    def forward(self, h_BF: Tensor, label_B: Tensor | None) -> Tensor:
        """Return logits, [B].

        Raises:
            ConfigError: Labels are missing, or given where there are no classes.
        """
        check_labels(label_B, self.classes)
        logit_B: Tensor = self.linear(h_BF).squeeze(1)
        if self.direction is None or label_B is None:
            return logit_B
        return logit_B + (self.direction[label_B] * h_BF).sum(1) / math.sqrt(h_BF.shape[1])


def check_labels(label_B: Tensor | None, classes: int) -> None:
    """Raise ConfigError unless labels are there exactly when there are classes."""
    if (label_B is not None) != (classes > 0):
        found = "no labels were" if label_B is None else "labels were"
        fix = "give labels [B]" if classes else "give None"
        raise ConfigError(f"the network knows {classes} classes but {found} given; {fix}")
