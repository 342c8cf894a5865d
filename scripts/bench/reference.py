"""The reference's side of `npm run bench`: AudioCNN in PyTorch and log-mel in librosa, measured on request.

Reads one JSON object per line from standard input, {"measure": NAME, "seconds": S, "threads": N, ...}, and answers each
with one line {"rate": per second, "unit": "..."} on standard output; the first line names the versions.
"""

import json
import sys
import time

import librosa
import numpy as np
import torch
from torch import nn


class AudioCNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        )
        self.classifier = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(64, 1))

    def forward(self, x):
        return self.classifier(self.features(x)).squeeze(1)


def rate_of(work, items, seconds):
    """Items per second: the median over repetitions that fill `seconds`, after three that are not counted."""
    for _ in range(3):
        work()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return items / sorted(times)[len(times) // 2]


def network(channels_last, batch):
    torch.manual_seed(0)
    model = AudioCNN()
    x = torch.randn(batch, 1, 64, 251)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
        x = x.contiguous(memory_format=torch.channels_last)
    return model, x


def training(request):
    model, x = network(request["channelsLast"], request["batch"])
    y = (torch.arange(request["batch"]) % 2).float()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    loss_of = nn.BCEWithLogitsLoss(pos_weight=torch.tensor(1.0))
    model.train()

    def step():
        optimizer.zero_grad()
        loss_of(model(x), y).backward()
        optimizer.step()

    return rate_of(step, request["batch"], request["seconds"])


def inference(request):
    model, x = network(request["channelsLast"], request["batch"])
    model.eval()
    with torch.inference_mode():
        return rate_of(lambda: model(x), request["batch"], request["seconds"])


def features(request):
    samples = np.random.default_rng(0).standard_normal(64000).astype(np.float32) * 0.1

    def extract():
        power = librosa.feature.melspectrogram(
            y=samples, sr=16000, n_fft=1024, hop_length=256, n_mels=64, fmin=20, fmax=7600, power=2.0
        )
        decibels = librosa.power_to_db(power, ref=np.max)
        return (decibels - decibels.mean()) / (decibels.std() + 1e-6)

    return rate_of(extract, 1, request["seconds"])


def main():
    versions = f"Python {sys.version.split()[0]}, PyTorch {torch.__version__}, librosa {librosa.__version__}"
    print(json.dumps({"versions": versions}), flush=True)
    measures = {"training": training, "inference": inference, "features": features}
    for line in sys.stdin:
        request = json.loads(line)
        torch.set_num_threads(request["threads"])
        print(json.dumps({"rate": measures[request["measure"]](request)}), flush=True)


main()
