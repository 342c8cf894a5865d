import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Player } from '../../media/report/player.ts';
import { SLICE_SECONDS } from '../../shared/playableAudio.ts';

/** As much of an audio element as the player uses; the time passes when a test says so. */
class FakeAudio extends EventTarget {
  src = '';
  currentTime = 0;
  paused = true;
  ended = false;
  hasAttribute = () => this.src !== '';
  removeAttribute = () => {
    this.src = '';
  };
  load = () => {
    this.paused = true;
    this.currentTime = 0;
  };
  play = async () => {
    this.paused = false;
    this.dispatchEvent(new Event('play'));
  };
  pause = () => {
    this.paused = true;
    this.dispatchEvent(new Event('pause'));
  };
  finish = () => {
    this.paused = true;
    this.ended = true;
    this.dispatchEvent(new Event('ended'));
  };
}

globalThis.requestAnimationFrame = () => 0;

/** A player of a file that the webview cannot play. */
function slicedPlayer(seconds: number) {
  const audio = new FakeAudio();
  const asked: number[] = [];
  const notes: string[] = [];
  let shown = { seconds: 0, playing: false };
  const player = new Player(audio as unknown as HTMLAudioElement, {
    onMove: (at, playing) => {
      shown = { seconds: at, playing };
    },
    onNote: (note) => notes.push(note),
    needSlice: (start) => asked.push(start),
  });
  player.open({ uri: 'clip.amr', bytes: 1000 });
  audio.dispatchEvent(new Event('error'));
  /** Answers the slice that was asked for last. */
  const answer = () => {
    const start = asked.at(-1) as number;
    const duration = Math.max(0, Math.min(SLICE_SECONDS, seconds - start));
    audio.ended = false;
    player.addSlice({ wav: '', start, duration, last: duration < SLICE_SECONDS });
  };
  return { audio, player, asked, notes, answer, shown: () => shown };
}

describe('a player of slices', () => {
  it('begins with the first slice', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(200);
    assert.deepEqual(asked, [0]);
    answer();
    assert.equal(audio.paused, true);
    player.toggle();
    assert.deepEqual([audio.paused, shown().playing], [false, true]);
  });

  it('plays from the new position when it is started while the slice there is on its way', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(200);
    answer();
    player.seek(200);
    player.seek(195);
    player.toggle();
    assert.deepEqual(shown(), { seconds: 195, playing: true });
    assert.equal(audio.paused, true, 'the slice of the old position is played');
    assert.deepEqual(asked, [0, SLICE_SECONDS]);
    answer();
    assert.deepEqual([audio.paused, audio.currentTime], [false, 195 - SLICE_SECONDS]);
    assert.deepEqual(shown(), { seconds: 195, playing: true });
  });

  it('is paused while the slice is on its way', () => {
    const { player, answer, audio, shown } = slicedPlayer(200);
    answer();
    player.toggle();
    player.seek(150);
    assert.equal(shown().playing, true);
    player.toggle();
    assert.equal(shown().playing, false);
    answer();
    assert.deepEqual([audio.paused, shown().playing], [true, false]);
  });

  it('stays at the end, and begins again from there', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(200);
    answer();
    player.seek(200);
    answer();
    assert.equal(shown().seconds, 200);
    audio.ended = true;
    player.toggle();
    assert.deepEqual(asked, [0, SLICE_SECONDS, 0]);
    answer();
    assert.deepEqual([audio.paused, shown().seconds], [false, 0]);
  });

  it('finds the end of a file that ends with a slice', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(2 * SLICE_SECONDS);
    answer();
    player.seek(2 * SLICE_SECONDS);
    answer();
    assert.deepEqual(asked, [0, 2 * SLICE_SECONDS, SLICE_SECONDS]);
    answer();
    assert.equal(shown().seconds, 2 * SLICE_SECONDS);
    audio.finish();
    assert.deepEqual(asked, [0, 2 * SLICE_SECONDS, SLICE_SECONDS]);
  });

  it('asks for the next slice before it needs it, and goes on with it', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(500);
    answer();
    player.toggle();
    audio.currentTime = SLICE_SECONDS - 20;
    audio.dispatchEvent(new Event('timeupdate'));
    audio.dispatchEvent(new Event('timeupdate'));
    assert.deepEqual(asked, [0, SLICE_SECONDS]);
    answer();
    audio.finish();
    assert.deepEqual([audio.paused, audio.currentTime], [false, 0]);
    assert.deepEqual(shown(), { seconds: SLICE_SECONDS, playing: true });
  });

  it('goes on when the next slice comes late', () => {
    const { player, asked, answer, audio, shown } = slicedPlayer(500);
    answer();
    player.toggle();
    audio.finish();
    assert.deepEqual(shown(), { seconds: SLICE_SECONDS, playing: true });
    answer();
    assert.deepEqual([audio.paused, asked.length], [false, 2]);
  });

  it('tries again after a slice could not be had', () => {
    const { player, asked, notes, shown } = slicedPlayer(500);
    player.toggle();
    player.showNotPlayable('No ffmpeg here.');
    assert.deepEqual([shown().playing, notes.at(-1)], [false, 'No ffmpeg here.']);
    player.toggle();
    assert.deepEqual([asked, shown().playing], [[0, 0], true]);
  });

  it('forgets the old sound when another file is opened', () => {
    const { player, answer, audio, shown } = slicedPlayer(200);
    answer();
    player.toggle();
    player.open({ uri: 'other.wav', bytes: 1000 });
    assert.deepEqual([audio.src, audio.paused], ['other.wav', true]);
    player.seek(1);
    assert.equal(shown().seconds, 1);
  });
});
