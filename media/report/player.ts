import { t } from '@vscode/l10n';
import type { PlayableAudioResult } from '../../shared/protocol.ts';

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

/** Plays a file, or slices of it where the webview cannot play it or it is large, through one audio element. */
export class Player {
  private sliced = false;
  private slice: Slice | undefined;
  private next: Slice | undefined;
  /** The start of the slice that was asked for and has not come. */
  private pending: number | undefined;
  /** Where to go on when it comes; undefined where it is the next one in turn. */
  private goOnAt: number | undefined;
  private goOnPlaying = false;

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
    this.goOnAt = undefined;
    this.goOnPlaying = false;
    this.audio.removeAttribute('src');
  }

  get seconds(): number {
    return this.goOnAt ?? (this.slice?.start ?? 0) + this.audio.currentTime;
  }

  get playing(): boolean {
    return this.goOnPlaying || !this.audio.paused;
  }

  toggle(): void {
    if (this.playing) {
      this.goOnPlaying = false;
      this.audio.pause();
      this.tell();
    } else if (this.sliced && this.slice === undefined) {
      this.jump(this.seconds, true);
    } else {
      void this.audio.play().catch(() => {});
    }
  }

  seek(seconds: number): void {
    if (!this.sliced) {
      this.audio.currentTime = seconds;
      this.host.onMove(seconds, this.playing);
      return;
    }
    const { slice } = this;
    const within = slice !== undefined && seconds >= slice.start && seconds < slice.start + slice.duration;
    if (within) {
      this.goOnAt = undefined;
      this.audio.currentTime = seconds - slice.start;
      this.tell();
    } else {
      this.jump(seconds, this.playing);
    }
  }

  addSlice({ wav, start, duration, last }: PlayableAudioResult): void {
    if (!this.sliced || this.pending !== start) return;
    this.pending = undefined;
    if (duration === 0) {
      // Nothing comes after the end.
      this.goOnPlaying = false;
      this.host.onNote('');
      this.tell();
      return;
    }
    const bytes = Uint8Array.from(atob(wav), (character) => character.charCodeAt(0));
    const url = URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
    const slice = { start, duration, last, url };
    if (this.goOnAt === undefined) this.next = slice;
    else this.use(slice, this.goOnAt, this.goOnPlaying);
  }

  showNotPlayable(message: string): void {
    this.pending = undefined;
    this.goOnPlaying = false;
    this.host.onNote(message);
    this.tell();
  }

  private tell(): void {
    this.host.onMove(this.seconds, this.playing);
  }

  /** Goes on at a position outside the slice at hand. */
  private jump(seconds: number, playing: boolean): void {
    this.audio.pause();
    this.goOnAt = seconds;
    this.goOnPlaying = playing;
    this.host.onNote(t('Preparing the sound for playing…'));
    this.ask(seconds);
    this.tell();
  }

  private ask(start: number): void {
    if (this.pending === start) return;
    this.pending = start;
    this.host.needSlice(start);
  }

  private use(slice: Slice, at: number, playing: boolean): void {
    if (this.slice !== undefined) URL.revokeObjectURL(this.slice.url);
    this.slice = slice;
    this.next = undefined;
    this.goOnAt = undefined;
    this.goOnPlaying = false;
    this.host.onNote(t('Played from a converted copy.'));
    this.audio.src = slice.url;
    this.audio.currentTime = Math.max(0, at - slice.start);
    if (playing) void this.audio.play().catch(() => {});
    this.tell();
  }

  private lookAhead(): void {
    const { slice } = this;
    if (!this.sliced || slice === undefined || slice.last) return;
    if (this.next !== undefined || this.pending !== undefined || this.audio.paused) return;
    if (slice.duration - this.audio.currentTime < AHEAD_SECONDS) this.ask(slice.start + slice.duration);
  }

  private handleEnded(): void {
    const { slice, next } = this;
    if (!this.sliced || slice === undefined || slice.last) return;
    const at = slice.start + slice.duration;
    if (next !== undefined) this.use(next, at, true);
    else this.jump(at, true);
  }

  private handleError(): void {
    if (!this.audio.hasAttribute('src')) return;
    if (this.sliced) {
      this.host.onNote(t('The sound cannot be played here.'));
      return;
    }
    const seconds = this.audio.currentTime;
    this.sliced = true;
    this.jump(seconds, this.playing);
  }
}
