"""Golden values for daemon/model: inference and single training steps of small AudioCNNs in PyTorch's double precision.

    pip install torch==2.15.0 numpy==2.4.6
    python test/golden/make_training_golden.py > test/golden/training.json

Inputs and weights come from golden_random.py and are drawn again by the tests, so only results are stored. Each case is
computed in float32 as well: PyTorch's own float32 must stay within the tolerance that the tests ask of ours.
"""

import json
import math
import sys
from base64 import b64encode
from pathlib import Path

import numpy as np
import torch
from torch import nn

from golden_random import GoldenRandom

TOLERANCE = 1e-4
# Relative distance of the nearest near-tie in pooling, or of ReLU's input from zero.
SMALLEST_MARGIN = 1e-6
SILENCE = -1.25

CASES = [
    dict(name="a usual batch", channels=[4, 6, 8], bands=16, frames=21, batch=6, step=4),
    dict(name="the first step", channels=[4, 6, 8], bands=16, frames=20, batch=4, step=0),
    dict(name="clips that end in silence, whose maxima are tied", channels=[4, 6, 8], bands=16, frames=24, batch=6,
         step=9, silent_from=[3, 10, 11, 17, 24, 0]),
    dict(name="tied maxima and an odd number of frames", channels=[5, 7], bands=8, frames=27, batch=5, step=2,
         silent_from=[4, 9, 13, 20, 27]),
    dict(name="tied maxima of patches that differ", channels=[4, 6, 8], bands=16, frames=22, batch=4, step=3,
         centre_taps=True),
    dict(name="an uneven last batch", channels=[4, 6, 8], bands=16, frames=21, batch=3, step=4),
    dict(name="a last batch of one clip", channels=[4, 6, 8], bands=16, frames=21, batch=1, step=4),
    dict(name="a positive weight below one", channels=[4, 6, 8], bands=16, frames=21, batch=6, step=4, positive_weight=0.3),
    dict(name="a positive weight above one", channels=[4, 6, 8], bands=16, frames=21, batch=6, step=4, positive_weight=5),
    dict(name="soft labels", channels=[4, 6, 8], bands=16, frames=21, batch=5, step=4, positive_weight=2,
         labels=[0.25, 0.75, 0.5, 1, 0.1]),
    dict(name="scales near zero and below zero", channels=[4, 6, 8], bands=16, frames=21, batch=5, step=4,
         gamma={"0": [1e-4, -0.7, 0.9, -1e-4], "1": [1e-4, -1e-4, -0.8, 1.1, -1.2, 0.5],
                "2": [-1, 1e-4, -1e-4, 1, 0.8, -0.3, 1, 1]}),
    dict(name="two blocks", channels=[5, 7], bands=8, frames=15, batch=5, step=4),
    dict(name="four blocks", channels=[3, 4, 5, 6], bands=32, frames=43, batch=4, step=4),
    dict(name="bands whose halves are odd", channels=[4, 5, 6], bands=14, frames=19, batch=4, step=4),
    dict(name="the reference's network", channels=[16, 32, 64], bands=64, frames=251, batch=2, step=100,
         silent_from=[251, 120], stride=37),
    dict(name="sixteen channels: tied maxima and an odd number of frames", channels=[16, 32, 16], bands=8, frames=27,
         batch=5, step=2, silent_from=[4, 9, 13, 20, 27], stride=7),
    dict(name="sixteen channels: tied maxima of patches that differ", channels=[16, 16, 32], bands=16, frames=22, batch=4,
         step=3, centre_taps=True, stride=7),
    dict(name="sixteen channels: scales near zero and below zero", channels=[16, 16, 16], bands=8, frames=13, batch=3,
         step=4, positive_weight=3, stride=7,
         gamma={"0": [1e-4, -0.7, 0.9, -1e-4] + [1, -0.8] * 6, "1": [1e-4, -1e-4, -0.8, 1.1] + [-1.2, 0.5] * 6,
                "2": [-1, 1e-4, -1e-4, 1] + [0.8, -0.3] * 6}),
    dict(name="sixteen channels: one clip, two blocks", channels=[16, 32], bands=8, frames=22, batch=1, step=4, stride=7),
    dict(name="sixteen channels: four blocks", channels=[16, 16, 32, 16], bands=32, frames=43, batch=3, step=4, stride=13),
]


class AudioCNN(nn.Module):
    """The reference's network with its names; the dropout mask is given."""

    def __init__(self, channels):
        super().__init__()
        layers = []
        inputs = 1
        for block, outputs in enumerate(channels):
            layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()]
            last = block == len(channels) - 1
            layers.append(nn.AdaptiveAvgPool2d((1, 1)) if last else nn.MaxPool2d(2))
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Flatten(), nn.Identity(), nn.Linear(inputs, 1))

    def forward(self, features, mask=1):
        value = self.features(features)
        return self.classifier[2](self.classifier[0](value) * mask).squeeze(1)


def draw(case):
    """Weights, inputs and optimiser state in the order in which goldenCase.ts draws them."""
    random = GoldenRandom(case["seed"])
    model = AudioCNN(case["channels"])
    gammas = case.get("gamma", {})
    parameters = {}
    for block, outputs in enumerate(case["channels"]):
        inputs = 1 if block == 0 else case["channels"][block - 1]
        bound = 1 / math.sqrt(inputs * 9)
        convolution, norm = f"features.{4 * block}", f"features.{4 * block + 1}"
        parameters[f"{convolution}.weight"] = random.array(outputs, inputs, 3, 3, scale=bound)
        parameters[f"{convolution}.bias"] = random.array(outputs, scale=bound)
        gamma = random.array(outputs, scale=0.3, offset=1)
        parameters[f"{norm}.weight"] = np.float32(gammas[str(block)]) if str(block) in gammas else gamma
        parameters[f"{norm}.bias"] = random.array(outputs, scale=0.2)
    bound = 1 / math.sqrt(case["channels"][-1])
    parameters["classifier.2.weight"] = random.array(1, case["channels"][-1], scale=bound)
    parameters["classifier.2.bias"] = random.array(1, scale=bound)
    statistics = {}
    for block, outputs in enumerate(case["channels"]):
        statistics[f"features.{4 * block + 1}.running_mean"] = random.array(outputs, scale=0.1)
        statistics[f"features.{4 * block + 1}.running_var"] = random.array(outputs, scale=0.5, offset=1)
    count = sum(value.size for value in parameters.values())
    moment1 = random.array(count, scale=0.01)
    moment2 = random.array(count, scale=5e-5, offset=1e-4)
    batch, bands, frames = case["batch"], case["bands"], case["frames"]
    features = random.array(batch, 1, bands, frames, scale=1.7)
    for clip, start in enumerate(case.get("silent_from", [])):
        features[clip, :, :, start:] = SILENCE
    if case.get("centre_taps"):
        # Few levels, and kernels that see one pixel: what is equal there ties, whatever lies around it.
        features = np.trunc(features * 2) / 2
        for block in range(len(case["channels"])):
            parameters[f"features.{4 * block}.weight"].reshape(-1, 9)[:, [0, 1, 2, 3, 5, 6, 7, 8]] = 0
    labels = np.float32(case["labels"]) if "labels" in case else np.arange(batch, dtype=np.float32) % 2
    mask = np.where(random.array(batch, case["channels"][-1]) < -0.5, 0, np.float32(4 / 3)).astype(np.float32)
    return model, parameters, statistics, moment1, moment2, features, labels, mask


def flat(tensors):
    return np.concatenate([np.asarray(tensor, dtype=np.float64).ravel() for tensor in tensors])


def run(case, dtype):
    model, parameters, statistics, moment1, moment2, features, labels, mask = draw(case)
    model.to(dtype)
    tensor = lambda values: torch.tensor(values, dtype=dtype)
    model.load_state_dict({name: tensor(values) for name, values in (parameters | statistics).items()}, strict=False)
    names = dict(model.named_parameters())
    ordered = [names[name] for name in parameters]

    model.eval()
    with torch.no_grad():
        maps = model.features[:-1](tensor(features))
        share = model.classifier[2].weight[0] / (maps.shape[2] * maps.shape[3])
        inference = {"logits": model(tensor(features)), "evidence": torch.einsum("nchw,c->nhw", maps, share)}

    model.train()
    margin = math.inf
    value = tensor(features)
    with torch.no_grad():
        for layer in model.features:
            if isinstance(layer, nn.ReLU):
                margin = min(margin, value.abs().min().item())
            if isinstance(layer, nn.MaxPool2d):
                windows = value[:, :, : value.shape[2] // 2 * 2, : value.shape[3] // 2 * 2].unfold(2, 2, 2).unfold(3, 2, 2)
                top = windows.reshape(*windows.shape[:4], 4).sort(dim=-1, descending=True).values
                gap = (top[..., :1] - top[..., 1:]).flatten()
                scale = value.abs().amax().item()
                unequal = gap[gap > 1e-12 * scale]
                margin = min(margin, unequal.min().item() / scale)
            value = layer(value)
    model.load_state_dict({name: tensor(values) for name, values in statistics.items()}, strict=False)

    optimizer = torch.optim.AdamW(ordered, lr=1e-3, weight_decay=1e-2)
    if case["step"] > 0:
        offset = 0
        for parameter in ordered:
            end = offset + parameter.numel()
            optimizer.state[parameter] = {
                "step": torch.tensor(float(case["step"])),
                "exp_avg": tensor(moment1[offset:end]).reshape(parameter.shape),
                "exp_avg_sq": tensor(moment2[offset:end]).reshape(parameter.shape),
            }
            offset = end
    logits = model(tensor(features), tensor(mask))
    weight = tensor(case.get("positive_weight", 1))
    loss = nn.functional.binary_cross_entropy_with_logits(logits, tensor(labels), pos_weight=weight)
    loss.backward()
    gradients = [parameter.grad.detach().clone() for parameter in ordered]
    optimizer.step()
    buffers = dict(model.named_buffers())
    return {
        "loss": loss.item(),
        "gradient": flat(gradients),
        "parameters": flat([parameter.detach() for parameter in ordered]),
        "statistics": flat([buffers[name] for name in statistics]),
        "logits": flat([inference["logits"]]),
        "evidence": flat([inference["evidence"]]),
        "sizes": [parameter.numel() for parameter in ordered],
        "names": list(parameters),
        "evidence_shape": list(inference["evidence"].shape[1:]),
        "margin": margin,
    }


def largest_relative_error(single, double):
    """As the tests measure it: per tensor, relative to its largest value; conv biases have no gradient."""
    worst = abs(single["loss"] - double["loss"]) / double["loss"]
    for key in ("gradient", "parameters"):
        offset = 0
        for name, size in zip(double["names"], double["sizes"]):
            a, b = single[key][offset : offset + size], double[key][offset : offset + size]
            offset += size
            parts = name.split(".")
            if parts[0] == "features" and int(parts[1]) % 4 == 0 and parts[2] == "bias":
                continue
            worst = max(worst, np.abs(a - b).max() / np.abs(b).max())
    a, b = single["statistics"], double["statistics"]
    return max(worst, np.abs(a - b).max() / np.abs(b).max())


def encode(values):
    return b64encode(np.asarray(values).astype("<f4").tobytes()).decode()


def write_checkpoint():
    """What torch.save makes of a small training checkpoint: tensors of their own, a slice, a counter, other things."""
    whole = torch.tensor([1.0, 2.0, 3.0, 4.0])
    state = {
        "layer.weight": torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]),
        "layer.bias": nn.Parameter(torch.tensor([-0.5, 0.25])).data,
        "slice.of.another": whole[2:],
        "layer.num_batches_tracked": torch.tensor(12),
    }
    torch.save({"epoch": 3, "loss": 0.25, "state_dict": state}, Path(__file__).with_name("torch_save.pth"))


def main():
    write_checkpoint()
    results = []
    for index, case in enumerate(CASES):
        for seed in range(100 * index + 1, 100 * index + 100):
            case["seed"] = seed
            double = run(case, torch.float64)
            error = largest_relative_error(run(case, torch.float32), double)
            # A near-tie or near-zero that rounding may flip says nothing about an implementation.
            if double["margin"] > SMALLEST_MARGIN and error < TOLERANCE * 0.6:
                break
        else:
            raise SystemExit(f"no suitable seed for {case['name']}")
        assert error < TOLERANCE, (case["name"], error)
        print(f"{case['name']}: seed {seed}, margin {double['margin']:.1e}, float32 {error:.1e}", file=sys.stderr)
        stride = case.pop("stride", 1)
        maxima, offset = [], 0
        for size in double["sizes"]:
            maxima.append(float(np.abs(double["gradient"][offset : offset + size]).max()))
            offset += size
        results.append(
            case
            | {
                "stride": stride,
                "loss": double["loss"],
                "gradient_maxima": maxima,
                "gradient": encode(double["gradient"][::stride]),
                "next_parameters": encode(double["parameters"][::stride]),
                "next_statistics": encode(double["statistics"]),
                "logits": encode(double["logits"]),
                "evidence_shape": double["evidence_shape"],
                "evidence": encode(double["evidence"][::stride]),
                "float32_error": error,
            }
        )
    print(json.dumps({"torch": torch.__version__, "numpy": np.__version__, "cases": results}))


if __name__ == "__main__":
    main()
