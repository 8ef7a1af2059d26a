"""The sampler of the paper's code in PyTorch, written from `sampler.md` §7 and §8 for checking fixtures.

Images, observations and states are [1,C,H,W] in [-1,1] units. `noise` gives the recorded draws one after the other.
"""

import math

import numpy as np
import torch
from torch.nn import functional as F

from linear_operators import Blur, Downsampling, Mask, bicubic_kernel, filtered, stacked_measurements, transfer

GRADIENT_STEPS = 5
# The factor on σ where pixels are missing.
MISSING_PIXEL_WEIGHT = 13


class Schedule:
    """The linear schedule, a float32 table each (§7.1)."""

    def __init__(self):
        betas = np.linspace(1e-4, 0.02, 1000).astype(np.float32)
        self.betas = torch.from_numpy(betas)
        # Rounded to float32 after every factor, as torch.cumprod would not.
        self.alphas = torch.from_numpy(np.cumprod(1 - betas))
        self.signal = self.alphas.sqrt()
        self.noise = (1 - self.alphas).sqrt()
        self.sigmas = self.noise / self.signal

    def grid(self, steps):
        """The timesteps of the outer loop (§7.2)."""
        ends = [int(v**2) for v in torch.linspace(0, 1000**0.5, steps + 1, dtype=torch.float64)[1:].tolist()]
        ends[-1] -= 1
        return ends[::-1]


class Step:
    """Everything that a proximal step depends on besides the operator."""

    def __init__(self, y, x_t, anchor, sigma, weight, sigma_t, signal, rho):
        self.y, self.x_t, self.anchor = y, x_t, anchor
        self.data = weight * sigma**2
        self.weight, self.sigma_t, self.signal, self.rho = weight, sigma_t, signal, rho

    @property
    def centre(self):
        """What the two terms without the operator add to the right side."""
        return self.x_t / (self.signal * self.sigma_t**2) + self.anchor / self.rho**2

    @property
    def precision(self):
        """What they add to the left side."""
        return 1 / self.sigma_t**2 + 1 / self.rho**2


def thresholded(kernel, size):
    """The transfer function without the frequencies that the code removes (§8)."""
    response = transfer(kernel, size)
    height, width = size
    limit = (height * math.log2(height) + width * math.log2(width)) * 2.22e-6
    return torch.where(response.abs() < limit, torch.zeros_like(response), response)


class GaussianDeblurring:
    """The closed form that the code has for its operator named gaussian (§8.1)."""

    def __init__(self, kernel, size):
        self.response = thresholded(kernel, size)
        # What the RAM network sees: deepinv's operator, with every frequency.
        self.linear = Blur(kernel)

    def observe(self, image, noise, sigma):
        return filtered(image, self.response) + sigma * noise

    def start(self, y):
        return filtered(y, self.response.conj())

    def step(self, step):
        right = self.response.conj() * torch.fft.fft2(step.y) / step.data + torch.fft.fft2(step.centre)
        return torch.fft.ifft2(right / (self.response.abs() ** 2 / step.data + step.precision)).real


class OtherDeblurring(GaussianDeblurring):
    """Normalised gradient steps, with λ twice and the transposed kernel in place of the turned one (§8.1)."""

    def __init__(self, kernel, size):
        super().__init__(kernel, size)
        self.transposed = thresholded(kernel.T.contiguous(), size)

    def step(self, step):
        z = step.anchor
        for _ in range(GRADIENT_STEPS):
            data = filtered(filtered(z, self.response) - step.y, self.transposed) / step.data
            others = (z - step.anchor) / step.rho**2 + (z - step.x_t / step.signal) / step.sigma_t**2
            z = z - (data / step.weight + others) / torch.linalg.norm(data + others)
        return z


class Inpainting:
    def __init__(self, mask):
        self.mask = mask
        self.linear = Mask(mask)

    def observe(self, image, noise, sigma):
        return 2 * self.mask * ((image / 2 + 0.5).clamp(0, 1) + sigma / 2 * noise) - 1

    def start(self, y):
        return self.mask * y

    def step(self, step):
        """As the code writes it, whose difference of nearly equal numbers costs digits in float32 (§8.2)."""
        kappa = 1 / step.precision
        gain = kappa * (1 - kappa * self.mask / (step.data + kappa))
        return gain * (self.mask * step.y / step.data + step.centre)

    def pasted(self, y, x):
        return (1 - self.mask) * x + self.mask * y


class SuperResolution:
    """The enlarged observation is deblurred, with Λ² where |Λ|² would be right (§8.3)."""

    def __init__(self, kernel, size, factor=4):
        self.response, self.factor = thresholded(kernel, size), factor
        # The code gives the RAM network the bicubic kernel, whichever the observation was made with (§7.7).
        self.linear = Downsampling(bicubic_kernel(factor), factor)

    def enlarged(self, y):
        return F.interpolate(y, scale_factor=self.factor, mode="bilinear", align_corners=False)

    def observe(self, image, noise, sigma):
        return filtered(image, self.response)[..., :: self.factor, :: self.factor] + sigma * noise

    def start(self, y):
        return filtered(self.enlarged(y), self.response.conj())

    def step(self, step):
        seen = 2 * self.enlarged((step.y / 2 + 0.5).clamp(0, 1)) - 1
        right = self.response.conj() * torch.fft.fft2(seen) / step.data + torch.fft.fft2(step.centre)
        return torch.fft.ifft2(right / (self.response**2 / step.data + step.precision)).real


class PublishedSampler:
    """`scalars` are the four learned numbers by their names in a checkpoint, `sigma` is the observation's noise in
    [-1,1] units, `network(x, t)` predicts noise, and `ram(measurements, operator, sigma)`, where there is one, gives
    an image in [0,1] that every step starts from."""

    def __init__(self, network, operator, scalars, sigma, eta, steps, iterations, ram=None):
        self.network, self.operator, self.ram = network, operator, ram
        self.scalars, self.sigma, self.eta = scalars, sigma, eta
        self.steps, self.iterations = steps, iterations
        self.schedule = Schedule()

    def run(self, y, noise):
        """Every recorded point by its name, `result` in [0,1] the last."""
        points, schedule = {}, self.schedule
        grid = schedule.grid(self.steps)
        x_t = next(noise)
        for index, t in enumerate(grid):
            place = f"step{index}/"
            x_init = self.start(y, x_t, t)
            points |= {place + "t": torch.tensor([t]), place + "x_t": x_t, place + "x_init": x_init}
            x = self.iterate(y, x_t, x_init, t, noise, place, points)
            estimate = ((x + 1) / 2).clamp(0, 1)
            predicted = (x_t - schedule.signal[t] * x) / schedule.noise[t]
            points |= {place + "xstart_pred": estimate, place + "eps_pred": predicted}
            x_t = 2 * estimate - 1
            if index + 1 < len(grid):
                x_t = self.transition(x_t, predicted, t, grid[index + 1], noise)
        points["result"] = (x_t / 2 + 0.5).clamp(0, 1)
        return points

    def start(self, y, x_t, t):
        signal, s = self.schedule.signal[t], self.schedule.noise[t]
        if self.ram is None:
            adjoint = self.operator.start(y)
            return (adjoint * s + signal * x_t * self.sigma) / (self.sigma**2 + s**2).sqrt()
        stack, measurements, level = stacked_measurements(
            self.operator.linear, y, self.sigma / 2, x_t, self.schedule.alphas[t].item())
        return 2 * self.ram(measurements, stack, level) - 1

    def inner(self, t):
        """ρ of the proximal step, and the timestep before and after its last shift (§7.4)."""
        sigmas = self.schedule.sigmas
        is_inpainting = isinstance(self.operator, Inpainting)
        level = self.sigma * (MISSING_PIXEL_WEIGHT if is_inpainting else 1)
        rho = level * sigmas[t] / (level**2 + sigmas[t] ** 2).sqrt()
        nearest = (sigmas - rho).abs().argmin().clamp(1, 1000)
        tz = (nearest + 1000 * self.scalars["TAUG"]).clamp(1, 1000)
        tu = (tz + 1000 * self.scalars["TLAT"]).clamp(1, 1000).to(torch.int64)
        return rho * (math.exp(self.scalars["SP_Param"]) if is_inpainting else 1), tz, tu

    def iterate(self, y, x_t, x, t, noise, place, points):
        schedule = self.schedule
        rho, tz, tu = self.inner(t)
        # The table ends at 999; the code would fail there.
        u = min(tu.item(), 999)
        for k in range(self.iterations):
            z = self.operator.step(Step(
                y, x_t, x, self.sigma, math.exp(self.scalars["LambdaSIG"]), schedule.sigmas[t], schedule.signal[t],
                rho))
            noisy = schedule.signal[u] * z + schedule.noise[u] * next(noise)
            predicted = self.network(noisy, u)
            x = (noisy - schedule.noise[u] * predicted) / schedule.signal[u]
            points |= {
                f"{place}k{k}/{name}": value for name, value in (
                    ("rho", rho.reshape(1)), ("tz", tz.reshape(1)), ("tu", tu.reshape(1)), ("zest", z),
                    ("z_input", noisy), ("eps", predicted), ("x", x))}
            # The recorded x is still that of the network.
            if isinstance(self.operator, Inpainting) and k < self.iterations - 2:
                x = self.operator.pasted(y, x)
        return x

    def transition(self, estimate, predicted, t, p, noise):
        """The step that the code calls DDIM (§7.6)."""
        alpha, beta = self.schedule.alphas, self.schedule.betas
        level = self.eta * (1 - alpha[p]).sqrt() / (1 - alpha[t]).sqrt() * beta[t].sqrt()
        first, second = next(noise), next(noise)
        return (alpha[p].sqrt() * estimate + (1 - alpha[p] - level**2).sqrt() * predicted + level * first
                + level * (1 - alpha[p]).sqrt() * second)
