"""Two small neural generators trained on genuine speech of the corpus, for copy-synthesis.

    python small_networks.py train codec|vocoder --corpus CORPUS --out FILE.pt --minutes 20

`codec` is a convolutional autoencoder with residual vector quantisation in the manner of SoundStream and
EnCodec (16 kHz, 50 frames/s, up to 8 codebooks of 256). `vocoder` turns an 80-band log-mel into a waveform
with transposed convolutions and periodic (snake) activations in the manner of HiFi-GAN and BigVGAN.
Both learn from mel and STFT distances, then against STFT discriminators. On one core and in minutes they
stay rough, which is the point: another way in which speech can be false. Weights of several moments of
the training are kept, the later ones the cleaner.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

import clips

RATE = clips.SAMPLE_RATE
SEGMENT = 12800  # samples; a multiple of both hops
MEL_HOP = 256
MOMENTS = (0.25, 0.5, 1.0)  # parts of the training time after which weights are kept
ADVERSARIAL_FROM = 0.3


def conv(a, b, size, **named):
    return weight_norm(nn.Conv1d(a, b, size, **named))


class Snake(nn.Module):
    """x + sin(ax)^2 / a with one learnt a per channel."""

    def __init__(self, channels):
        super().__init__()
        self.log_a = nn.Parameter(torch.zeros(1, channels, 1))

    def forward(self, x):
        a = self.log_a.exp()
        return x + torch.sin(a * x) ** 2 / (a + 1e-6)


class Residual(nn.Module):
    def __init__(self, channels, activation, dilations=(1, 3)):
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(
                activation(channels), conv(channels, channels, 3, dilation=d, padding=d), activation(channels), conv(channels, channels, 1),
            ) for d in dilations
        )

    def forward(self, x):
        for block in self.blocks:
            x = x + block(x)
        return x


def elu(_):
    return nn.ELU()


def upsample(a, b, stride):
    return weight_norm(nn.ConvTranspose1d(a, b, 2 * stride, stride, padding=(stride + 1) // 2, output_padding=stride % 2))


class Quantiser(nn.Module):
    """Residual vector quantisation; codebooks follow their vectors by moving averages."""

    def __init__(self, books=8, size=256, width=64):
        super().__init__()
        self.register_buffer("code", torch.randn(books, size, width) * 0.3)
        self.register_buffer("count", torch.ones(books, size))
        self.register_buffer("total", self.code.clone())

    def forward(self, z, books=None):
        books = books or len(self.code)
        flat = z.transpose(1, 2).reshape(-1, z.shape[1])
        rest, out = flat, torch.zeros_like(flat)
        for i in range(books):
            index = torch.cdist(rest.detach(), self.code[i]).argmin(1)
            chosen = self.code[i][index]
            if self.training:
                with torch.no_grad():
                    one = F.one_hot(index, self.code.shape[1]).type_as(flat)
                    self.count[i].mul_(0.98).add_(one.sum(0), alpha=0.02)
                    self.total[i].mul_(0.98).add_(one.t() @ rest.detach(), alpha=0.02)
                    self.code[i] = self.total[i] / self.count[i].clamp_min(1e-3)[:, None]
                    dead = self.count[i] < 0.02
                    if dead.any():
                        fresh = rest.detach()[torch.randint(len(rest), (int(dead.sum()),))]
                        self.code[i][dead], self.total[i][dead], self.count[i][dead] = fresh, fresh, 1.0
            out = out + chosen
            rest = rest - chosen
        commitment = F.mse_loss(flat, out.detach())
        out = flat + (out - flat).detach()
        return out.reshape(z.shape[0], -1, z.shape[1]).transpose(1, 2), commitment


class Codec(nn.Module):
    def __init__(self, base=24, first=4, strides=(4, 4, 5), width=64):
        super().__init__()
        layers, channels = [conv(1, base, 2 * first, stride=first, padding=first // 2)], base
        for s in strides:
            layers += [Residual(channels, elu), nn.ELU(), conv(channels, 2 * channels, 2 * s, stride=s, padding=(s + 1) // 2)]
            channels *= 2
        self.encoder = nn.Sequential(*layers, nn.ELU(), conv(channels, width, 3, padding=1))
        self.quantiser = Quantiser(width=width)
        layers = [conv(width, channels, 7, padding=3)]
        for s in reversed(strides):
            layers += [nn.ELU(), upsample(channels, channels // 2, s), Residual(channels // 2, elu)]
            channels //= 2
        self.decoder = nn.Sequential(*layers, nn.ELU(), upsample(channels, 1, first), nn.Tanh())

    def forward(self, x, books=None):
        z, commitment = self.quantiser(self.encoder(x), books)
        return self.decoder(z)[..., : x.shape[-1]], commitment


class Mel(nn.Module):
    """Log-mel of (batch, samples): natural logarithm of Slaney mel magnitudes, floored at 1e-5."""

    def __init__(self, size, hop, bands):
        super().__init__()
        import librosa

        self.size, self.hop = size, hop
        self.register_buffer("bank", torch.from_numpy(librosa.filters.mel(sr=RATE, n_fft=size, n_mels=bands)))
        self.register_buffer("window", torch.hann_window(size))

    def forward(self, x):
        spectrum = torch.stft(x, self.size, self.hop, window=self.window, return_complex=True).abs()
        return torch.log((self.bank @ spectrum).clamp_min(1e-5))


class Vocoder(nn.Module):
    def __init__(self, channels=192, strides=(8, 8), last=4):
        super().__init__()
        self.mel = Mel(1024, MEL_HOP, 80)
        layers = [conv(80, channels, 7, padding=3)]
        for s in strides:
            layers += [Snake(channels), upsample(channels, channels // 2, s), Residual(channels // 2, Snake, (1, 3, 5))]
            channels //= 2
        self.decoder = nn.Sequential(*layers, Snake(channels), upsample(channels, 1, last), nn.Tanh())

    def forward(self, x, books=None):
        mel = self.mel(x[:, 0])
        return self.decoder((mel + 5) / 2.5)[..., : x.shape[-1]], torch.zeros(())


class Discriminator(nn.Module):
    """Two-dimensional convolutions over the complex STFT at two resolutions."""

    def __init__(self, sizes=(256, 1024), channels=12):
        super().__init__()
        self.sizes = sizes
        self.nets = nn.ModuleList(
            nn.ModuleList([
                weight_norm(nn.Conv2d(2, channels, (7, 3), stride=(2, 1), padding=(3, 1))),
                weight_norm(nn.Conv2d(channels, channels, (5, 3), stride=(2, 1), padding=(2, 1))),
                weight_norm(nn.Conv2d(channels, channels, (5, 3), stride=(2, 2), padding=(2, 1))),
                weight_norm(nn.Conv2d(channels, 1, 3, padding=1)),
            ]) for _ in sizes
        )

    def forward(self, x):
        scores, features = [], []
        for size, net in zip(self.sizes, self.nets):
            h = torch.stft(x[:, 0], size, size // 4, window=torch.hann_window(size), return_complex=True)
            h = torch.view_as_real(h).permute(0, 3, 1, 2)
            h = h / (h.abs() + 1e-3) * (h.abs() + 1e-3) ** 0.3
            for layer in net[:-1]:
                h = F.leaky_relu(layer(h), 0.1)
                features.append(h)
            scores.append(net[-1](h))
        return scores, features


def spectral_distance(mels, x, y):
    loss = 0
    for mel in mels:
        loss = loss + F.l1_loss(mel(y[:, 0]), mel(x[:, 0]))
    for size in (1024,):
        a, b = (torch.stft(s[:, 0], size, size // 4, window=torch.hann_window(size), return_complex=True).abs() for s in (x, y))
        loss = loss + torch.linalg.vector_norm(a - b) / torch.linalg.vector_norm(a).clamp_min(1e-3)
    return loss


NETWORKS = {"codec": Codec, "vocoder": Vocoder}


def train(kind, signals, minutes, seed):
    """Returns [(part of the time, state dict)]."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    net, judge = NETWORKS[kind](), Discriminator()
    mels = nn.ModuleList([Mel(512, 128, 64), Mel(2048, 512, 120)])
    best = torch.optim.AdamW(net.parameters(), 8e-4, betas=(0.8, 0.99))
    against = torch.optim.AdamW(judge.parameters(), 4e-4, betas=(0.8, 0.99))
    start, kept, step = time.process_time(), [], 0
    while len(kept) < len(MOMENTS):
        done = (time.process_time() - start) / (60 * minutes)
        if done >= MOMENTS[len(kept)]:
            kept.append((MOMENTS[len(kept)], {k: v.half().clone() for k, v in net.state_dict().items()}))
        for group in best.param_groups:
            group["lr"] = 8e-4 * max(0.1, 1 - done)
        batch = []
        for signal in rng.choice(len(signals), 4):
            signal = signals[signal]
            at = int(rng.integers(0, len(signal) - SEGMENT + 1))
            batch.append(signal[at: at + SEGMENT] * rng.uniform(0.4, 1.0))
        x = torch.from_numpy(np.stack(batch)).float()[:, None]
        net.train()
        y, commitment = net(x, int(rng.integers(1, 9)) if kind == "codec" else None)
        loss = spectral_distance(mels, x, y) + 0.25 * commitment + F.l1_loss(x, y)
        if done > ADVERSARIAL_FROM:
            real, fake = judge(x)[0], judge(y.detach())[0]
            against.zero_grad()
            sum(F.relu(1 - r).mean() + F.relu(1 + f).mean() for r, f in zip(real, fake)).backward()
            against.step()
            with torch.no_grad():
                wanted = judge(x)[1]
            scores, features = judge(y)
            loss = loss + 0.3 * sum(-s.mean() for s in scores) + sum(F.l1_loss(a, b) for a, b in zip(features, wanted))
        best.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 5)
        best.step()
        if step % 200 == 0:
            print(f"step {step} {done:.0%} loss {loss.item():.3f} commitment {commitment.item():.3f}", flush=True)
        step += 1
    return kept


def load(path):
    """[(part of the training time, network in evaluation mode)] of a file that `train` wrote."""
    stored = torch.load(path, weights_only=True)
    out = []
    for part, state in stored["moments"]:
        net = NETWORKS[stored["kind"]]()
        net.load_state_dict({k: v.float() for k, v in state.items()})
        out.append((part, net.eval()))
    return out


@torch.no_grad()
def rebuild(net, signal, books=None):
    """A 16 kHz signal through the network."""
    padded = np.pad(signal, (0, -len(signal) % SEGMENT))
    return net(torch.from_numpy(padded).float()[None, None], books)[0].numpy().ravel()[: len(signal)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["train"])
    parser.add_argument("kind", choices=list(NETWORKS))
    parser.add_argument("--corpus", required=True, type=Path)
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--minutes", default=20, type=float, help="of one core's time")
    parser.add_argument("--seed", default=1, type=int)
    options = parser.parse_args()
    torch.set_num_threads(1)
    signals = []
    for row in clips.read_manifest(options.corpus):
        if row["part"] == "develop" and row["label"] == "genuine" and not row["codec_history"].count("8k"):
            signal, _ = clips.read_clip(options.corpus / row["path"])
            if len(signal) >= SEGMENT:
                signals.append((signal * (0.9 / np.max(np.abs(signal)))).astype(np.float32))
    print(f"{len(signals)} clips")
    kept = train(options.kind, signals, options.minutes, options.seed)
    torch.save({"kind": options.kind, "moments": kept}, options.out)


if __name__ == "__main__":
    main()
