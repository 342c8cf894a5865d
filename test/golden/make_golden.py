"""Golden values for daemon/features, computed with librosa; no audio is stored.

    pip install librosa==0.11.0 soundfile==0.14.0 soxr==1.1.0
    python test/golden/make_golden.py [CORPUS]

CORPUS: a folder with develop/genuine and develop/deepfake (default ../shared/corpus); its clips are read in place.
Writes features.json (what was computed, with which versions) and features.f32 (some columns of each spectrogram).
"""

import hashlib
import json
import sys
from base64 import b64encode
from pathlib import Path

import librosa
import numpy as np
import scipy
import soundfile
import soxr

from golden_random import GoldenRandom

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CORPUS = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "../shared/corpus").resolve()
RATE = 16000
WINDOW = 64000
CLIPS_PER_CLASS = 10
COLUMNS = [*range(0, 251, 8), 250]
EPSILON = 1e-6


def reference_features(samples):
    """The reference's input: 64 mel bands, the whole clip's mean and standard deviation taken out."""
    window = np.zeros(WINDOW, dtype=np.float32)
    window[: min(WINDOW, len(samples))] = samples[:WINDOW]
    power = librosa.feature.melspectrogram(
        y=window, sr=RATE, n_fft=1024, hop_length=256, n_mels=64, fmin=20, fmax=7600, power=2.0
    )
    decibels = librosa.power_to_db(power, ref=np.max)
    return (decibels - decibels.mean()) / (decibels.std() + EPSILON)


def linear_filterbank(bands, n_fft, fmin, fmax):
    """Triangles of equal width in hertz over the bins of a power spectrum, area-normalised as librosa's Slaney filters are."""
    edges = np.linspace(fmin, fmax, bands + 2)
    bins = np.arange(n_fft // 2 + 1) * RATE / n_fft
    rising = (bins[None, :] - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins[None, :]) / np.diff(edges)[1:, None]
    return np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]


def linear_features(samples):
    """Equal-width bands from 0 to 8 kHz, each band's mean taken out, short clips repeated; float64 and numpy only."""
    window = np.resize(samples, WINDOW) if len(samples) < WINDOW else samples[:WINDOW]
    padded = np.pad(window.astype(np.float64), 512)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1024) / 1024)
    frames = np.stack([padded[start : start + 1024] * hann for start in range(0, WINDOW + 1, 256)], axis=1)
    power = np.abs(np.fft.rfft(frames, axis=0)) ** 2
    bands = linear_filterbank(64, 1024, 0, 8000) @ power
    decibels = 10 * np.log10(np.maximum(bands, 1e-10)) - 10 * np.log10(max(bands.max(), 1e-10))
    decibels = np.maximum(decibels, -80)
    centred = decibels - decibels.mean(axis=1, keepdims=True)
    return centred / (np.sqrt(np.mean(centred**2)) + EPSILON)


def synthetic_signals():
    """Signals that syntheticSignals.ts makes too."""
    seconds = lambda count: np.arange(count) / RATE
    tone = np.zeros(48000)
    tone[16000:] = 0.5 * np.sin(2 * np.pi * 440 * seconds(32000))
    sweep = 0.3 * np.sin(2 * np.pi * (100 + 500 * seconds(96000)) * seconds(96000))
    impulse = np.zeros(WINDOW)
    impulse[30000] = 1
    square = np.where(np.arange(20000) % 64 < 32, 1.0, -1.0)
    signals = {
        "silence, then a tone": tone,
        "white noise": GoldenRandom(1).array(WINDOW, scale=0.25),
        "faint noise with an offset": GoldenRandom(2).array(WINDOW, scale=1e-4, offset=0.01),
        "a hundred samples": GoldenRandom(3).array(100, scale=0.5),
        "one sample": np.array([0.5]),
        "six seconds of a sweep": sweep,
        "an impulse": impulse,
        "a full-scale square wave": square,
        "digital silence": np.zeros(WINDOW),
    }
    return {name: signal.astype(np.float32) for name, signal in signals.items()}


def sparse_rows(weights):
    """Each row's first non-zero bin and its non-zero weights."""
    rows = [np.flatnonzero(row) for row in weights]
    return [
        {"first": int(bins[0]), "weights": b64encode(row[bins].astype("<f4").tobytes()).decode()}
        for bins, row in zip(rows, weights)
    ]


def files():
    """(path as the test finds it, absolute path) of the clips that soundfile reads losslessly."""
    for label in ("genuine", "deepfake"):
        clips = sorted((CORPUS / "develop" / label).glob("*.flac"))
        for clip in clips[:: len(clips) // CLIPS_PER_CLASS][:CLIPS_PER_CLASS]:
            yield "corpus", str(clip.relative_to(CORPUS)), clip
    for clip in sorted((ROOT / "media/samples").glob("*")):
        if clip.suffix in (".wav", ".flac"):
            yield "samples", clip.name, clip


def main():
    stored = []
    entries = []

    def add(group, name, features, **facts):
        entries.append({"group": group, "name": name, **facts})
        stored.append(features[:, COLUMNS].astype("<f4"))

    for group, name, path in files():
        samples, _ = librosa.load(path, sr=RATE, mono=True)
        add(group, name, reference_features(samples), sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    for name, samples in synthetic_signals().items():
        add("synthetic", name, reference_features(samples))
        add("linear", name, linear_features(samples))

    mel = librosa.filters.mel(sr=RATE, n_fft=1024, n_mels=64, fmin=20, fmax=7600)
    manifest = {
        "versions": {module.__name__: module.__version__ for module in (librosa, np, scipy, soundfile, soxr)},
        "columns": COLUMNS,
        "rows": 64,
        "filterbank": {"mel": sparse_rows(mel), "linear": sparse_rows(linear_filterbank(64, 1024, 0, 8000))},
        "entries": entries,
    }
    (HERE / "features.json").write_text(json.dumps(manifest) + "\n")
    (HERE / "features.f32").write_bytes(b"".join(values.tobytes() for values in stored))


if __name__ == "__main__":
    main()
