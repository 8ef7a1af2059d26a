"""The peers: each loads a network and its input, and gives a function that runs one forward.

The function's result is turned into an array only when outputs are compared, outside of the timing.
"""

import numpy as np
from safetensors.numpy import load_file

from plan import EAGER


def load(peer, name, files, threads):
    """What runs one forward, and what makes an array of its result."""
    if peer == "onnxruntime":
        return onnxruntime(files, threads)
    if peer == "openvino":
        return openvino(files, threads)
    return pytorch(peer, name, files, threads)


def pytorch(peer, name, files, threads):
    import torch

    from subjects import arguments, loaded

    torch.set_num_threads(threads)
    network = loaded(name, files.checkpoint)
    inputs = [torch.from_numpy(value) for value in arguments(network, load_file(files.inputs)).values()]
    if peer == "channels_last":
        network = network.to(memory_format=torch.channels_last)
        inputs = [value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
                  for value in inputs]
    elif peer == "compile":
        import torch._inductor.config

        torch._inductor.config.freezing = True  # packs the weights once, as the other runtimes do
        network = torch.compile(network)
    elif peer != EAGER:
        raise ValueError(f"no such peer: {peer}")

    def forward():
        with torch.no_grad():
            return network(*inputs)

    return forward, lambda result: result.numpy()


def onnxruntime(files, threads):
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Threads may spin for work during a forward, but not after it, where another program is timed.
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = ort.InferenceSession(files.onnx, options, providers=["CPUExecutionProvider"])
    inputs = {name: np.ascontiguousarray(value) for name, value in load_file(files.inputs).items()}
    return lambda: session.run(None, inputs)[0], lambda result: result


def openvino(files, threads):
    import openvino as ov

    compiled = ov.Core().compile_model(files.onnx, "CPU", {
        "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads})
    request = compiled.create_infer_request()
    inputs = load_file(files.inputs)
    return lambda: request.infer(inputs, share_inputs=True, share_outputs=True)[0], np.array
