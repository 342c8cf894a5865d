import { t } from '@vscode/l10n';
import { SLICE_SECONDS } from '../../shared/playableAudio.ts';
import type { PlayableAudioResult } from '../../shared/protocol.ts';
import { base64Bytes } from './base64.ts';

/** Files from this size on are played in slices from the daemon: a webview would load them as a whole. */
const LARGEST_WHOLE_FILE_BYTES = 64e6;
/** Seconds before the end of a slice at which the next one is asked for. */
const AHEAD_SECONDS = 30;

export interface AudioSource {
  uri: string;
  bytes: number;
}

export interface PlayerHost {
  /** The position has changed. */
  onMove(seconds: number, playing: boolean): void;
  /** What the user should know; empty for nothing. */
  onNote(note: string): void;
  /** A slice of the sound is needed, from a position in seconds on; `addSlice` or `showNotPlayable` answers. */
  needSlice(start: number): void;
}

interface Slice {
  start: number;
  duration: number;
  last: boolean;
  url: string;
}

/** Where to go on as soon as the slice that holds it is there. */
interface Destination {
  seconds: number;
  playing: boolean;
}

/** Plays a file, or slices of it where the webview cannot play it or it is large, through one audio element. */
export class Player {
  private sliced = false;
  private slice: Slice | undefined;
  private next: Slice | undefined;
  /** The start of the slice that was asked for and has not come. */
  private pending: number | undefined;
  /** Set while the position lies in no slice that is there; what the audio element holds is then out of date. */
  private destination: Destination | undefined;
  /** Where the sound is known to end, in seconds. */
  private end = Number.POSITIVE_INFINITY;

  constructor(
    private readonly audio: HTMLAudioElement,
    private readonly host: PlayerHost,
  ) {
    audio.addEventListener('error', () => this.handleError());
    audio.addEventListener('ended', () => this.handleEnded());
    const follow = () => {
      this.tell();
      if (!audio.paused) requestAnimationFrame(follow);
    };
    for (const event of ['play', 'pause', 'seeked', 'timeupdate']) audio.addEventListener(event, follow);
    audio.addEventListener('timeupdate', () => this.lookAhead());
  }

  /** Takes another file, or the same anew. */
  open({ uri, bytes }: AudioSource): void {
    this.close();
    this.host.onNote('');
    this.sliced = bytes > LARGEST_WHOLE_FILE_BYTES;
    if (!this.sliced) this.audio.src = uri;
  }

  close(): void {
    for (const slice of [this.slice, this.next]) if (slice !== undefined) URL.revokeObjectURL(slice.url);
    this.slice = undefined;
    this.next = undefined;
    this.pending = undefined;
    this.destination = undefined;
    this.end = Number.POSITIVE_INFINITY;
    this.audio.removeAttribute('src');
    // Without it the element goes on with what it had.
    this.audio.load();
  }

  get seconds(): number {
    return this.destination?.seconds ?? (this.slice?.start ?? 0) + this.audio.currentTime;
  }

  get playing(): boolean {
    return this.destination?.playing ?? !this.audio.paused;
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  seek(seconds: number): void {
    if (!this.sliced) {
      this.audio.currentTime = seconds;
      this.host.onMove(seconds, this.playing);
      return;
    }
    const { slice, playing } = this;
    if (slice === undefined || !holds(slice, seconds)) {
      this.goTo(seconds, playing);
      return;
    }
    if (this.destination !== undefined) {
      this.destination = undefined;
      this.pending = undefined;
      this.host.onNote(t('Played from a converted copy.'));
    }
    this.audio.currentTime = seconds - slice.start;
    if (playing) this.startAudio();
    this.tell();
  }

  addSlice({ wav, start, duration, last }: PlayableAudioResult): void {
    if (!this.sliced || this.pending !== start) return;
    this.pending = undefined;
    if (duration === 0) {
      this.handleNothingThere(start);
      return;
    }
    const url = URL.createObjectURL(new Blob([base64Bytes(wav)], { type: 'audio/wav' }));
    const slice = { start, duration, last: last || start + duration >= this.end, url };
    if (this.destination === undefined) this.next = slice;
    else this.use(slice, this.destination);
  }

  showNotPlayable(message: string): void {
    this.pending = undefined;
    if (this.destination !== undefined) this.destination.playing = false;
    this.host.onNote(message);
    this.tell();
  }

  private play(): void {
    if (!this.sliced) this.startAudio();
    else if (this.destination !== undefined) this.goTo(this.destination.seconds, true);
    else if (this.slice === undefined || this.audio.ended) this.goTo(0, true);
    else this.startAudio();
  }

  private pause(): void {
    if (this.destination !== undefined) this.destination.playing = false;
    this.audio.pause();
    this.tell();
  }

  private startAudio(): void {
    // Rejected where something else comes between, which its own events tell.
    void this.audio.play().catch(() => this.tell());
  }

  private tell(): void {
    this.host.onMove(this.seconds, this.playing);
  }

  /** Goes on at a position outside the slice at hand. */
  private goTo(seconds: number, playing: boolean): void {
    const start = Math.floor(seconds / SLICE_SECONDS) * SLICE_SECONDS;
    this.destination = { seconds, playing };
    this.audio.pause();
    if (this.next?.start === start) {
      this.use(this.next, this.destination);
      return;
    }
    this.host.onNote(t('Preparing the sound for playing…'));
    this.ask(start);
    this.tell();
  }

  private ask(start: number): void {
    if (this.pending === start) return;
    this.pending = start;
    this.host.needSlice(start);
  }

  /** The sound ends before the slice that was asked for; the one before it holds the end. */
  private handleNothingThere(start: number): void {
    this.end = start;
    if (this.destination === undefined) {
      if (this.slice !== undefined) this.slice.last = true;
    } else if (start > 0) {
      this.ask(start - SLICE_SECONDS);
    } else {
      this.destination = undefined;
      this.host.onNote('');
    }
    this.tell();
  }

  private use(slice: Slice, { seconds, playing }: Destination): void {
    if (this.slice !== undefined) URL.revokeObjectURL(this.slice.url);
    if (this.next !== undefined && this.next !== slice) URL.revokeObjectURL(this.next.url);
    this.slice = slice;
    this.next = undefined;
    this.destination = undefined;
    this.host.onNote(t('Played from a converted copy.'));
    this.audio.src = slice.url;
    this.audio.currentTime = Math.min(slice.duration, Math.max(0, seconds - slice.start));
    if (playing) this.startAudio();
    this.tell();
  }

  private lookAhead(): void {
    const { slice } = this;
    if (!this.sliced || slice === undefined || slice.last || this.destination !== undefined) return;
    if (this.next !== undefined || this.pending !== undefined || this.audio.paused) return;
    if (slice.duration - this.audio.currentTime < AHEAD_SECONDS) this.ask(slice.start + SLICE_SECONDS);
  }

  private handleEnded(): void {
    const { slice } = this;
    if (!this.sliced || slice === undefined || slice.last || this.destination !== undefined) return;
    this.goTo(slice.start + SLICE_SECONDS, true);
  }

  private handleError(): void {
    if (!this.audio.hasAttribute('src')) return;
    if (this.sliced) {
      this.host.onNote(t('The sound cannot be played here.'));
      return;
    }
    const { currentTime, paused } = this.audio;
    this.sliced = true;
    this.goTo(currentTime, !paused);
  }
}

/** Whether a position lies in a slice; the last one holds everything after it as well. */
const holds = ({ start, duration, last }: Slice, seconds: number): boolean =>
  seconds >= start && (last || seconds < start + duration);
