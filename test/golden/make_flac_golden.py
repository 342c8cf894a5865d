"""Golden values for test/audio/corpus.test.ts: what libsndfile reads from FLAC files.

    python3 make_flac_golden.py CORPUS > flac.json        needs numpy and soundfile

Every 100th file of the corpus: the SHA-256 of its 16-bit samples, little-endian.
"""

import hashlib
import json
import pathlib
import sys

import soundfile

corpus = pathlib.Path(sys.argv[1])
files = {}
for path in sorted(corpus.glob("*/*/*.flac"))[::100]:
    samples, rate = soundfile.read(path, dtype="int16")
    digest = hashlib.sha256(samples.astype("<i2").tobytes()).hexdigest()
    files[path.relative_to(corpus).as_posix()] = {"rate": rate, "samples": len(samples), "sha256": digest}
versions = {"soundfile": soundfile.__version__, "libsndfile": soundfile.__libsndfile_version__}
print(json.dumps({**versions, "files": files}, indent=1))
