import { t } from '@vscode/l10n';
import { durationText } from '../../shared/wording.ts';

export interface Player {
  /** Plays another file, or the same anew. */
  load(uri: string): void;
  /** Continues with a WAV from the daemon, since the webview cannot play the file. */
  loadWav(base64: string, seconds: number): void;
  showNotPlayable(message: string): void;
  seek(seconds: number): void;
  readonly seconds: number;
}

/**
 * The page's audio element.
 * @param onMove Called with the position in seconds while it changes.
 * @param needWav Called once per file when the webview cannot play it.
 */
export function createPlayer(
  audio: HTMLAudioElement,
  note: HTMLElement,
  onMove: (seconds: number) => void,
  needWav: () => void,
): Player {
  let blobUrl: string | undefined;
  const use = (uri: string, text: string) => {
    if (blobUrl !== undefined) URL.revokeObjectURL(blobUrl);
    blobUrl = undefined;
    note.textContent = text;
    audio.src = uri;
  };
  audio.addEventListener('error', () => {
    if (blobUrl !== undefined) {
      note.textContent = t('The sound cannot be played here.');
      return;
    }
    note.textContent = t('Preparing the sound for playing…');
    needWav();
  });
  const follow = () => {
    onMove(audio.currentTime);
    if (!audio.paused) requestAnimationFrame(follow);
  };
  for (const event of ['play', 'seeked', 'timeupdate']) audio.addEventListener(event, follow);
  return {
    load: (uri) => use(uri, ''),
    loadWav: (base64, seconds) => {
      const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      use('', t('Played from a converted copy of {0}.', durationText(seconds)));
      blobUrl = URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }));
      audio.src = blobUrl;
    },
    showNotPlayable: (message) => {
      note.textContent = message;
    },
    seek: (seconds) => {
      audio.currentTime = seconds;
      onMove(seconds);
    },
    get seconds() {
      return audio.currentTime;
    },
  };
}
