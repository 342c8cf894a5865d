import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type FilePictures, PictureCache } from '../../daemon/inference/filePictures.ts';

const pictures = (bytes: number) => ({ bytes }) as FilePictures;

describe('pictures kept for open reports', () => {
  it('are dropped in the order in which they were last used, when they take too much memory', () => {
    const cache = new PictureCache(100);
    for (const file of ['a', 'b', 'c']) cache.put(file, pictures(40));
    assert.equal(cache.get('a'), undefined);
    assert.ok(cache.get('b'));
    cache.put('d', pictures(40));
    assert.equal(cache.get('c'), undefined);
    assert.ok(cache.get('b') && cache.get('d'));
  });

  it('stay for the last file however large it is', () => {
    const cache = new PictureCache(100);
    cache.put('a', pictures(10));
    cache.put('b', pictures(500));
    assert.equal(cache.get('a'), undefined);
    assert.equal(cache.get('b')?.bytes, 500);
  });
});
