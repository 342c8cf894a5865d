"""Golden values for test/audio/resample.test.ts: soxr HQ, the resampler behind librosa.load.

    python3 make_resample_golden.py > resample.json        needs numpy and soxr
"""

import base64
import json

import numpy as np
import soxr

TARGET = 16000
SECONDS = 0.08
RATES = [8000, 11025, 22050, 24000, 32000, 44100, 48000, 96000, 192000]


def signal(rate):
    """A sweep to beyond the Nyquist frequency of the target plus noise; the test computes the same."""
    count = round(rate * SECONDS) + 3
    state = rate
    samples = []
    for i in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        t = i / rate
        sweep = np.sin(2 * np.pi * (50 + 60000 * t) * t)
        samples.append(0.4 * sweep + 0.2 * (state / 2**32 - 0.5))
    return np.array(samples, dtype=np.float32)


cases = []
for rate in RATES:
    output = soxr.resample(signal(rate), rate, TARGET, "HQ")
    encoded = base64.b64encode(output.astype("<f4").tobytes()).decode()
    cases.append({"rate": rate, "samples": encoded})
print(json.dumps({"soxr": soxr.__version__, "libsoxr": soxr.__libsoxr_version__, "seconds": SECONDS, "cases": cases}))
