import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAudioPath, selectedFiles } from '../../extension/audioTargets.ts';

const file = (path: string) => ({ scheme: 'file', path });
const paths = (files: readonly { path: string }[]) => files.map(({ path }) => path);

test('extensions are recognised in upper and lower case', () => {
  assert.ok(isAudioPath('/a/Clip.WAV'));
  assert.ok(isAudioPath('/a/clip.tar.m4a'));
  assert.ok(!isAudioPath('/a/wav'));
  assert.ok(!isAudioPath('/a/notes.txt'));
});

test('a click on one file is about that file, whatever its extension', () => {
  assert.deepEqual(paths(selectedFiles(file('/a/x.bin'), undefined)), ['/a/x.bin']);
  assert.deepEqual(paths(selectedFiles(file('/a/x.bin'), [file('/a/x.bin')])), ['/a/x.bin']);
});

test('a click inside a selection is about the audio files of the selection', () => {
  const selection = [file('/a/x.wav'), file('/a/notes.txt'), file('/a/y.mp3')];
  assert.deepEqual(paths(selectedFiles(selection[2], selection)), ['/a/x.wav', '/a/y.mp3']);
});

test('a click outside the selection is about the file clicked', () => {
  const selection = [file('/a/x.wav'), file('/a/y.mp3')];
  assert.deepEqual(paths(selectedFiles(file('/a/z.ogg'), selection)), ['/a/z.ogg']);
});
