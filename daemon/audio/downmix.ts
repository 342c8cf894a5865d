/**
 * The mean of all channels, as librosa's to_mono. One array per channel, all of the same length.
 * A single channel is returned itself, not a copy.
 */
export function downmix(channels: Float32Array[]): Float32Array {
  const [first, second] = channels;
  if (channels.length === 1) {
    return first;
  }
  const mono = new Float32Array(first.length);
  if (channels.length === 2) {
    for (let i = 0; i < mono.length; i++) {
      mono[i] = (first[i] + second[i]) / 2;
    }
    return mono;
  }
  for (let i = 0; i < mono.length; i++) {
    let sum = 0;
    for (const channel of channels) {
      sum += channel[i];
    }
    mono[i] = sum / channels.length;
  }
  return mono;
}
