import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { CancellationTokenSource, ProgressType, ResponseError } from 'vscode-jsonrpc/node';
import type {
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from 'vscode-languageserver-protocol';
import { loadAudio } from '../../daemon/audio/loadAudio.ts';
import { readModel } from '../../daemon/model/checkpoint.ts';
import { ErrorCode } from '../../shared/errors.ts';
import {
  ClassifyRequest,
  DatasetRequest,
  EvaluateRequest,
  ExportModelRequest,
  type FileResult,
  ImportModelRequest,
  LoadModelRequest,
  ModelRequest,
  PlayableAudioRequest,
  ReportDetailRequest,
  type ReportPart,
  ReportRequest,
  type TrainingEvent,
  TrainRequest,
} from '../../shared/protocol.ts';
import {
  subfolder,
  temporaryFolder,
  writeDataset,
  writeSound,
  writeTestSound,
  writeUntrainedModel,
} from '../helpers.ts';
import { torchFile, torchStateDict } from '../model/torchFile.ts';
import { DaemonProcess } from './daemonProcess.ts';

/** LSP's codes for a request that was cancelled, and for one that failed otherwise. */
const REQUEST_CANCELLED = -32800;

const folder = temporaryFolder();
const path = (...names: string[]) => join(folder, ...names);
let daemon: DaemonProcess;
let checkpoint = '';
let tone = '';
let noise = '';

before(async () => {
  ({ checkpoint } = await writeUntrainedModel(join(folder, 'model')));
  tone = await writeTestSound(path('tone.wav'), 'tone', 1.5, 1);
  noise = await writeTestSound(path('noise.wav'), 'noise', 6, 2);
  await writeFile(path('text.mp3'), 'This is text, and quite a lot of it.'.repeat(10));
  await writeDataset(path('data'), 8);
  daemon = await DaemonProcess.start({ checkpoint, workers: 2 });
});
after(() => daemon.kill());

/** A sample of sound that differs from second to second. */
const sawtooth = (_: number, i: number): number => ((i * (100 + (i >> 14))) % 16_000) / 32_000;

let tokens = 0;
/** A token, and everything that arrives under it. */
function collect<T>(): { token: string; values: T[] } {
  const token = `token ${tokens++}`;
  const values: T[] = [];
  daemon.connection.onProgress(new ProgressType<T>(), token, (value) => void values.push(value));
  return { token, values };
}
type WorkDone = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

/** A promise, and what settles it. */
function signal<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function failsWith(code: number, file?: string) {
  return (error: unknown): true => {
    assert.ok(error instanceof ResponseError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, /^[^\n]+$/);
    if (file !== undefined) assert.deepEqual(error.data, { code, file });
    return true;
  };
}

/** The file of a result, and what became of it. */
const outcome = (result: FileResult): string =>
  'verdict' in result ? `${result.file}: verdict` : `${result.file}: ${ErrorCode[result.error.code]}`;

describe('the daemon', () => {
  it('says who it is', () => {
    assert.equal(daemon.serverName, 'deepfake-audio');
  });

  it('tells which model answers, and on which engine', async () => {
    const { facts } = await readModel(checkpoint);
    assert.deepEqual(await daemon.connection.sendRequest(ModelRequest.type), {
      ...facts,
      engine: { name: 'onnxruntime', device: 'cpu' },
    });
  });
});

describe('classify', () => {
  it('answers for one file, with pictures only where they are asked for', async () => {
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [tone] });
    assert.equal(results.length, 1);
    assert.ok('verdict' in results[0]);
    const { verdict } = results[0];
    assert.deepEqual(
      [verdict.file, verdict.windows.length, verdict.spectrogram, verdict.evidence],
      [tone, 1, undefined, undefined],
    );
    const drawn = await daemon.connection.sendRequest(ClassifyRequest.type, {
      files: [tone],
      withImages: true,
    });
    assert.ok('verdict' in drawn.results[0]);
    const { spectrogram, waveform, evidence, preparation, ...rest } = drawn.results[0].verdict;
    assert.deepEqual([spectrogram?.rows, evidence?.rows], [64, 16]);
    assert.equal(waveform?.columns, 375);
    assert.deepEqual(
      [preparation?.sampleRate, preparation?.window, preparation?.filledWith],
      [16_000, 4, 'silence'],
    );
    assert.deepEqual(rest, verdict);
  });

  it('answers for several files in their order, errors as entries', async () => {
    const files = [noise, path('missing.wav'), tone, path('text.mp3'), noise, folder];
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files });
    assert.deepEqual(results.map(outcome), [
      `${noise}: verdict`,
      `${path('missing.wav')}: FileNotFound`,
      `${tone}: verdict`,
      `${path('text.mp3')}: NotAudio`,
      `${noise}: verdict`,
      `${folder}: FileUnreadable`,
    ]);
  });

  it('answers for no files at all', async () => {
    assert.deepEqual(await daemon.connection.sendRequest(ClassifyRequest.type, { files: [] }), {
      results: [],
    });
  });

  it('reports progress and hands results out as they come', async () => {
    const progress = collect<WorkDone>();
    const partial = collect<FileResult[]>();
    const files = [tone, path('missing.wav'), noise, tone];
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, {
      files,
      workDoneToken: progress.token,
      partialResultToken: partial.token,
    });
    assert.deepEqual(results, []);
    assert.deepEqual(
      partial.values.flat().map(outcome).sort(),
      [
        `${tone}: verdict`,
        `${path('missing.wav')}: FileNotFound`,
        `${noise}: verdict`,
        `${tone}: verdict`,
      ].sort(),
    );
    assert.deepEqual(
      progress.values.map(({ kind }) => kind),
      ['begin', 'report', 'report', 'report', 'report', 'end'],
    );
    const percentages = progress.values.map((value) =>
      value.kind === 'report' ? value.percentage : undefined,
    );
    assert.deepEqual(percentages.slice(1, -1), [25, 50, 75, 100]);
  });

  it('ends when it is cancelled, and the daemon goes on', async () => {
    const source = new CancellationTokenSource();
    const progress = collect<WorkDone>();
    const first = signal();
    const token = `token ${tokens++}`;
    daemon.connection.onProgress(ClassifyRequest.partialResult, token, () => first.resolve());
    const files = new Array<string>(5000).fill(noise);
    const params = { files, partialResultToken: token, workDoneToken: progress.token };
    const pending = daemon.connection.sendRequest(ClassifyRequest.type, params, source.token);
    await first.promise;
    source.cancel();
    await assert.rejects(pending, failsWith(REQUEST_CANCELLED));
    assert.equal(progress.values[progress.values.length - 1].kind, 'end');
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [tone] });
    assert.ok('verdict' in results[0]);
  });

  it('answers several requests at once', async () => {
    const answers = await Promise.all(
      [tone, noise, tone].map((file) =>
        daemon.connection.sendRequest(ClassifyRequest.type, { files: [file] }),
      ),
    );
    assert.deepEqual(
      answers.flatMap(({ results }) => results.map(outcome)),
      [`${tone}: verdict`, `${noise}: verdict`, `${tone}: verdict`],
    );
    assert.deepEqual(answers[2], answers[0]);
  });
});

describe('loadModel', () => {
  it('keeps the model in use when the other one cannot be loaded', async () => {
    const before = await daemon.connection.sendRequest(ModelRequest.type);
    const broken = path('broken', 'deepfake_cnn.safetensors');
    await mkdir(path('broken'));
    await writeFile(broken, 'no checkpoint');
    await writeFile(path('broken', 'model_config.json'), await readFile(path('model', 'model_config.json')));
    const { connection } = daemon;
    await assert.rejects(
      connection.sendRequest(LoadModelRequest.type, { checkpoint: broken }),
      failsWith(ErrorCode.CheckpointInvalid, broken),
    );
    const missing = path('nowhere.safetensors');
    await assert.rejects(
      connection.sendRequest(LoadModelRequest.type, { checkpoint: missing }),
      failsWith(ErrorCode.CheckpointNotFound, missing),
    );
    await assert.rejects(
      connection.sendRequest(LoadModelRequest.type, { checkpoint, config: path('no.json') }),
      failsWith(ErrorCode.ConfigNotFound, path('no.json')),
    );
    assert.deepEqual(await connection.sendRequest(ModelRequest.type), before);
    const { results } = await connection.sendRequest(ClassifyRequest.type, { files: [tone] });
    assert.ok('verdict' in results[0] && results[0].verdict.model.sha256 === before.sha256);
  });

  it('replaces the model while files are being classified', async () => {
    const other = await writeUntrainedModel(join(folder, 'other'), { name: 'Other' }, 2);
    const running = daemon.connection.sendRequest(ClassifyRequest.type, { files: new Array(20).fill(noise) });
    const facts = await daemon.connection.sendRequest(LoadModelRequest.type, {
      checkpoint: other.checkpoint,
    });
    assert.equal(facts.name, 'Other');
    const { results } = await running;
    assert.ok(results.every((result) => 'verdict' in result && result.verdict.model.name === 'Test model'));
    const after = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [tone] });
    assert.ok('verdict' in after.results[0] && after.results[0].verdict.model.name === 'Other');
  });
});

describe('importModel and exportModel', () => {
  it('turn a checkpoint of PyTorch into one that can be loaded, and a model into ONNX', async () => {
    const { state } = await readModel(checkpoint);
    const { root, storages } = torchStateDict(Object.fromEntries(state));
    const pth = path('torch', 'model.pth');
    await writeFile(join(subfolder(folder, 'torch'), 'model.pth'), torchFile(root, storages));
    const request = { checkpoint: pth, folder: path('imported') };
    await assert.rejects(
      daemon.connection.sendRequest(ImportModelRequest.type, request),
      failsWith(ErrorCode.ConfigNotFound, path('torch', 'model_config.json')),
    );
    const config = path('model', 'without-hash.json');
    const { checkpoint_sha256: _, ...json } = JSON.parse(
      await readFile(path('model', 'model_config.json'), 'utf8'),
    );
    await writeFile(config, JSON.stringify(json));
    const imported = await daemon.connection.sendRequest(ImportModelRequest.type, { ...request, config });
    assert.equal(imported.name, 'Test model');
    assert.deepEqual((await readModel(imported.checkpoint)).state, state);
    const onnxFile = path('imported', 'model.onnx');
    const exported = await daemon.connection.sendRequest(ExportModelRequest.type, { onnxFile, checkpoint });
    assert.equal(exported.name, 'Test model');
    assert.ok((await readFile(onnxFile)).length > 10_000);
  });
});

describe('dataset', () => {
  it('counts the clips of each class and of each part', async () => {
    const found = await daemon.connection.sendRequest(DatasetRequest.type, { dataRoot: path('data') });
    assert.deepEqual(found, {
      root: path('data'),
      name: 'data',
      genuine: 8,
      deepfake: 8,
      parts: { training: 12, validation: 4, testing: 0 },
      labelSources: { metadata: 0, folder: 16, fileName: 0 },
      warnings: [],
    });
  });
});

describe('report', () => {
  it('tells of a long file while it is examined, and comes to the verdict of classify', async () => {
    const file = await writeSound(path('ten-minutes.wav'), new Float32Array(600 * 16_000).map(sawtooth));
    const parts = collect<ReportPart>();
    const verdict = await daemon.connection.sendRequest(ReportRequest.type, {
      file,
      partialResultToken: parts.token,
    });
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [file] });
    assert.ok('verdict' in results[0]);
    const { spectrogram, waveform, evidence, preparation, ...rest } = verdict;
    assert.deepEqual(rest, results[0].verdict);
    assert.ok(spectrogram && waveform && evidence && preparation);
    assert.ok(Math.abs(evidence.duration - 600) < 1);
    assert.ok(Math.abs(spectrogram.start + spectrogram.columns * spectrogram.secondsPerColumn - 600) < 1);
    for (const part of parts.values) {
      assert.equal(part.promised, 600);
      assert.ok(part.seconds <= 600 && part.windows.every(({ start }) => start < part.seconds));
    }
  });

  it('gives more detail of a part, also of a file that it has not seen', async () => {
    const file = path('ten-minutes.wav');
    for (const asked of [file, noise]) {
      const { spectrogram, waveform, evidence } = await daemon.connection.sendRequest(
        ReportDetailRequest.type,
        {
          file: asked,
          start: 0.5,
          end: 1,
        },
      );
      assert.ok(Math.abs(spectrogram.start - 0.5) < 0.02);
      assert.equal(spectrogram.secondsPerColumn, 256 / 16_000);
      assert.equal(waveform.secondsPerColumn, 64 / 16_000);
      assert.equal(evidence.columns, 10);
    }
  });

  it('fails for what is no audio', async () => {
    const file = path('text.mp3');
    await assert.rejects(
      daemon.connection.sendRequest(ReportRequest.type, { file }),
      failsWith(ErrorCode.NotAudio, file),
    );
  });
});

describe('playableAudio', () => {
  it('gives a complete WAV of the sound', async () => {
    const { wav, duration } = await daemon.connection.sendRequest(PlayableAudioRequest.type, { file: tone });
    assert.equal(duration, 1.5);
    await writeFile(path('played.wav'), Buffer.from(wav, 'base64'));
    const { samples, facts } = await loadAudio(path('played.wav'), { sampleRate: 16_000 });
    assert.deepEqual([facts.container, samples.length], ['wav', 24_000]);
  });

  it('gives two minutes of a long file, from where it is asked to', async () => {
    const file = path('ten-minutes.wav');
    const ask = (start: number) => daemon.connection.sendRequest(PlayableAudioRequest.type, { file, start });
    const middle = await ask(240);
    assert.deepEqual([middle.start, middle.duration, middle.last], [240, 120, false]);
    const { wav: _, ...end } = await ask(590);
    assert.deepEqual(end, { start: 590, duration: 10, last: true });
    assert.equal((await ask(700)).duration, 0);
    await writeFile(path('played.wav'), Buffer.from(middle.wav, 'base64'));
    const played = await loadAudio(path('played.wav'), { sampleRate: 16_000 });
    played.samples.slice(0, 1000).forEach((sample, i) => {
      assert.ok(Math.abs(sample - sawtooth(0, 240 * 16_000 + i)) < 1e-3);
    });
  });

  it('fails for what is no audio', async () => {
    const file = path('text.mp3');
    await assert.rejects(
      daemon.connection.sendRequest(PlayableAudioRequest.type, { file }),
      failsWith(ErrorCode.NotAudio, file),
    );
  });
});

describe('evaluate', () => {
  it('measures the model in use, or another, and reports progress', async () => {
    const progress = collect<WorkDone>();
    const params = { dataRoot: path('data'), reportsDir: path('e') };
    const result = await daemon.connection.sendRequest(EvaluateRequest.type, {
      ...params,
      workDoneToken: progress.token,
    });
    assert.equal(
      result.metrics.confusion_matrix.flat().reduce((sum, n) => sum + n, 0),
      16,
    );
    assert.deepEqual(
      JSON.parse(await readFile(result.metricsFile, 'utf8')).accuracy,
      result.metrics.accuracy,
    );
    assert.ok(existsSync(result.confusionMatrixFile));
    assert.equal(progress.values.filter(({ kind }) => kind === 'report').length, 16);
    const other = await daemon.connection.sendRequest(EvaluateRequest.type, {
      ...params,
      checkpoint,
      samplePerClass: 2,
    });
    assert.equal(
      other.metrics.confusion_matrix.flat().reduce((sum, n) => sum + n, 0),
      4,
    );
  });

  it('fails for data without labels', async () => {
    const root = path('unlabelled');
    await mkdir(root);
    await writeTestSound(join(root, 'mystery.wav'), 'noise', 1, 1);
    const params = { dataRoot: root, reportsDir: path('e2') };
    await assert.rejects(daemon.connection.sendRequest(EvaluateRequest.type, params), (error: unknown) => {
      assert.ok(error instanceof ResponseError);
      assert.equal(ErrorCode[error.code], 'DatasetUnlabelled');
      return true;
    });
  });
});

describe('train', () => {
  const settings = (name: string) => ({
    dataRoot: path('data'),
    modelDir: path(name, 'm'),
    reportsDir: path(name, 'r'),
    recipe: 'reference',
  });

  it('reports every epoch and returns the files that it wrote', async () => {
    const events = collect<TrainingEvent>();
    const progress = collect<WorkDone>();
    const result = await daemon.connection.sendRequest(TrainRequest.type, {
      ...settings('trained'),
      epochs: 2,
      partialResultToken: events.token,
      workDoneToken: progress.token,
    });
    const reports = events.values.flatMap((event) => (event.type === 'epoch' ? [event.report] : []));
    assert.deepEqual(
      reports.map(({ epoch, epochs }) => [epoch, epochs]),
      [
        [1, 2],
        [2, 2],
      ],
    );
    for (const { loss, valEer, examplesPerSecond } of reports) {
      assert.ok(loss > 0 && valEer >= 0 && valEer <= 1 && examplesPerSecond > 0);
    }
    const [dataset] = events.values;
    assert.deepEqual(dataset, {
      type: 'dataset',
      genuine: 8,
      deepfake: 8,
      training: 12,
      validation: 4,
      testing: 0,
      epochs: 2,
      batchSize: 32,
      engine: { name: 'onnxruntime', device: 'cpu' },
      warnings: [],
    });
    const steps = events.values.filter((event) => event.type === 'step');
    // The time left is told once the run is slow enough to have one.
    const { examplesPerSecond, secondsLeft: _, ...last } = steps[steps.length - 1];
    assert.deepEqual(last, { type: 'step', epoch: 2, epochs: 2, step: 2, steps: 2 });
    assert.ok((examplesPerSecond as number) > 0);
    const validated = events.values.filter((event) => event.type === 'validating');
    assert.deepEqual(validated.at(-1), { type: 'validating', epoch: 2, epochs: 2, done: 4, total: 4 });
    assert.deepEqual([result.epochsRun, result.cancelled], [2, false]);
    for (const file of [result.checkpoint, result.config, result.metricsFile, result.confusionMatrixFile]) {
      assert.ok(existsSync(file), file);
    }
    assert.equal(progress.values[0].kind, 'begin');
    assert.equal(progress.values[progress.values.length - 1].kind, 'end');
    const facts = await daemon.connection.sendRequest(LoadModelRequest.type, {
      checkpoint: result.checkpoint,
    });
    assert.equal(facts.checkpoint, result.checkpoint);
  });

  it('lets other requests through, and keeps the best epoch when it is cancelled', async () => {
    const source = new CancellationTokenSource();
    const token = `token ${tokens++}`;
    const first = signal();
    let epochs = 0;
    daemon.connection.onProgress(TrainRequest.partialResult, token, ({ type }) => {
      if (type !== 'epoch') return;
      epochs++;
      first.resolve();
    });
    const params = { ...settings('cancelled'), epochs: 100_000, patience: 0, partialResultToken: token };
    let ended = false;
    const pending = daemon.connection.sendRequest(TrainRequest.type, params, source.token).finally(() => {
      ended = true;
    });
    await first.promise;
    const { results } = await daemon.connection.sendRequest(ClassifyRequest.type, { files: [tone] });
    assert.ok('verdict' in results[0]);
    assert.equal(ended, false);
    source.cancel();
    const result = await pending;
    assert.ok(result.cancelled && result.epochsRun >= 1 && result.epochsRun < 100_000);
    assert.ok(result.epochsRun <= epochs + 1);
    await readModel(result.checkpoint);
  });

  it('goes on with a cancelled run where that is asked for, and not without', async () => {
    const source = new CancellationTokenSource();
    const token = `token ${tokens++}`;
    const first = signal();
    daemon.connection.onProgress(TrainRequest.partialResult, token, ({ type }) => {
      if (type === 'epoch') first.resolve();
    });
    const params = { ...settings('resumed'), epochs: 30, patience: 0 };
    const pending = daemon.connection.sendRequest(
      TrainRequest.type,
      { ...params, partialResultToken: token },
      source.token,
    );
    await first.promise;
    await assert.rejects(
      daemon.connection.sendRequest(TrainRequest.type, { ...params, fresh: true }),
      failsWith(ErrorCode.WriteFailed, params.modelDir),
    );
    source.cancel();
    assert.equal((await pending).cancelled, true);
    await assert.rejects(
      daemon.connection.sendRequest(TrainRequest.type, params),
      failsWith(ErrorCode.TrainingUnfinished, join(params.modelDir, 'training_state.safetensors')),
    );
    const rest = collect<TrainingEvent>();
    const result = await daemon.connection.sendRequest(TrainRequest.type, {
      ...params,
      resume: true,
      partialResultToken: rest.token,
    });
    assert.deepEqual([result.cancelled, result.epochsRun], [false, 30]);
    const resuming = rest.values.find((event) => event.type === 'resuming');
    assert.ok(resuming !== undefined && resuming.epoch > 1 && resuming.epochs === 30);
  });

  it('is a cancelled request when it is cancelled before the first epoch ends', async () => {
    const source = new CancellationTokenSource();
    const token = `token ${tokens++}`;
    daemon.connection.onProgress(new ProgressType<WorkDone>(), token, () => source.cancel());
    const params = { ...settings('never'), workDoneToken: token };
    await assert.rejects(
      daemon.connection.sendRequest(TrainRequest.type, params, source.token),
      failsWith(REQUEST_CANCELLED),
    );
    assert.equal(existsSync(path('never', 'm', 'deepfake_cnn.safetensors')), false);
  });

  it('fails for a folder that is not there', async () => {
    const params = { ...settings('failed'), dataRoot: path('nowhere') };
    await assert.rejects(daemon.connection.sendRequest(TrainRequest.type, params), (error: unknown) => {
      assert.ok(error instanceof ResponseError);
      assert.equal(ErrorCode[error.code], 'DatasetNotFound');
      return true;
    });
  });
});

describe('a daemon process', () => {
  it('without a model says so to whoever asks, and takes another', async () => {
    const missing = path('later', 'deepfake_cnn.safetensors');
    const late = await DaemonProcess.start({ checkpoint: missing }, false);
    const { connection } = late;
    await assert.rejects(
      connection.sendRequest(ModelRequest.type),
      failsWith(ErrorCode.CheckpointNotFound, missing),
    );
    const unusable = path('text.mp3');
    await assert.rejects(connection.sendRequest(LoadModelRequest.type, { checkpoint: unusable }));
    await assert.rejects(
      connection.sendRequest(ModelRequest.type),
      failsWith(ErrorCode.CheckpointNotFound, missing),
    );
    assert.equal(
      (await connection.sendRequest(LoadModelRequest.type, { checkpoint })).checkpoint,
      checkpoint,
    );
    assert.equal(await late.stop(), 0);
  });

  it('without a model answers once there is one', async () => {
    const missing = path('later', 'deepfake_cnn.safetensors');
    const late = await DaemonProcess.start({ checkpoint: missing }, false);
    const { connection } = late;
    await assert.rejects(connection.sendRequest(ModelRequest.type));
    await writeUntrainedModel(path('later'));
    assert.equal((await connection.sendRequest(ModelRequest.type)).checkpoint, missing);
    assert.ok(late.log.some((line) => line.includes(missing)));
    assert.equal(await late.stop(), 0);
  });

  it('ends after shutdown and exit, in the middle of work too', async () => {
    const busy = await DaemonProcess.start({ checkpoint, workers: 2 });
    const token = `token ${tokens++}`;
    const first = signal();
    busy.connection.onProgress(ClassifyRequest.partialResult, token, () => first.resolve());
    const params = { files: new Array(5000).fill(noise), partialResultToken: token };
    busy.connection.sendRequest(ClassifyRequest.type, params).catch(() => {});
    await first.promise;
    assert.equal(await busy.stop(), 0);
  });

  it('stops a training run when it ends, keeps the best epoch and has no temporary files', async () => {
    const tmp = subfolder(folder, 'tmp');
    const busy = await DaemonProcess.start({ checkpoint, workers: 1 }, true, { TMPDIR: tmp, TEMP: tmp });
    const token = `token ${tokens++}`;
    const first = signal();
    busy.connection.onProgress(TrainRequest.partialResult, token, ({ type }) => {
      if (type === 'epoch') first.resolve();
    });
    const modelDir = path('interrupted');
    const params = {
      dataRoot: path('data'),
      modelDir,
      reportsDir: modelDir,
      epochs: 100_000,
      partialResultToken: token,
    };
    busy.connection.sendRequest(TrainRequest.type, params).catch(() => {});
    await first.promise;
    assert.deepEqual(await readdir(tmp), []);
    assert.equal(await busy.stop(), 0);
    assert.deepEqual(await readdir(tmp), []);
    await readModel(join(modelDir, 'deepfake_cnn.safetensors'));
  });

  it('ends when its client goes away without a word', async () => {
    const orphan = await DaemonProcess.start({ checkpoint, workers: 1 });
    orphan.process.stdin?.end();
    assert.notEqual(await orphan.exit, null);
  });
});
