/** The two classes, in the order of the model's output: 0 and 1. */
export const CLASS_NAMES = ['Genuine', 'Deepfake'] as const;
export type Label = (typeof CLASS_NAMES)[number];

/** What the user is told. Inconclusive where the probability or the input does not support either label. */
export type Decision = Label | 'Inconclusive';

/** One window of the file that the network looked at. */
export interface WindowScore {
  /** Start and end in seconds from the beginning of the file. */
  start: number;
  end: number;
  /** Calibrated probability of Deepfake in [0, 1]. */
  deepfakeProbability: number;
  /** The network's raw output before calibration. */
  logit: number;
}

/** Facts about the file and how it was decoded. */
export interface AudioFacts {
  /** Container as found in the content, e.g. 'wav', 'mp3', 'mp4'. */
  container: string;
  codec: string;
  /** Sample rate of the file in hertz, before resampling. */
  sampleRate: number;
  channels: number;
  bitsPerSample?: number;
  /** Seconds of sound decoded. */
  duration: number;
  /** Size of the file in bytes. */
  bytes: number;
  /** What decoded it, e.g. 'wav-decoder', 'ffmpeg'. */
  decoder: string;
  /** Oddities worth telling the user, one sentence each. */
  warnings: string[];
}

/** The model that a verdict came from. */
export interface ModelFacts {
  name: string;
  /** Path of the checkpoint. */
  checkpoint: string;
  /** SHA-256 of the checkpoint file, hexadecimal. */
  sha256: string;
}

/** What AudioCNN can run on. */
export const ENGINES = ['onnxruntime', 'onnxruntime-web', 'tfjs'] as const;
export type EngineName = (typeof ENGINES)[number];
export const DEVICES = ['cpu', 'webgpu', 'cuda'] as const;
export type Device = (typeof DEVICES)[number];

/** What computed. */
export interface EngineFacts {
  name: EngineName;
  device: Device;
}

/** A matrix of numbers quantised to bytes for drawing: value = minimum + byte / 255 · (maximum − minimum). */
export interface ByteMatrix {
  rows: number;
  columns: number;
  minimum: number;
  maximum: number;
  /** Row-major bytes, base64. Row 0 is the lowest frequency. */
  data: string;
}

/** A log spectrogram for drawing. */
export interface SpectrogramImage extends ByteMatrix {
  /** Centre frequency of each row in hertz, ascending. */
  frequencies: number[];
  /** Seconds; column c is centred at start + c · secondsPerColumn. */
  start: number;
  secondsPerColumn: number;
  /** Unit of the values, 'dB' relative to the loudest point. */
  unit: 'dB';
}

/** How much each region pushes the logit towards Deepfake (positive) or Genuine (negative). */
export interface EvidenceMap extends ByteMatrix {
  /** Seconds covered by the whole map: `duration` of them from `start` on. */
  start: number;
  duration: number;
  /** Lowest and highest frequency covered, in hertz. */
  fmin: number;
  fmax: number;
  /** What the silence that a short clip was filled up with adds to the logit; it lies outside the file and the map. */
  outside: number;
}

/** A waveform for drawing: the lowest and the highest sample of each column, which covers `secondsPerColumn`. */
export interface WaveformImage {
  columns: number;
  /** Seconds at which the first column begins. */
  start: number;
  secondsPerColumn: number;
  /** Base64 of signed bytes, lowest and highest in turn; ±127 is full scale. */
  peaks: string;
}

/** What a report draws. */
export interface Pictures {
  spectrogram: SpectrogramImage;
  waveform: WaveformImage;
  evidence: EvidenceMap;
}

/** How the sound was made ready for the network. */
export interface Preparation {
  /** Hertz, after resampling. */
  sampleRate: number;
  /** Seconds that the network sees at once. */
  window: number;
  /** What sound shorter than a window was filled up with; absent where it was long enough. */
  filledWith?: 'silence' | 'repeats';
  /** Largest absolute sample after averaging the channels and resampling; 1 is full scale. */
  peak: number;
}

/** The answer for one file. The first four fields are the reference's. */
export interface Verdict {
  label: Label;
  /** Probability of the label given, in [0, 1]. */
  confidence: number;
  deepfakeProbability: number;
  threshold: number;
  decision: Decision;
  /** Why the decision is Inconclusive, one sentence each; empty otherwise. */
  reasons: string[];
  file: string;
  windows: WindowScore[];
  audio: AudioFacts;
  model: ModelFacts;
  /** What computed the logits. Every engine's agree to within 1e-4. */
  engine: EngineFacts;
  /** Present when asked for: of the whole file, at a resolution for the screen. */
  spectrogram?: SpectrogramImage;
  waveform?: WaveformImage;
  evidence?: EvidenceMap;
  preparation?: Preparation;
}
