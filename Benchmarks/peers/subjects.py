"""The networks in PyTorch: how each is built, its seeded weights, and its input."""

import inspect
from dataclasses import dataclass

import paths
import torch
from networks import ADM_256, CASES, Case, image, noise
from reference_vgg import VGG16

from denoising_ram import SIGMA, DenoisingRAM
from plain_adm import PlainADM
from plan import PLANS

PRIOR = paths.ROOT / "Examples" / "demo" / "prior64.pt"
PRIOR_64 = {
    "in_channels": 3, "out_channels": 3, "model_channels": 32, "channel_mult": [1, 2, 2, 2], "num_res_blocks": 1,
    "attention_resolutions": [4, 8], "num_head_channels": 32, "use_scale_shift_norm": True, "resblock_updown": True,
}
# The values of google/ddpm-celebahq-256 that differ from the defaults of the class.
CELEBAHQ_256 = {
    "sample_size": 256, "block_out_channels": [128, 128, 256, 256, 512, 512], "layers_per_block": 2,
    "down_block_types": ["DownBlock2D"] * 4 + ["AttnDownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "AttnUpBlock2D"] + ["UpBlock2D"] * 4,
    "flip_sin_to_cos": False, "freq_shift": 1, "norm_eps": 1e-6, "downsample_padding": 0, "attention_head_dim": None,
}


def diffusers_ddpm():
    """diffusers' network, whose import would add to the memory of every other one."""
    from diffusers import UNet2DModel

    class DDPM(UNet2DModel):
        def forward(self, x, t):
            return super().forward(x, t, return_dict=False)[0]

    return DDPM(**CELEBAHQ_256)


class VGGFeatures(VGG16):
    """Up to the last rectifier, which is what LPIPS reads and what a store without classifier gives."""

    def forward(self, x):
        return self.features[:-1](x)


def denoiser_inputs(size):
    return {"x": noise(1, 3, size, size), "t": torch.tensor([321])}


@dataclass
class Subject:
    """`case` builds the network with its weights, `inputs` gives its input for a side in pixels.

    A network that `has_config` has a config.json, without which the tensors leave open what it computes.
    """

    case: Case
    inputs: object = denoiser_inputs
    has_config: bool = False

    def bare(self):
        """The network without storage for its weights."""
        with torch.device("meta"):
            return self.case.make().eval()


def case(parity, make, parameters=None):
    """A network of `Tools/parity` with another class around the same weights."""
    original = CASES[parity]
    return Case(parity, parameters or original.parameters, original.size, make, None, original.case)


SUBJECTS = {
    "small": Subject(Case("small", 1_965_027, 64, lambda: PlainADM(PRIOR_64), None)),
    "inception": Subject(CASES["inception"], lambda size: {"x": 2 * image(1, 3, size, size) - 1}),
    "vgg": Subject(case("vgg16", VGGFeatures, 14_714_688), lambda size: {"x": noise(1, 3, size, size)}),
    "ram": Subject(case("ram", DenoisingRAM),
                   lambda size: {"y": image(1, 3, size, size) + SIGMA * noise(1, 3, size, size)}),
    "ddpm": Subject(case("ddpm", diffusers_ddpm), has_config=True),
    "adm": Subject(case("adm", lambda: PlainADM(ADM_256))),
}
assert SUBJECTS.keys() == PLANS.keys()


def loaded(name, checkpoint):
    """The network with the weights of a checkpoint, ready to run."""
    network = SUBJECTS[name].bare()
    network.load_state_dict(torch.load(checkpoint), assign=True)
    return network.requires_grad_(False)


def arguments(network, inputs):
    """The inputs in the order of the network's arguments, by name."""
    return {name: inputs[name] for name in inspect.signature(network.forward).parameters}
