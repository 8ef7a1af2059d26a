"""What is measured of each network, and by which peers; needs no PyTorch."""

from dataclasses import dataclass

EAGER = "eager"
PEERS = {
    EAGER: "PyTorch eager, NCHW",
    "channels_last": "PyTorch eager, channels_last",
    "compile": "torch.compile, inductor with frozen weights",
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
}
FROM_ONNX = ("onnxruntime", "openvino")

# Forwards of each program before those that are timed, in every round: as many as `ud2m bench` makes by itself.
UNTIMED = 1


@dataclass(frozen=True)
class Plan:
    """A network's input and its share of a round.

    In every round each program runs `UNTIMED` forwards, then `timed` ones, whose median counts. At most `together`
    peers besides ours and PyTorch's eager one hold their models at once, for the sake of memory.
    """

    title: str
    size: int
    timed: int = 1
    together: int = len(PEERS)
    convert_options: tuple = ()
    forward_options: tuple = ()


PLANS = {
    "small": Plan("the demo prior, 2 million parameters", 64, timed=31),
    "inception": Plan("Inception-v3 of FID", 299, timed=9),
    "vgg": Plan("VGG-16 without classifier", 256, timed=5),
    "ram": Plan("RAM, denoising", 256, timed=3, convert_options=("--ram-flavour", "deepinv"),
                forward_options=("--sigma", "0.03")),
    "ddpm": Plan("DDPM-256", 256),
    "adm": Plan("ADM-256", 256, together=2),
}


def groups(plan, peers):
    """The peers asked for, in groups that fit into memory together; each starts with PyTorch's eager one."""
    others = [peer for peer in peers if peer != EAGER]
    parts = [others[start : start + plan.together] for start in range(0, len(others), plan.together)]
    return [[EAGER, *part] for part in parts or [[]]]
