"""Clips and manifest rows in the form the training corpus uses.

A clip is a mono float signal in [-1, 1] at 16 kHz, 1 to 3.5 s long, without leading or trailing
silence, at about -24 dBFS RMS, written as FLAC. The manifest's columns are COLUMNS.
"""

import csv
import fcntl
import hashlib
import math
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

SAMPLE_RATE = 16000
MIN_SECONDS = 1.0
MAX_SECONDS = 3.5
LEVEL_DBFS = -24.0
SILENCE_BELOW_PEAK_DB = 40.0
COLUMNS = [
    "path", "label", "source", "speaker", "system", "part", "seconds",
    "codec_history", "license", "redistribute", "original_path",
]


def to_rate(signal, rate_in, rate_out=SAMPLE_RATE):
    """Resampling in the frequency domain: keeps everything below half the lower rate.

    Usual resamplers fade out from about 0.91 of that. The corpus' 22 and 24 kHz recordings have no such edge
    at 7.3 kHz, so one in the fakes would give them away for a reason that is not their synthesis.
    """
    signal = np.asarray(signal, dtype=np.float64)
    if rate_in == rate_out:
        return signal
    common = math.gcd(rate_in, rate_out)
    step_in, step_out = rate_in // common, rate_out // common
    edge = min(step_in * 2, len(signal) - 1)
    after = edge + -(len(signal) + 2 * edge) % step_in
    padded = np.concatenate([signal[edge:0:-1], signal, np.zeros(after)])
    padded[edge + len(signal): 2 * edge + len(signal)] = signal[-2: -2 - edge: -1]
    out = scipy.signal.resample(padded, len(padded) // step_in * step_out)
    start = round(edge * rate_out / rate_in)
    return out[start: start + math.ceil(len(signal) * rate_out / rate_in)]


def trim_silence(signal, rate=SAMPLE_RATE, margin=0.03):
    """Cuts frames of 20 ms at either end that lie 40 dB or more below the loudest one; keeps `margin` s."""
    frame = int(0.02 * rate)
    count = len(signal) // frame
    if count < 2:
        return signal
    power = np.mean(signal[: count * frame].reshape(count, frame) ** 2, axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-SILENCE_BELOW_PEAK_DB / 10))
    pad = int(margin * rate)
    return signal[max(0, loud[0] * frame - pad): (loud[-1] + 1) * frame + pad]


def crop(signal, rng, shortest=MAX_SECONDS, rate=SAMPLE_RATE):
    """At most MAX_SECONDS from a random position; with `shortest`, a length drawn from there to MAX_SECONDS.

    Spoken sentences run longer than the corpus' genuine clips (mean 2.6 s): drawn from 1.8 s on, they do not.
    """
    length = int(rng.uniform(shortest, MAX_SECONDS) * rate)
    if len(signal) <= length:
        return signal
    start = int(rng.integers(0, len(signal) - length + 1))
    return signal[start: start + length]


def to_level(signal, dbfs=LEVEL_DBFS):
    """Scales to `dbfs` RMS; a clip whose peak would pass -0.1 dBFS is scaled to that peak instead."""
    signal = signal - np.mean(signal)
    rms = np.sqrt(np.mean(signal**2))
    if rms < 1e-6:
        raise ValueError("silent clip")
    signal = signal * (10 ** (dbfs / 20) / rms)
    return signal * min(1.0, 0.988 / np.max(np.abs(signal)))


class Folder:
    """A labelled folder `root/develop/{deepfake,genuine}` with `root/manifest.csv`.

    Making a system anew replaces its clips and rows and leaves the others; several scripts may
    write to one folder at the same time.
    """

    def __init__(self, root):
        self.root = Path(root)
        self.manifest = self.root / "manifest.csv"
        self.remade = set()
        self.added = {}

    def begin(self, system):
        """What is added from now on to `system` replaces what the folder has of it."""
        self.remade.add(system)

    def add(self, signal, *, label, slug, key, **row):
        """Writes one 16 kHz clip and notes its row; `key` names it uniquely. False if shorter than 1 s."""
        seconds = len(signal) / SAMPLE_RATE
        if seconds < MIN_SECONDS or not np.all(np.isfinite(signal)):
            return False
        name = f"{slug}_{hashlib.sha256(key.encode()).hexdigest()[:10]}.flac"
        path = f"develop/{label}/{name}"
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, to_level(signal), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        self.added[path] = {"path": path, "label": label, "part": "develop", "seconds": f"{seconds:.2f}", **row}
        return True

    def save(self):
        """Merges the rows into the manifest, sorted by path, and deletes clips that were replaced."""
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            rows = {row["path"]: row for row in read_manifest(self.root)} if self.manifest.exists() else {}
            for path in [p for p, row in rows.items() if row["system"] in self.remade and p not in self.added]:
                (self.root / path).unlink(missing_ok=True)
                del rows[path]
            rows |= self.added
            partial = self.manifest.with_suffix(".partial")
            with partial.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows[path] for path in sorted(rows))
            partial.replace(self.manifest)


def read_manifest(corpus):
    """Rows of `corpus/manifest.csv`."""
    with (Path(corpus) / "manifest.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def read_clip(path):
    """Mono signal and sample rate."""
    signal, rate = soundfile.read(path, dtype="float64", always_2d=True)
    return signal.mean(axis=1), rate
