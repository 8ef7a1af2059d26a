"""Linear operators with their adjoints, as the RAM network needs them (`networks.md` §3, `sampler.md` §7.7).

Images are [N,C,H,W]. A measurement is a tensor, or a list of tensors for a `Stack`. Blurs are true circular
convolutions whose centre is at ⌊length/2⌋.
"""

import math

import torch


def transfer(kernel, size):
    """The transfer function of a kernel [h,w] on images of `size`; larger kernels wrap around."""
    placed = torch.zeros(size, dtype=kernel.dtype)
    rows = (torch.arange(kernel.shape[0]) - kernel.shape[0] // 2) % size[0]
    columns = (torch.arange(kernel.shape[1]) - kernel.shape[1] // 2) % size[1]
    placed.index_put_((rows[:, None].expand_as(kernel), columns[None].expand_as(kernel)), kernel, accumulate=True)
    return torch.fft.fft2(placed)


def filtered(x, response):
    return torch.fft.ifft2(torch.fft.fft2(x) * response).real


class Identity:
    factor = None

    def forward(self, x):
        return x

    def adjoint(self, y):
        return y

    def prox(self, y, z, gamma):
        """argmin γ/2·‖Ax-y‖² + ½·‖x-z‖² in closed form."""
        return (y + z / gamma) / (1 + 1 / gamma)


class Mask:
    factor = None

    def __init__(self, mask):
        self.mask = mask

    def forward(self, x):
        return x * self.mask

    adjoint = forward

    def prox(self, y, z, gamma):
        return (self.mask * y + z / gamma) / (self.mask**2 + 1 / gamma)


class Blur:
    factor = None

    def __init__(self, kernel):
        self.kernel = kernel.reshape(kernel.shape[-2:])

    def response(self, x):
        return transfer(self.kernel, x.shape[-2:])

    def forward(self, x):
        return filtered(x, self.response(x))

    def adjoint(self, y):
        return filtered(y, self.response(y).conj())

    def prox(self, y, z, gamma):
        response = self.response(y)
        numerator = response.conj() * torch.fft.fft2(y) + torch.fft.fft2(z) / gamma
        return torch.fft.ifft2(numerator / (response.abs() ** 2 + 1 / gamma)).real


class Downsampling:
    """A blur, then every `factor`-th pixel from the first on."""

    def __init__(self, kernel, factor):
        self.blur, self.factor = Blur(kernel), factor

    def forward(self, x):
        return self.blur.forward(x)[..., :: self.factor, :: self.factor]

    def spread(self, y):
        x = torch.zeros(*y.shape[:-2], y.shape[-2] * self.factor, y.shape[-1] * self.factor)
        x[..., :: self.factor, :: self.factor] = y
        return x

    def adjoint(self, y):
        return self.blur.adjoint(self.spread(y))

    def prox(self, y, z, gamma):
        """The closed form of `sampler.md` §8.3 with τ = 1/γ: the spectrum's aliases share one denominator."""
        response, tau, s = self.blur.response(z), 1 / gamma, self.factor

        def fold(spectrum):
            *batch, height, width = spectrum.shape
            return spectrum.reshape(*batch, s, height // s, s, width // s).mean(dim=(-4, -2))

        right = response.conj() * torch.fft.fft2(self.spread(y)) + tau * torch.fft.fft2(z)
        ratio = fold(response * right) / (fold(response.abs() ** 2) + tau)
        return torch.fft.ifft2((right - response.conj() * ratio.repeat(1, 1, s, s)) / tau).real


class Scaled:
    def __init__(self, operator, scale):
        self.operator, self.scale, self.factor = operator, scale, operator.factor

    def forward(self, x):
        return self.scale * self.operator.forward(x)

    def adjoint(self, y):
        return self.scale * self.operator.adjoint(y)


class Stack:
    """Several measurements of one image."""

    factor = None

    def __init__(self, operators):
        self.operators = operators

    def forward(self, x):
        return [operator.forward(x) for operator in self.operators]

    def adjoint(self, y):
        return sum(operator.adjoint(part) for operator, part in zip(self.operators, y))


class Cropped:
    """An operator on larger images, whose first rows and columns it does not see."""

    def __init__(self, operator, top, left):
        self.operator, self.top, self.left, self.factor = operator, top, left, operator.factor

    def forward(self, x):
        return self.operator.forward(x[..., self.top:, self.left:])

    def adjoint(self, y):
        return torch.nn.functional.pad(self.operator.adjoint(y), (self.left, 0, self.top, 0))


class Coarse:
    """An operator seen from images 2^scale times smaller, through a windowed-sinc interpolation."""

    def __init__(self, operator, scale):
        self.operator, self.down = operator, Downsampling(sinc_kernel(2**scale), 2**scale)

    def forward(self, x):
        return self.operator.forward(self.down.adjoint(x))

    def adjoint(self, y):
        return self.down.forward(self.operator.adjoint(y))


def sinc_kernel(factor):
    """The Kaiser-windowed sinc of length 4·factor, separable, with sum 1."""
    length = 4 * factor
    width = 2 * (2 - 1.4142136) / factor
    attenuation = 2.285 * (length - 1) * 3.14159 * width + 7.95
    if attenuation > 50:
        beta = 0.1102 * (attenuation - 8.7)
    elif attenuation > 21:
        beta = 0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21)
    else:
        beta = 0.0
    n = torch.arange(length, dtype=torch.float64) - (length - 1) / 2
    window = torch.kaiser_window(length, periodic=False, beta=beta, dtype=torch.float64)
    line = torch.sinc(n / factor) * window
    kernel = torch.outer(line, line)
    return (kernel / kernel.sum()).float()


def bicubic_kernel(factor):
    """The antialiasing cubic of length 4·factor with a = -1/2, separable, with sum 1."""
    x = ((torch.arange(4 * factor, dtype=torch.float64) + 0.5) / factor - 2).abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    line = torch.where(x <= 1, near, far)
    kernel = torch.outer(line, line)
    return (kernel / kernel.sum()).float()


def gaussian_kernel(size, variance=3.0):
    """The sampled Gaussian; entries under a millionth of the largest are dropped."""
    n = torch.arange(size, dtype=torch.float64) - size // 2
    kernel = torch.exp(-(n[:, None] ** 2 + n[None] ** 2) / (2 * variance))
    kernel[kernel < 1e-6 * kernel.max()] = 0
    return (kernel / kernel.sum()).float()


def conjugate_gradient(operator, y, z, gamma, iterations=50, tolerance=1e-8, epsilon=1e-8):
    """Solves (AᵀA + 1/γ) x = Aᵀy + z/γ for each image of the batch, starting at z."""

    def dot(a, b):
        return (a * b).sum(dim=(1, 2, 3), keepdim=True)

    def normal(x):
        return operator.adjoint(operator.forward(x)) + x / gamma

    right = operator.adjoint(y) + z / gamma
    x = z
    residual = right - normal(x)
    direction = residual
    norm, limit = dot(residual, residual), tolerance * dot(right, right)
    for _ in range(iterations):
        image = normal(direction)
        step = norm / (dot(direction, image) + epsilon)
        x = x + step * direction
        residual = residual - step * image
        previous, norm = norm, dot(residual, residual)
        # Looked at after a step only: however good the start is, one is taken.
        if bool((norm < limit).all()):
            break
        direction = residual + norm / (previous + epsilon) * direction
    return x


def stacked_measurements(operator, y, sigma, x_t, alpha, noise_sigma=None):
    """UD2M's two measurements of one image in [0,1]: the degraded image and the noisy iterate x_t (`sampler.md` §7.7).

    `y` and `x_t` are in [-1,1], `alpha` is ᾱ_t. Gives the operator, the measurements and their common noise level.
    """
    first = (y / 2 + 0.5).clamp(0, 1)
    second = (x_t + math.sqrt(alpha)) / 2
    sigma_t = math.sqrt(1 - alpha) / 2 if noise_sigma is None else noise_sigma
    least = min(sigma, sigma_t)
    stack = Stack([Scaled(operator, least / sigma), Scaled(Scaled(Identity(), math.sqrt(alpha)), least / sigma_t)])
    return stack, [first * (least / sigma), second * (least / sigma_t)], least
