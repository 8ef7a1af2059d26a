"""Fixtures of the forward operators: what the paper's code makes of its kernels and of JPEG (`sampler.md` §8).

The stored outputs are those of its `physics` folder (commit a10f9f8, float32); here they are computed again in numpy from
the formulas. `make_operators.py` says which values were taken over.
"""

import numpy as np

FOLDER = "operators"
# One rounding to float32 of values below 2, and the code's own float32 transforms.
TOLERANCE = 1e-6

LUMA = [16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
        14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
        49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99]
CHROMA = [17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99,
          47, 66, 99, 99] + [99] * 36
TO_DIFFERENCES = np.array([[.299, .587, .114], [-.1687, -.3313, .5], [.5, -.4187, -.0813]])
TO_COLOURS = np.array([[1, -3.68199903e-05, 1.40198758], [1, -.344113281, -.714103821],
                       [1, 1.77197812, -1.34583413e-04]])
COSINES = np.array([[(.125**.5 if u == 0 else .5) * np.cos((2 * x + 1) * u * np.pi / 16) for x in range(8)]
                    for u in range(8)])


def transfer(kernel, height, width):
    """The transfer function without the frequencies that the code removes."""
    placed = np.zeros((height, width))
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            placed[(i - kernel.shape[0] // 2) % height, (j - kernel.shape[1] // 2) % width] += kernel[i, j]
    response = np.fft.fft2(placed)
    response[abs(response) < (height * np.log2(height) + width * np.log2(width)) * 2.22e-6] = 0
    return response


def filtered(image, response):
    return np.fft.ifft2(np.fft.fft2(image) * response).real


def bilinear(image, factor):
    """Enlarged as PyTorch does with align_corners=False."""
    def line(size):
        matrix = np.zeros((size * factor, size))
        for target in range(size * factor):
            position = max((target + .5) / factor - .5, 0)
            left = int(position)
            matrix[target, left] += 1 - (position - left)
            matrix[target, min(left + 1, size - 1)] += position - left
        return matrix
    return line(image.shape[-2]) @ image @ line(image.shape[-1]).T


def table(standard, quality):
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((scale * np.array(standard) + 50) // 100, 1, 255).reshape(8, 8)


def blocks(plane, function):
    n, h, w = plane.shape
    split = plane.reshape(n, h // 8, 8, w // 8, 8).transpose(0, 1, 3, 2, 4)
    return function(split).transpose(0, 1, 3, 2, 4).reshape(n, h, w)


def jpeg(image, quality):
    """Compressed and decoded, sides multiples of 16."""
    def coded(plane, divisors):
        def code(block):
            return COSINES.T @ (np.round(COSINES @ block @ COSINES.T / divisors) * divisors) @ COSINES
        return blocks(plane, code)
    mixed = np.einsum("ij,njhw->nihw", TO_DIFFERENCES, (image + 1) * 127.5)
    luma = coded(mixed[:, 0] - 128, table(LUMA, quality)) + 128
    small = mixed[:, 1:, ::2, ::2]
    chroma = coded(small.reshape(-1, *small.shape[2:]), table(CHROMA, quality)).reshape(small.shape)
    mixed = np.concatenate([luma[:, None], chroma.repeat(2, 2).repeat(2, 3)], 1)
    return np.einsum("ij,njhw->nihw", TO_COLOURS, mixed) / 127.5 - 1


def jpeg_adjoint(image):
    mixed = np.einsum("ij,nihw->njhw", TO_COLOURS, image)
    n, _, h, w = mixed.shape
    spread = np.zeros((n, 2, h, w))
    spread[:, :, ::2, ::2] = mixed[:, 1:].reshape(n, 2, h // 2, 2, w // 2, 2).sum((3, 5))
    return np.einsum("ij,nihw->njhw", TO_DIFFERENCES, np.concatenate([mixed[:, :1], spread], 1))


def run(fixture):
    def read(name):
        return fixture.tensor(name).numpy().astype(np.float64)
    if fixture.case == "jpeg_qf10":
        run_jpeg_step(fixture, read)
        return
    image = read("x")
    for name in ("gaussian", "uniform", "motion"):
        response = transfer(read(f"blur_{name}/kernel"), *image.shape[-2:])
        fixture.put(f"blur_{name}/Ax", filtered(image, response), TOLERANCE)
        fixture.put(f"blur_{name}/ATx", filtered(image, response.conj()), TOLERANCE)
    for name in ("gaussian", "bicubic"):
        response = transfer(read(f"sr_{name}/kernel"), *image.shape[-2:])
        enlarged = bilinear(read(f"sr_{name}/y"), 4)
        fixture.put(f"sr_{name}/AT_up", filtered(enlarged, response.conj()), TOLERANCE)
    for quality in (10, 50, 90):
        fixture.put(f"jpeg/qf{quality}/decoded", jpeg(image, quality), TOLERANCE)


def run_jpeg_step(fixture, read):
    sigma_t, alpha_bar, rho, weight, _ = read("scalars")
    sigma, rate = fixture.meta["sigma"], fixture.meta["step_algo"]
    anchor, state, observation = read("s"), read("x_t"), read("y")
    fixture.put("jpeg_of_s", jpeg(anchor, 10), TOLERANCE)
    # Differences of up to 4 are added over 2×2 pixels.
    fixture.put("ste_grad_of_s", jpeg_adjoint(jpeg(anchor, 10) - observation), 3e-6)
    image, first, second = anchor.copy(), 0, 0
    for step in range(1, 11):
        gradient = (jpeg_adjoint(jpeg(image, 10) - observation) / (weight * sigma**2)
                    + (image - state / alpha_bar**.5) / sigma_t**2 + (image - anchor) / rho**2)
        first = .9 * first + .1 * gradient
        second = .999 * second + .001 * gradient**2
        image -= rate * (first / (1 - .9**step)) / (np.sqrt(second / (1 - .999**step)) + 1e-8)
    fixture.put("recommended_adam10_ste", image, 3e-6)
