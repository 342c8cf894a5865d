import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { zipSync } from 'fflate';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { formatModelConfig } from '../../daemon/model/modelConfig.ts';
import { readTorchCheckpoint } from '../../daemon/model/torchCheckpoint.ts';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { isDeepfakeError, modelConfig, temporaryFolder } from '../helpers.ts';
import {
  bytes,
  integers,
  pickle,
  type TensorFields,
  torchFile,
  torchStateDict,
  torchTensor,
} from './torchFile.ts';

const floats = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const six = floats(1, 2, 3, 4, 5, 6);

describe("a checkpoint written by PyTorch's torch.save", () => {
  it('is read with names, shapes and values, whatever else it holds', async () => {
    const state = readTorchCheckpoint(await readFile(join(packageRoot, 'test/golden/torch_save.pth')));
    assert.deepEqual(Object.fromEntries(state), {
      'layer.weight': { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      'layer.bias': { shape: [2], data: Float32Array.of(-0.5, 0.25) },
      'slice.of.another': { shape: [2], data: Float32Array.of(3, 4) },
    });
  });
});

describe('a PyTorch checkpoint', () => {
  const weight = { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) };
  const { root, storages } = torchStateDict({ weight });

  it('may hold its state_dict one level down', () => {
    for (const key of ['state_dict', 'model_state_dict', 'model']) {
      const nested = pickle.dictionary(pickle.text('epoch'), pickle.integer(7), pickle.text(key), root);
      assert.deepEqual(readTorchCheckpoint(torchFile(nested, storages)).get('weight'), weight);
    }
  });

  it('may be cut out of a larger storage', () => {
    const tensor = torchTensor({ offset: pickle.integer(2), shape: integers(3), stride: integers(1) });
    const file = torchFile(pickle.dictionary(pickle.text('part'), tensor), { 0: six });
    assert.deepEqual(readTorchCheckpoint(file).get('part'), { shape: [3], data: Float32Array.of(3, 4, 5) });
  });
});

describe('a PyTorch checkpoint that would run code', () => {
  const folder = temporaryFolder();
  const marker = join(folder, 'executed');
  const command = pickle.tuple(pickle.text(`touch ${marker}`));
  const attacks: [string, Uint8Array, RegExp][] = [
    ['calls os.system', pickle.call(pickle.global('posix', 'system'), command), /posix\.system/],
    ['calls os.system on Windows', pickle.call(pickle.global('nt', 'system'), command), /nt\.system/],
    [
      'calls eval',
      pickle.call(pickle.global('builtins', 'eval'), pickle.tuple(pickle.text('1'))),
      /builtins\.eval/,
    ],
    ['calls exec', pickle.call(pickle.global('__builtin__', 'exec'), command), /__builtin__\.exec/],
    ['names os.system on the stack', pickle.call(pickle.stackGlobal('os', 'system'), command), /os\.system/],
    ['makes an instance', pickle.instance('subprocess', 'Popen', pickle.text('ls')), /subprocess\.Popen/],
    [
      'constructs an object',
      pickle.construct(pickle.global('subprocess', 'Popen'), command),
      /subprocess\.Popen/,
    ],
    ['reaches for globals', pickle.global('torch', 'constructor'), /torch\.constructor/],
    ['reaches for prototypes', pickle.global('torch', '__proto__'), /torch\.__proto__/],
    ['loads another file', pickle.call(pickle.global('torch', 'load'), command), /torch\.load/],
    ['calls a storage class', pickle.call(pickle.global('torch', 'FloatStorage'), command), /FloatStorage/],
    ['asks for an extension', bytes('\x82\x01'), /pickle/],
    ['refers to something foreign', pickle.persistent(pickle.text('/etc/passwd')), /not a tensor storage/],
  ];
  for (const [what, code, message] of attacks) {
    it(`is refused: it ${what}`, () => {
      const inside = pickle.dictionary(pickle.text('weight'), code);
      assert.throws(() => readTorchCheckpoint(torchFile(inside)), { name: 'RangeError', message });
      assert.throws(() => readTorchCheckpoint(torchFile(code)), { name: 'RangeError', message });
      assert.equal(existsSync(marker), false);
    });
  }

  it('leaves the prototypes of this process alone', () => {
    const state = pickle.dictionary(
      pickle.text('__proto__'),
      pickle.dictionary(pickle.text('polluted'), pickle.text('x')),
    );
    const tensor = torchTensor({ shape: integers(6), stride: integers(1) });
    for (const target of [tensor, pickle.global('torch._utils', '_rebuild_tensor_v2'), pickle.list()]) {
      const root = pickle.dictionary(pickle.text('weight'), pickle.build(target, state));
      try {
        readTorchCheckpoint(torchFile(root, { 0: six }));
      } catch (error) {
        assert.ok(error instanceof RangeError, String(error));
      }
      assert.equal('polluted' in {} || 'polluted' in (() => 0) || 'polluted' in [], false);
    }
  });
});

describe('a PyTorch checkpoint whose tensors lie', () => {
  const lies: [string, Partial<TensorFields>, RegExp][] = [
    ['are larger than their storage', { shape: integers(7) }, /larger than its storage/],
    ['begin behind their storage', { offset: pickle.integer(5) }, /larger than its storage/],
    ['begin before their storage', { offset: pickle.integer(-1) }, /larger than its storage/],
    ['are astronomically large', { shape: pickle.tuple(pickle.long(1n << 40n)) }, /larger than its storage/],
    [
      'overflow',
      { shape: pickle.tuple(...new Array(4).fill(pickle.long(1n << 40n))), stride: integers(0, 0, 0, 1) },
      /./,
    ],
    ['have a negative size', { shape: integers(-6) }, /larger than its storage/],
    ['have a size that is text', { shape: pickle.tuple(pickle.text('6')) }, /larger than its storage/],
    ['have no shape', { shape: pickle.none }, /pickle/],
    ['are not contiguous', { shape: integers(2, 3), stride: integers(1, 2) }, /not contiguous/],
    ['lie in a missing storage', { storage: '9' }, /storage 9 is missing/],
    ['lie in a file elsewhere', { storage: '../../../../etc/passwd' }, /is missing/],
    ['are half precision', { storageClass: pickle.global('torch', 'HalfStorage') }, /torch\.HalfStorage/],
    [
      'are double precision',
      { storageClass: pickle.global('torch', 'DoubleStorage') },
      /torch\.DoubleStorage/,
    ],
    ['have text for a storage class', { storageClass: pickle.text('FloatStorage') }, /not a tensor storage/],
  ];
  for (const [what, fields, message] of lies) {
    it(`is refused where they ${what}`, () => {
      const tensor = torchTensor({ shape: integers(6), stride: integers(1), ...fields });
      const file = torchFile(pickle.dictionary(pickle.text('weight'), tensor), { 0: six });
      assert.throws(() => readTorchCheckpoint(file), { name: 'RangeError', message });
    });
  }

  it('is refused where a tensor is changed after it was made', () => {
    const tensor = torchTensor({ shape: integers(6), stride: integers(1) });
    const changes = [
      pickle.dictionary(pickle.text('shape'), pickle.list(pickle.integer(1000))),
      pickle.dictionary(pickle.text('shape'), pickle.none),
      pickle.dictionary(pickle.text('data'), pickle.text('no numbers')),
      pickle.dictionary(pickle.text('data'), pickle.list(pickle.integer(1))),
    ];
    for (const change of changes) {
      const root = pickle.dictionary(pickle.text('weight'), pickle.build(tensor, change));
      const file = torchFile(root, { 0: six });
      assert.throws(() => readTorchCheckpoint(file), { name: 'RangeError', message: /weight is malformed/ });
    }
  });

  it('is refused where a thousand tensors share one large storage', () => {
    const shared = new Uint8Array(4 << 20);
    const tensor = torchTensor({ shape: integers(1 << 20), stride: integers(1) });
    const items = Array.from({ length: 1000 }, (_, i) => [pickle.text(`tensor ${i}`), tensor]).flat();
    const file = torchFile(pickle.dictionary(...items), { 0: shared });
    assert.throws(() => readTorchCheckpoint(file), { name: 'RangeError', message: /more than 256 MB/ });
  });
});

describe('a file that is no PyTorch checkpoint', () => {
  const { root, storages } = torchStateDict({ weight: { shape: [1], data: Float32Array.of(1) } });
  const good = torchFile(root, storages);
  const cases: [string, Uint8Array, RegExp][] = [
    ['is empty', new Uint8Array(0), /not a readable zip/],
    ['is text', Buffer.from('This is not a checkpoint, however long it may be.'), /not a readable zip/],
    ['is cut off', good.subarray(0, good.length - 40), /not a readable zip/],
    ['is a zip of something else', zipSync({ 'readme.txt': Buffer.from('hello') }), /no data\.pkl/],
    ['holds a number', torchFile(pickle.integer(1)), /does not hold a state_dict/],
    ['holds nothing', torchFile(bytes()), /does not hold a state_dict/],
    ['has an unknown opcode', torchFile(bytes('\xff')), /pickle/],
    ['has a text longer than the file', torchFile(bytes('X\xff\xff\xff\x7fabc')), /pickle/],
    ['nests without end', torchFile(bytes('('.repeat(100_000))), /does not hold a state_dict/],
    [
      'is big-endian',
      zipSync({ 'a/data.pkl': bytes(root, '.'), 'a/byteorder': Buffer.from('big') }),
      /big-endian/,
    ],
  ];
  for (const [what, file, message] of cases) {
    it(`is refused where it ${what}`, () => {
      assert.throws(() => readTorchCheckpoint(file), { name: 'RangeError', message });
    });
  }

  it('is refused where it would unpack to more than 256 MB', () => {
    const bomb = Buffer.from(zipSync({ 'a/data.pkl': new Uint8Array(1000) }));
    // Uncompressed size in the central directory.
    bomb.writeUInt32LE(0x2000_0000, bomb.indexOf('PK\x01\x02', 'latin1') + 24);
    assert.throws(() => readTorchCheckpoint(bomb), { name: 'RangeError', message: /more than 256 MB/ });
  });

  it('is refused where it unpacks to more than it says', () => {
    const liar = Buffer.from(zipSync({ 'a/data.pkl': new Uint8Array(1_000_000) }));
    liar.writeUInt32LE(10, liar.indexOf('PK\x01\x02', 'latin1') + 24);
    assert.throws(() => readTorchCheckpoint(liar), { name: 'RangeError' });
  });

  it('is named in the error of whoever asked for it', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'bad.pth');
    await writeFile(path, 'no checkpoint');
    await writeFile(join(folder, 'model_config.json'), formatModelConfig(modelConfig()));
    await assert.rejects(
      readModel(path),
      isDeepfakeError(ErrorCode.CheckpointInvalid, path, /not a readable zip/),
    );
  });
});
