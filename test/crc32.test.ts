import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { crc32, tableCrc32 } from '../daemon/crc32.ts';

test('both checksums are CRC-32, whole and in pieces', () => {
  for (const checksum of [crc32, tableCrc32]) {
    // The check value of CRC-32/ISO-HDLC in the catalogue of parametrised CRC algorithms (Greg Cook).
    assert.equal(checksum(Buffer.from('123456789')), 0xcbf43926);
    const bytes = randomBytes(10_000);
    assert.equal(checksum(bytes.subarray(777), checksum(bytes.subarray(0, 777))), crc32(bytes));
  }
});
