"""Runs a model that `deepfake-audio export --onnx` wrote, without this project: NumPy and ONNX Runtime.

    python3 predict.py MODEL.onnx model_config.json CLIP.wav...

Prints a line of JSON per clip with the calibrated probability of Deepfake. Reads 16-bit WAV at the model's sample rate; resample
anything else first. docs/onnx.md has the same in formulas.
"""
import json
import sys
import wave

import numpy as np
import onnxruntime


def read_wav(path, rate):
    """Mono samples in [-1, 1)."""
    with wave.open(path) as file:
        if file.getsampwidth() != 2 or file.getframerate() != rate:
            sys.exit(f"error: {path} is not a 16-bit WAV at {rate} Hz.")
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
        return samples.reshape(-1, file.getnchannels()).mean(axis=1, dtype=np.float32)


def filterbank(audio):
    """bands x bins triangles of equal area; Slaney's mel scale or equal widths in hertz."""
    step = np.log(6.4) / 27
    to_mel = lambda f: f * 3 / 200 if f < 1000 else 15 + np.log(f / 1000) / step
    to_hertz = lambda m: m * 200 / 3 if m < 15 else 1000 * np.exp(step * (m - 15))
    low, high, bands = audio["fmin"], audio["fmax"], audio["n_mels"]
    if audio.get("scale", "mel") == "linear":
        edges = np.linspace(low, high, bands + 2)
    else:
        edges = np.array([to_hertz(m) for m in np.linspace(to_mel(low), to_mel(high), bands + 2)])
    bins = np.arange(audio["n_fft"] // 2 + 1) * audio["sample_rate"] / audio["n_fft"]
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
    return np.maximum(triangles, 0) * 2 / (right - left)


def features(window, audio, filters):
    """1 x bands x frames: the network's input for one window."""
    n_fft, hop = audio["n_fft"], audio["hop_length"]
    padded = np.pad(window.astype(np.float64), n_fft // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    power = filters @ (np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2).T
    decibels = 10 * np.log10(np.maximum(power, 1e-10))
    decibels = np.maximum(decibels - decibels.max(), -80)
    normalization = audio.get("normalization", "clip")
    if normalization == "frame-and-band":
        decibels -= decibels.mean(axis=0, keepdims=True)
    decibels -= decibels.mean(axis=None if normalization == "clip" else 1, keepdims=True)
    return (decibels / (np.sqrt(np.mean(decibels**2)) + 1e-6)).astype(np.float32)[None]


def windows(samples, config):
    """The audible windows; a clip that is shorter than one is filled up."""
    audio, policy = config["audio"], config.get("windows", {"use": "first", "overlap": 0.5})
    length = round(audio["duration"] * audio["sample_rate"])
    if policy["use"] == "first":
        samples = samples[:length]
    if len(samples) < length:
        level = np.sqrt(np.mean(samples.astype(np.float64) ** 2))
        tile = audio.get("padding", "zero") == "tile"
        filled = np.resize(samples, length) if tile else np.pad(samples, (0, length - len(samples)))
        return [(filled, level)]
    hop = max(1, round(length * (1 - policy["overlap"])))
    starts = [*range(0, len(samples) - length, hop), len(samples) - length]
    cut = [samples[start : start + length] for start in starts]
    levels = [np.sqrt(np.mean(window.astype(np.float64) ** 2)) for window in cut]
    floor = max(1e-4, max(levels) / 100)
    audible = [(window, level) for window, level in zip(cut, levels) if level >= floor]
    return audible or [(cut[0], levels[0])]


def main(model, config_path, *clips):
    with open(config_path, encoding="utf-8") as file:
        config = json.load(file)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    filters = filterbank(config["audio"])
    calibration = config.get("calibration", {"scale": 1, "offset": 0})
    for clip in clips:
        samples = read_wav(clip, config["audio"]["sample_rate"])
        batch = np.stack([features(window, config["audio"], filters) for window, _ in windows(samples, config)])
        logit = float(np.mean(session.run(["logit"], {"features": batch})[0], dtype=np.float64))
        probability = 1 / (1 + np.exp(-(calibration["scale"] * logit + calibration["offset"])))
        print(json.dumps({"file": clip, "deepfake_probability": float(probability), "logit": logit, "windows": len(batch)}))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
