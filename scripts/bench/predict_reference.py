"""The reference's `predict` from process start to answer, for `npm run bench`: librosa, PyTorch, one clip."""

import sys

import librosa
import numpy as np
import torch
from torch import nn

features = nn.Sequential(
    nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
)
model = nn.Sequential(features, nn.Flatten(), nn.Dropout(0.25), nn.Linear(64, 1)).eval()
samples, _ = librosa.load(sys.argv[1], sr=16000, mono=True)
samples = np.pad(samples[:64000], (0, max(0, 64000 - len(samples))))
power = librosa.feature.melspectrogram(
    y=samples, sr=16000, n_fft=1024, hop_length=256, n_mels=64, fmin=20, fmax=7600, power=2.0
)
decibels = librosa.power_to_db(power, ref=np.max)
normalized = (decibels - decibels.mean()) / (decibels.std() + 1e-6)
with torch.inference_mode():
    print(torch.sigmoid(model(torch.from_numpy(normalized)[None, None])).item())
