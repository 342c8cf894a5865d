import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  type Architecture,
  initialState,
  parameterCount,
  referenceArchitecture,
  trainableTensors,
} from '../../daemon/model/audioCnn.ts';
import { readModel, writeModel } from '../../daemon/model/checkpoint.ts';
import { formatModelConfig } from '../../daemon/model/modelConfig.ts';
import { readSafetensors, writeSafetensors } from '../../daemon/model/safetensors.ts';
import { seededRandom } from '../../daemon/random.ts';
import { ErrorCode } from '../../shared/errors.ts';
import { CHECKPOINT_NAME, CONFIG_NAME } from '../../shared/modelFiles.ts';
import { isDeepfakeError, modelConfig, subfolder, temporaryFolder, writeUntrainedModel } from '../helpers.ts';

const small: Architecture = { channels: [2, 3], dropout: 0 };
const folder = temporaryFolder();
let folders = 0;
const newFolder = () => subfolder(folder, String(folders++));

interface Header {
  [name: string]: { dtype: string; shape: number[]; data_offsets: number[] };
}

/** A safetensors file of any header over any data. */
function safetensors(header: unknown, data: Uint8Array = new Uint8Array(0)): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, data]);
}

describe("AudioCNN's parameters", () => {
  it('have the names, shapes and number of the reference', () => {
    assert.equal(parameterCount(referenceArchitecture), 23_585);
    const shapes = Object.fromEntries(
      trainableTensors(referenceArchitecture).map(({ name, shape }) => [name, shape]),
    );
    assert.deepEqual(shapes['features.4.weight'], [32, 16, 3, 3]);
    assert.deepEqual(shapes['features.9.bias'], [64]);
    assert.deepEqual(shapes['classifier.2.weight'], [1, 64]);
    assert.deepEqual(
      [...initialState(referenceArchitecture, seededRandom(1)).keys()].sort(),
      [
        ...['0', '4', '8'].flatMap((n) => ['weight', 'bias'].map((kind) => `features.${n}.${kind}`)),
        ...['1', '5', '9'].flatMap((n) =>
          ['weight', 'bias', 'running_mean', 'running_var'].map((kind) => `features.${n}.${kind}`),
        ),
        'classifier.2.weight',
        'classifier.2.bias',
      ].sort(),
    );
  });

  it("start as PyTorch's do: uniform within 1/√fan-in, scales one, shifts zero", () => {
    const state = initialState(referenceArchitecture, seededRandom(1));
    for (const [name, fanIn] of [
      ['features.0.weight', 9],
      ['features.0.bias', 9],
      ['features.8.weight', 32 * 9],
      ['classifier.2.weight', 64],
    ] as const) {
      const data = state.get(name)?.data as Float32Array;
      const bound = 1 / Math.sqrt(fanIn);
      const largest = data.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      assert.ok(largest <= bound && largest > 0.75 * bound, `${name}: ${largest} of ${bound}`);
    }
    for (const [name, value] of [
      ['features.1.weight', 1],
      ['features.1.bias', 0],
      ['features.1.running_mean', 0],
      ['features.1.running_var', 1],
    ] as const) {
      assert.ok(
        state.get(name)?.data.every((entry) => entry === value),
        name,
      );
    }
  });
});

describe('a checkpoint', () => {
  it('comes back as it was written, with its configuration', async () => {
    const state = initialState(referenceArchitecture, seededRandom(3));
    const config = modelConfig({
      name: 'Round trip',
      calibration: { scale: 0.7, offset: -0.3 },
      inconclusive: { low: 0.4, high: 0.6 },
      training: { seed: 3 },
    });
    const written = await writeModel(newFolder(), state, config, 77);
    const model = await readModel(written.checkpoint);
    assert.deepEqual(model.state, state);
    const sha256 = createHash('sha256')
      .update(await readFile(written.checkpoint))
      .digest('hex');
    assert.deepEqual(model.config, { ...config, checkpointSha256: sha256 });
    assert.deepEqual(model.facts, { name: 'Round trip', checkpoint: written.checkpoint, sha256 });
  });

  it("has PyTorch's tensor names, num_batches_tracked included, and aligned data", async () => {
    const { checkpoint } = await writeUntrainedModel(newFolder());
    const bytes = await readFile(checkpoint);
    const headerLength = Number(bytes.readBigUInt64LE(0));
    const header = JSON.parse(bytes.subarray(8, 8 + headerLength).toString()) as Header;
    assert.equal(headerLength % 8, 0);
    assert.deepEqual(header['features.5.num_batches_tracked'].shape, []);
    assert.equal(header['features.5.num_batches_tracked'].dtype, 'I64');
    assert.deepEqual(header['features.4.weight'].shape, [32, 16, 3, 3]);
    let end = 0;
    for (const { dtype, data_offsets } of Object.values(header)) {
      assert.equal(data_offsets[0], end, 'no holes');
      assert.equal(data_offsets[0] % (dtype === 'I64' ? 8 : 4), 0);
      end = data_offsets[1];
    }
    assert.equal(8 + headerLength + end, bytes.length);
  });

  it('leaves no temporary file behind', async () => {
    const target = newFolder();
    await writeUntrainedModel(target);
    assert.deepEqual((await readdir(target)).sort(), [CHECKPOINT_NAME, CONFIG_NAME]);
  });

  it('is written into folders that do not exist yet', async () => {
    const { checkpoint } = await writeUntrainedModel(join(newFolder(), 'deep', 'down'));
    await readModel(checkpoint);
  });

  it('cannot be written where there is a file for a folder', async () => {
    const file = join(newFolder(), 'file');
    await writeFile(file, '');
    await assert.rejects(
      writeUntrainedModel(file),
      isDeepfakeError(ErrorCode.WriteFailed, join(file, CHECKPOINT_NAME)),
    );
  });
});

describe('a safetensors file', () => {
  const state = initialState(small, seededRandom(1));
  const good = writeSafetensors(state, new Map());
  const length = new DataView(good.buffer, good.byteOffset).getBigUint64(0, true);
  const header = JSON.parse(Buffer.from(good.subarray(8, 8 + Number(length))).toString()) as Header;
  const data = good.subarray(8 + Number(length));
  const first = header['features.0.weight'];
  const withFirst = (changes: object) =>
    safetensors({ ...header, 'features.0.weight': { ...first, ...changes } }, data);

  it('may hold metadata, which is passed over', () => {
    const file = safetensors({ __metadata__: { format: 'pt' }, ...header }, data);
    assert.deepEqual(readSafetensors(file), state);
  });

  it('may lie anywhere in a buffer', () => {
    const shifted = Buffer.concat([Buffer.alloc(3), good]).subarray(3);
    assert.deepEqual(readSafetensors(shifted), state);
  });

  const lies: [string, Uint8Array, RegExp][] = [
    ['is empty', new Uint8Array(0), /too short/],
    ['ends within the header length', good.subarray(0, 5), /too short/],
    ['ends within the header', good.subarray(0, 100), /not a safetensors file/],
    ['ends within the data', good.subarray(0, good.length - 4), /does not fit the file/],
    ['is text', Buffer.from('This is not a checkpoint.'), /not a safetensors file/],
    [
      'has a header of 2⁶³ bytes',
      Buffer.concat([Buffer.alloc(7), Buffer.of(0x80), data]),
      /not a safetensors file/,
    ],
    ['has a header that is no JSON', safetensors('{"features.0.weight": ', data), /not JSON/],
    ['has a header that is a number', safetensors('7', data), /not an object/],
    ['has a header that is null', safetensors('null', data), /not an object/],
    ['has an entry that is null', safetensors({ x: null }, data), /entry x is malformed/],
    ['has half-precision tensors', withFirst({ dtype: 'F16' }), /features\.0\.weight is F16/],
    ['has a type that is no text', withFirst({ dtype: 1 }), /malformed/],
    ['has a shape that is no list', withFirst({ shape: 'large' }), /malformed/],
    ['has a negative size', withFirst({ shape: [-2, 1, 3, 3] }), /malformed/],
    ['has a fractional size', withFirst({ shape: [0.5, 4, 3, 3] }), /malformed/],
    ['has a size beyond all numbers', withFirst({ shape: [1e308] }), /malformed/],
    ['has a shape larger than its data', withFirst({ shape: [3, 1, 3, 3] }), /does not fit the file/],
    ['has a shape whose size overflows', withFirst({ shape: [2 ** 52, 2 ** 52] }), /does not fit the file/],
    ['has offsets behind the file', withFirst({ data_offsets: [1e6, 1e6 + 72] }), /does not fit the file/],
    ['has offsets that run backwards', withFirst({ data_offsets: [72, 0] }), /does not fit the file/],
    ['has negative offsets', withFirst({ data_offsets: [-72, 0] }), /malformed/],
    ['has one offset', withFirst({ data_offsets: [0] }), /malformed/],
    ['has no offsets', withFirst({ data_offsets: undefined }), /malformed/],
    [
      'lacks a tensor',
      safetensors({ ...header, 'classifier.2.bias': undefined }, data),
      /classifier\.2\.bias is missing/,
    ],
    [
      'has a tensor too many',
      safetensors({ ...header, 'features.8.weight': first }, data),
      /features\.8\.weight does not belong/,
    ],
    [
      'has a tensor of another shape',
      withFirst({ shape: [1, 2, 3, 3] }),
      /has shape \[1,2,3,3\] where .* \[2,1,3,3\]/,
    ],
  ];
  for (const [what, bytes, message] of lies) {
    it(`is refused where it ${what}`, async () => {
      const target = newFolder();
      const path = join(target, CHECKPOINT_NAME);
      await writeFile(path, bytes);
      await writeFile(join(target, CONFIG_NAME), formatModelConfig(modelConfig({ architecture: small })));
      await assert.rejects(readModel(path), isDeepfakeError(ErrorCode.CheckpointInvalid, path, message));
    });
  }

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    it(`is refused where a weight is ${value}`, async () => {
      const broken = initialState(small, seededRandom(1));
      broken.get('features.4.weight')?.data.fill(value, 5, 6);
      const { checkpoint } = await writeModel(newFolder(), broken, modelConfig({ architecture: small }), 0);
      const message = /features\.4\.weight holds values that are not finite/;
      await assert.rejects(
        readModel(checkpoint),
        isDeepfakeError(ErrorCode.CheckpointInvalid, checkpoint, message),
      );
    });
  }
});

describe('a model', () => {
  it('whose checkpoint is missing is not found', async () => {
    const path = join(newFolder(), CHECKPOINT_NAME);
    await assert.rejects(readModel(path), isDeepfakeError(ErrorCode.CheckpointNotFound, path));
  });

  it('whose checkpoint is a folder is not found', async () => {
    const path = newFolder();
    await assert.rejects(readModel(path), isDeepfakeError(ErrorCode.CheckpointNotFound, path));
  });

  it('whose configuration is missing is not usable', async () => {
    const target = newFolder();
    const { checkpoint } = await writeUntrainedModel(newFolder());
    await copyFile(checkpoint, join(target, CHECKPOINT_NAME));
    const config = join(target, CONFIG_NAME);
    await assert.rejects(
      readModel(join(target, CHECKPOINT_NAME)),
      isDeepfakeError(ErrorCode.ConfigNotFound, config),
    );
  });

  it('whose configuration was written for another checkpoint is refused', async () => {
    const one = await writeUntrainedModel(newFolder(), {}, 1);
    const other = await writeUntrainedModel(newFolder(), {}, 2);
    await assert.rejects(
      readModel(one.checkpoint, other.config),
      isDeepfakeError(
        ErrorCode.CheckpointInvalid,
        one.checkpoint,
        /not the file that its model_config\.json was written for/,
      ),
    );
  });

  it('of another architecture than its configuration says is refused', async () => {
    const { checkpoint } = await writeUntrainedModel(newFolder(), { architecture: small });
    const config = join(newFolder(), CONFIG_NAME);
    await writeFile(config, formatModelConfig(modelConfig()));
    await assert.rejects(
      readModel(checkpoint, config),
      isDeepfakeError(ErrorCode.CheckpointInvalid, checkpoint, /features\.0\.weight has shape \[2,1,3,3\]/),
    );
  });
});
