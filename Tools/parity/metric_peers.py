"""The metrics as other packages compute them, all with the same weights.

The published trunks are not needed: each package's own network is built without them and given the same portable
weights. The published linear layers of LPIPS ship with the lpips package and are used as they are.
"""

import contextlib
import io
import pathlib
import warnings
from unittest import mock

import lpips
import torch
import torchvision
from torch.utils import data

from metric_images import load
from reference_inception import exact_frechet_distance

LINEAR_WEIGHTS = pathlib.Path(lpips.__file__).parent / "weights"


def pairs01(restored, reference):
    """Pairs [1,3,H,W] in [0,1]."""
    for a, b in zip(load(restored), load(reference)):
        yield torch.from_numpy(a)[None].float() / 255, torch.from_numpy(b)[None].float() / 255


def per_pair(function, restored, reference):
    with torch.no_grad():
        return [float(function(a, b)) for a, b in pairs01(restored, reference)]


def fidelity(restored, reference):
    """PSNR and SSIM of each pair.

    Wang's SSIM counts the places where the whole window lies inside the image, as pyiqa does; torchmetrics 1.9 counts
    the border as well, with the image reflected there, and gives both from its map.
    """
    import pyiqa
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    def pyiqa_metric(name, **options):
        with contextlib.redirect_stdout(io.StringIO()):
            return pyiqa.create_metric(name, device="cpu", **options)

    def inside(a, b):
        return structural_similarity_index_measure(a, b, data_range=1.0, return_full_image=True)[1][..., 5:-5, 5:-5]

    functions = {
        ("psnr", "torchmetrics"): lambda a, b: peak_signal_noise_ratio(a, b, data_range=1.0),
        ("ssim", "torchmetrics, inside"): lambda a, b: inside(a, b).mean(),
        ("ssim", "torchmetrics"): lambda a, b: structural_similarity_index_measure(a, b, data_range=1.0),
        ("psnr", "pyiqa"): pyiqa_metric("psnr"),
        ("ssim", "pyiqa"): pyiqa_metric("ssim", test_y_channel=False, downsample=False),
    }
    return {key: per_pair(function, restored, reference) for key, function in functions.items()}


def perceptual(restored, reference, net, state):
    """LPIPS of each pair in the conventions of lpips (v0.1 and v0.0), torchmetrics and pyiqa."""
    import pyiqa.archs.lpips_arch as pyiqa_lpips
    import torchmetrics.functional.image.lpips as torchmetrics_lpips

    def network(module, **options):
        cls = module._LPIPS if hasattr(module, "_LPIPS") else module.LPIPS
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), without_download():
            warnings.simplefilter("ignore")
            made = cls(net=net, pnet_rand=True, **options).eval()
        trunk = made.net
        own = trunk.state_dict()
        trunk.load_state_dict({name: state[feature_name(name)] for name in own})
        return made

    def linear(version):
        return str(LINEAR_WEIGHTS / f"v{version}" / f"{net}.pth")

    first, zeroth = (network(lpips, version=v, verbose=False) for v in ("0.1", "0.0"))
    second = network(torchmetrics_lpips)
    third = network(pyiqa_lpips, pretrained_model_path=linear("0.1"))
    functions = {
        ("lpips", net, "lpips"): lambda a, b: first(2 * a - 1, 2 * b - 1),
        ("lpips", net, "lpips v0.0"): lambda a, b: zeroth(2 * a - 1, 2 * b - 1),
        ("lpips", net, "torchmetrics"): lambda a, b: second(a, b, normalize=True),
        ("lpips", net, "pyiqa"): lambda a, b: third(a, b),
    }
    return {key: per_pair(function, restored, reference) for key, function in functions.items()}


@contextlib.contextmanager
def without_download():
    """torchvision's trunks are built empty, whatever a package asks for."""
    with contextlib.ExitStack() as stack:
        for name in ("vgg16", "squeezenet1_1"):
            build = getattr(torchvision.models, name)
            empty = lambda *_, build=build, **__: build(weights=None)  # noqa: E731
            stack.enter_context(mock.patch.object(torchvision.models, name, empty))
        yield


def feature_name(name):
    """`slice2.5.weight` and `slices.1.5.weight` → `features.5.weight`."""
    parts = name.split(".")
    return ".".join(["features", *parts[2 if parts[0] == "slices" else 1:]])


class Folder(data.Dataset):
    """Images as torch-fidelity wants them: levels as unsigned bytes."""

    def __init__(self, folder):
        self.images = torch.from_numpy(load(folder))

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


def distribution(restored, reference, state, weights_path):
    """FID and KID of two folders; KID over one subset that is the whole set."""
    import cleanfid.fid
    import pytorch_fid.fid_score
    import pytorch_fid.inception
    import torch_fidelity
    from torchmetrics.image.fid import FrechetInceptionDistance, NoTrainInceptionV3
    from torchmetrics.image.kid import KernelInceptionDistance

    warnings.simplefilter("ignore")
    count = len(list(restored.glob("*.png")))
    out = {}
    pytorch_fid.inception.load_state_dict_from_url = lambda *_, **__: state
    out["fid", "pytorch-fid"] = pytorch_fid.fid_score.calculate_fid_given_paths(
        [str(restored), str(reference)], batch_size=8, device="cpu", dims=2048, num_workers=0)

    result = torch_fidelity.calculate_metrics(
        input1=Folder(restored), input2=Folder(reference), cuda=False, fid=True, kid=True, kid_subsets=1,
        kid_subset_size=count, batch_size=8, cache=False, verbose=False,
        feature_extractor_weights_path=str(weights_path))
    out["fid", "torch-fidelity"] = result["frechet_inception_distance"]
    out["kid", "torch-fidelity"] = result["kernel_inception_distance_mean"]

    images = [(Folder(restored).images, False), (Folder(reference).images, True)]
    for name, antialias in (("torchmetrics", True), ("torchmetrics antialias=False", False)):
        extractor = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(weights_path), antialias=antialias)
        # The metric asks a module of its own kind for its width by way of a blank image.
        fid = FrechetInceptionDistance(feature=extractor, input_img_size=(3, 64, 64))
        kid = KernelInceptionDistance(feature=extractor, subsets=1, subset_size=count)
        for levels, is_real in images:
            for batch in levels.split(8):
                fid.update(batch, real=is_real)
                kid.update(batch, real=is_real)
        out["fid", name] = float(fid.compute())
        out["kid", name] = float(kid.compute()[0])

    network = pytorch_fid.inception.InceptionV3([3], resize_input=False, normalize_input=False).eval()

    def features(levels):
        return network((levels - 128) / 128)[0].flatten(1)

    found = [cleanfid.fid.get_folder_features(
        str(folder), model=features, num_workers=0, batch_size=8, device=torch.device("cpu"), mode="clean",
        verbose=False) for folder in (restored, reference)]
    out["fid", "clean-fid"] = float(cleanfid.fid.fid_from_feats(*found))
    # Two dozen images leave covariances singular, and matrix roots of those are good to about 3e-5 only.
    out["fid", "clean-fid, exact"] = exact_frechet_distance(*found)
    out["kid", "clean-fid"] = float(cleanfid.fid.kernel_distance(*found, num_subsets=1, max_subset_size=count))
    return out
