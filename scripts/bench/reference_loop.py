"""The usual way to score a folder in Python: one file after the other, librosa for sound and features, torch for the network.

    python reference_loop.py FOLDER     needs librosa and torch; prints one JSON object with the time of the loop
"""

import json
import sys
import time
from pathlib import Path

import librosa
import numpy as np
import torch
from torch import nn

SAMPLES = 64_000


def network() -> nn.Module:
    def block(inputs: int, outputs: int, pool: nn.Module) -> list[nn.Module]:
        return [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), pool]

    layers = block(1, 16, nn.MaxPool2d(2)) + block(16, 32, nn.MaxPool2d(2)) + block(32, 64, nn.AdaptiveAvgPool2d(1))
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.25), nn.Linear(64, 1)).eval()


def features(path: Path) -> torch.Tensor:
    samples, _ = librosa.load(path, sr=16_000, mono=True)
    samples = np.pad(samples[:SAMPLES], (0, max(0, SAMPLES - len(samples))))
    mel = librosa.feature.melspectrogram(
        y=samples, sr=16_000, n_fft=1024, hop_length=256, n_mels=64, fmin=20, fmax=7600, power=2.0
    )
    decibels = librosa.power_to_db(mel, ref=np.max)
    return torch.from_numpy((decibels - decibels.mean()) / (decibels.std() + 1e-6)).float()[None, None]


def main() -> None:
    files = sorted(path for path in Path(sys.argv[1]).rglob("*") if path.suffix in {".wav", ".mp3"})
    model = network()
    with torch.inference_mode():
        # The first call compiles what numba compiles.
        torch.sigmoid(model(features(files[0])))
        started, cpu = time.perf_counter(), time.process_time()
        for path in files:
            float(torch.sigmoid(model(features(path))))
    print(
        json.dumps(
            {
                "files": len(files),
                "seconds": time.perf_counter() - started,
                "cpu_seconds": time.process_time() - cpu,
                "versions": f"librosa {librosa.__version__}, torch {torch.__version__}",
            }
        )
    )


if __name__ == "__main__":
    main()
