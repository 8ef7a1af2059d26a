"""Weights that any language can make again from a case and a tensor's name: the Python side of PortableWeights.swift."""

import math

import numpy as np
import torch

MASK = (1 << 64) - 1
# How much wider than 1/√fan-in the matrices of a case are drawn, so that its activations keep a useful size.
GAINS = {"ram": 0.8, "vgg16": 1.6, "squeezenet": 2.0, "inception": 1.5, "disc": 1.4}


def fnv1a64(text):
    """The 64-bit FNV-1a hash of UTF-8 text."""
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = ((value ^ byte) * 0x100000001B3) & MASK
    return value


def uniform(key, count):
    """`count` numbers in [-0.5, 0.5): the top 24 bits of splitmix64 started at the key's hash."""
    steps = np.arange(1, count + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(key)) + steps * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(40)).astype(np.float64) / 2**24 - 0.5


def portable_weight(case, name, shape, gain=1.0):
    """The float32 weight of one tensor: scaled by its fan-in, or near one for gains, or small for biases."""
    values = uniform(f"{case}:{name}", math.prod(shape)).astype(np.float32)
    if len(shape) >= 2:
        values = values * np.float32(gain * math.sqrt(12 / math.prod(shape[1:])))
    elif name.endswith(("bias", "running_mean")):
        values = np.float32(0.2) * values
    else:
        values = 1 + np.float32(0.3) * values
    return torch.from_numpy(values.reshape(shape))


def portable_state(network, case, gain=None):
    """A state dict of portable weights for every floating-point tensor of a network; counters are left at zero."""
    gain = GAINS.get(case, 1.0) if gain is None else gain
    return {
        name: portable_weight(case, name, tuple(value.shape), gain) if value.is_floating_point() else value
        for name, value in network.state_dict().items()
    }


def fill(network, case):
    """Loads portable weights into a network and gives its state dict."""
    state = portable_state(network, case)
    network.load_state_dict(state)
    return state
