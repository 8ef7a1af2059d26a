"""The RAM fixtures: both flavours, padding, grey images, every kind of operator, and UD2M's stacked measurements."""

import torch

from fixture_files import HERE, Fixture, tapped
from linear_operators import (
    Blur, Coarse, Downsampling, Identity, Mask, bicubic_kernel, gaussian_kernel, stacked_measurements)
from portable import fill
from reference_ram import RAM, krylov

FOLDER = "ram"


def slim_ram():
    network = RAM(widths=(8, 8, 16, 16), blocks=2).eval()
    state = fill(network, "ram")
    state["fact_realign"] = torch.tensor([1.1])
    network.load_state_dict(state)
    return network


def run(fixture):
    if fixture.case == "operators":
        run_operators(fixture)
    elif fixture.case.startswith("ud2m_stacked"):
        run_stacked(fixture)
    else:
        run_single(fixture)


def run_single(fixture):
    operator = Identity()
    if "kernel" in fixture.stored:
        operator = Blur(fixture.tensor("kernel"))
    elif "mask" in fixture.stored:
        operator = Mask(fixture.tensor("mask"))
    elif fixture.case.startswith("sr4"):
        operator = Downsampling(bicubic_kernel(4), 4)
    y, sigma = fixture.tensor("y"), fixture.tensor("sigma").item()
    if "A_adjoint_y" in fixture.stored:
        fixture.put("A_adjoint_y", operator.adjoint(y))
    network = slim_ram()
    for flavour in ("deepinv", "original"):
        if f"{flavour}/out" not in fixture.stored:
            continue
        with tapped(network) as taps:
            fixture.put(f"{flavour}/out", network(y, operator, sigma, flavour=flavour, keep=taps.__setitem__))
        fixture.put_taps(taps, prefix=f"{flavour}/act/")
        if f"{flavour}/realigned" in fixture.stored:
            fixture.put(f"{flavour}/realigned", taps["realigned"])


def run_stacked(fixture):
    y, x_t = fixture.tensor("y"), fixture.tensor("x_t")
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64).float()
    alpha = torch.cumprod(1 - betas, 0)[fixture.tensor("t").item()].item()
    if "sr4" in fixture.case:
        operator = Downsampling(bicubic_kernel(4), 4)
    elif "inp" in fixture.case:
        operator = Mask((y[:, :1] != -1).float())
    else:
        operator = Blur(gaussian_kernel(5))
    stack, measurements, sigma = stacked_measurements(operator, y, fixture.meta["sigma"], x_t, alpha)
    for index, value in enumerate(measurements):
        if f"y_ram{index}" in fixture.stored:
            fixture.put(f"y_ram{index}", value)
    if "A_adjoint_stacked_rows" in fixture.stored:
        fixture.put("A_adjoint_stacked_rows", stack.adjoint(measurements)[:, :, ::7])
    network = slim_ram()
    with torch.no_grad():
        for flavour in ("original", "deepinv"):
            fixture.put(f"{flavour}/x_init", 2 * network(measurements, stack, sigma, flavour=flavour) - 1)


def run_operators(fixture):
    image, z, gamma = fixture.tensor("image"), fixture.tensor("z"), fixture.tensor("gamma")
    others = [Fixture(HERE / FOLDER / f"{name}.io.safetensors") for name in ("deblur_asym", "inpaint")]
    operators = {
        "blur_asym": Blur(others[0].tensor("kernel")), "inpaint": Mask(others[1].tensor("mask")),
        "sr4": Downsampling(bicubic_kernel(4), 4)}
    for name, operator in operators.items():
        y = operator.forward(image)
        fixture.put(f"{name}/A", y)
        fixture.put(f"{name}/AT", operator.adjoint(y))
        fixture.put(f"{name}/prox", operator.prox(y, z, gamma))
    for scale in (1, 2, 3):
        coarse = Coarse(operators["blur_asym"], scale)
        down = coarse.down.forward(image)
        fixture.put(f"down{scale}", down)
        fixture.put(f"up{scale}_rows", coarse.down.adjoint(down)[:, :, ::7])
        fixture.put(f"AtA{scale}", krylov(operators["blur_asym"], scale)(down)[:, down.shape[1]:])
