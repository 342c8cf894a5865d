import {
  type CancellationToken,
  createConnection,
  LSPErrorCodes,
  type PartialResultParams,
  type ProgressType,
  ProposedFeatures,
  ResponseError,
  type WorkDoneProgressParams,
  type WorkDoneProgressReporter,
} from 'vscode-languageserver/node';
import type { z } from 'zod';
import { DeepfakeError, ErrorCode, messageOf } from '../shared/errors.ts';
import {
  type ClassifyParams,
  ClassifyRequest,
  type ClassifyResult,
  DatasetRequest,
  type DatasetResult,
  type ErrorData,
  type EvaluateParams,
  EvaluateRequest,
  ExportModelRequest,
  type FileResult,
  ImportModelRequest,
  LoadModelRequest,
  ModelRequest,
  PlayableAudioRequest,
  ReadyNotification,
  ReportDetailRequest,
  type ReportPart,
  ReportRequest,
  type ScannedFile,
  type ScanParams,
  type ScanPart,
  type ScanReportParams,
  ScanReportRequest,
  ScanRequest,
  type ScanResult,
  type ScanSummary,
  type TrainingEvent,
  type TrainParams,
  TrainRequest,
} from '../shared/protocol.ts';
import type { Verdict } from '../shared/verdict.ts';
import { discoverDataset } from './dataset/manifest.ts';
import { splitIntoParts } from './dataset/split.ts';
import { Detector, type DetectorOptions } from './detector.ts';
import { evaluateDataset } from './evaluation/evaluateDataset.ts';
import type { Classifier } from './inference/classifier.ts';
import { type FilePictures, PictureCache } from './inference/filePictures.ts';
import { playableAudio } from './inference/playableAudio.ts';
import { SoundCopies } from './inference/soundCopies.ts';
import { readModel, writeModel } from './model/checkpoint.ts';
import { exportOnnx } from './model/exportOnnx.ts';
import { packageVersion } from './paths.ts';
import {
  checkedParams,
  classifyParams,
  datasetParams,
  evaluateParams,
  exportModelParams,
  importModelParams,
  loadModelParams,
  noParams,
  playableAudioParams,
  reportDetailParams,
  reportParams,
  scanParams,
  scanReportParams,
  trainParams,
} from './requestParams.ts';
import { fileReport } from './scan/reports.ts';
import { openStore } from './scan/resultStore.ts';
import { scan } from './scan/scan.ts';
import { progressText } from './training/progressText.ts';
import { DEFAULT_SEED, DEFAULT_VAL_SIZE, startTraining } from './training/trainingRun.ts';

/** Requests that may wait at a time, so that no client fills the memory with them. */
const MOST_REQUESTS = 10_000;
/** Memory for pictures of open reports; those of a two-hour file take 37 MB. */
const PICTURE_CACHE_BYTES = 96 * 2 ** 20;

/** Answers JSON-RPC over the transport named on the command line (--node-ipc, --stdio, --socket=PORT, --pipe=PATH) until the client ends. */
export function serve(): void {
  const connection = createConnection(ProposedFeatures.all);
  let options: DetectorOptions = {};
  let detector: Promise<Detector> | undefined;
  const warn = (message: string) => connection.console.warn(message);
  /** Loaded on first need; a failure is reported to whoever asked and tried again by the next. */
  const ready = (): Promise<Detector> => {
    detector ??= Detector.open(options, warn).catch((error) => {
      detector = undefined;
      throw error;
    });
    return detector;
  };

  connection.onInitialize((params) => {
    options = { ...(params.initializationOptions as DetectorOptions | undefined) };
    // Not when the client says that it is initialised, which is a message later.
    ready().catch(() => {});
    return { capabilities: {}, serverInfo: { name: 'deepfake-audio' } };
  });
  connection.onInitialized(() => {
    ready().then(
      () => connection.sendNotification(ReadyNotification.type),
      (error) => connection.console.error(messageOf(error)),
    );
  });
  const pictures = new PictureCache(PICTURE_CACHE_BYTES);
  let soundCopies: SoundCopies | undefined;
  const sounds = async (): Promise<SoundCopies> => {
    const { pool } = await ready();
    soundCopies ??= new SoundCopies(pool);
    return soundCopies;
  };
  const underWay = new Map<AbortController, Promise<unknown>>();
  const answer = <T>(token: CancellationToken, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
    if (underWay.size >= MOST_REQUESTS) {
      const message = `${MOST_REQUESTS} requests are under way: wait for some of their answers, or name several files in one request.`;
      return Promise.reject(responseError(new DeepfakeError(ErrorCode.TooManyRequests, message)));
    }
    const abort = new AbortController();
    const result = cancellable(token, abort, work).finally(() => underWay.delete(abort));
    underWay.set(abort, result);
    return result;
  };
  connection.onShutdown(async () => {
    // What is stopped properly removes its temporary files, and a training run keeps its best epoch.
    for (const abort of underWay.keys()) abort.abort();
    await Promise.allSettled(underWay.values());
    await soundCopies?.dispose();
    if (detector !== undefined) await (await detector).dispose();
  });

  const progressOf = ({ workDoneToken }: WorkDoneProgressParams) =>
    connection.window.attachWorkDoneProgress(workDoneToken);
  const partialOf = <R>(
    type: ProgressType<R>,
    { partialResultToken }: PartialResultParams,
  ): PartialResult<R> =>
    partialResultToken === undefined
      ? undefined
      : (value) => void connection.sendProgress<R>(type, partialResultToken, value as never);

  const withClassifier = async <T>(work: (classifier: Classifier) => Promise<T>): Promise<T> =>
    (await ready()).use(work);

  /** Answers requests of one type with `work`, which gets parameters of the right kind only. */
  const on = <P, R>(
    { method }: { method: string },
    schema: z.ZodType<P>,
    work: (params: P, signal: AbortSignal) => Promise<R>,
  ): void => {
    // The token comes last, behind whatever the client sent as parameters: nothing, an object, or a list of anything.
    connection.onRequest(
      method,
      (...given: unknown[]): Promise<unknown> =>
        answer(given.at(-1) as CancellationToken, async (signal) =>
          work(checkedParams(method, schema, given.length === 2 ? given[0] : undefined), signal),
        ),
    );
  };
  on(ClassifyRequest.type, classifyParams, (params, signal) => {
    const partial = partialOf(ClassifyRequest.partialResult, params);
    return withClassifier((classifier) => classify(classifier, params, signal, progressOf(params), partial));
  });
  on(ReportRequest.type, reportParams, (params, signal) => {
    const partial = partialOf(ReportRequest.partialResult, params);
    return withClassifier((classifier) =>
      report(classifier, params.file, pictures, signal, progressOf(params), partial),
    );
  });
  on(ReportDetailRequest.type, reportDetailParams, async ({ file, start, end }, signal) => {
    if (pictures.get(file) === undefined) {
      const examined = await withClassifier((classifier) => classifier.examine(file, { signal }));
      pictures.put(file, examined.pictures);
    }
    return (pictures.get(file) as FilePictures).between(start, end);
  });
  on(ScanRequest.type, scanParams, (params, signal) => {
    const partial = partialOf(ScanRequest.partialResult, params);
    return withClassifier((classifier) =>
      scanPaths(classifier, params, signal, progressOf(params), partial, warn),
    );
  });
  on(ScanReportRequest.type, scanReportParams, (params, signal) =>
    withClassifier((classifier) => reportFiles(classifier, params, signal, progressOf(params), warn)),
  );
  on(TrainRequest.type, trainParams, (params, signal) =>
    train(params, options, signal, progressOf(params), partialOf(TrainRequest.partialResult, params)),
  );
  on(DatasetRequest.type, datasetParams, ({ dataRoot }) => describeDataset(dataRoot));
  on(EvaluateRequest.type, evaluateParams, async (params, signal) =>
    evaluate(await ready(), params, signal, progressOf(params)),
  );
  on(ModelRequest.type, noParams, async () => (await ready()).modelInfo);
  on(LoadModelRequest.type, loadModelParams, async (params) => {
    const loaded = await ready().catch(() => undefined);
    if (loaded !== undefined) return loaded.loadModel(params.checkpoint, params.config);
    // Where the first model is broken, another takes its place.
    const before = options;
    options = { ...options, checkpoint: params.checkpoint, config: params.config };
    return ready()
      .then(({ modelInfo }) => modelInfo)
      .catch((error) => {
        options = before;
        throw error;
      });
  });
  on(ImportModelRequest.type, importModelParams, async ({ checkpoint, config, folder }) => {
    const model = await readModel(checkpoint, config);
    return { ...(await writeModel(folder, model.state, model.config, 0)), name: model.config.name };
  });
  on(ExportModelRequest.type, exportModelParams, async ({ onnxFile, checkpoint, config }) => {
    const model =
      checkpoint === undefined ? (await ready()).classifier.model : await readModel(checkpoint, config);
    await exportOnnx(model, onnxFile);
    return { name: model.config.name };
  });
  on(PlayableAudioRequest.type, playableAudioParams, async ({ file, start }, signal) =>
    playableAudio(await sounds(), file, start ?? 0, signal),
  );
  connection.listen();
}

/** Gives the work an abort signal that follows the token, and turns its errors into JSON-RPC's. */
async function cancellable<T>(
  token: CancellationToken,
  abort: AbortController,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const subscription = token.onCancellationRequested(() => abort.abort());
  try {
    return await work(abort.signal);
  } catch (error) {
    throw responseError(error);
  } finally {
    subscription.dispose();
  }
}

function responseError(error: unknown): ResponseError<ErrorData | undefined> {
  if (!(error instanceof DeepfakeError))
    return new ResponseError(LSPErrorCodes.RequestFailed, messageOf(error), undefined);
  const code = error.code === ErrorCode.Cancelled ? LSPErrorCodes.RequestCancelled : error.code;
  return new ResponseError(code, error.message, { code: error.code, file: error.file });
}

/** Sends one partial result; undefined where the client asked for none. */
type PartialResult<R> = ((value: R) => void) | undefined;

async function classify(
  classifier: Classifier,
  { files, withImages }: ClassifyParams,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
  partial: PartialResult<FileResult[]>,
): Promise<ClassifyResult> {
  const results = new Array<FileResult>(files.length);
  progress.begin('Detecting deepfakes', 0, undefined, true);
  const classifyOne = async (file: string, index: number) => {
    let result: FileResult;
    try {
      result = { file, verdict: await classifier.classify(file, { withImages, signal }) };
    } catch (error) {
      if (!(error instanceof DeepfakeError) || error.code === ErrorCode.Cancelled) throw error;
      result = { file, error: { code: error.code, message: error.message } };
    }
    results[index] = result;
    partial?.([result]);
  };
  try {
    await classifier.pool.forEach(files, classifyOne, (done, total) =>
      progress.report((100 * done) / total, `${done} of ${total}`),
    );
  } finally {
    progress.done();
  }
  return { results: partial === undefined ? results : [] };
}

async function report(
  classifier: Classifier,
  file: string,
  cache: PictureCache,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
  partial: PartialResult<ReportPart>,
): Promise<Verdict> {
  progress.begin('Detecting deepfakes', 0, undefined, true);
  try {
    const { verdict, pictures } = await classifier.examine(file, { signal }, (part) => {
      if (part.promised !== undefined) progress.report(Math.min(100, (100 * part.seconds) / part.promised));
      partial?.({ ...part, threshold: classifier.model.config.threshold });
    });
    cache.put(file, pictures);
    return verdict;
  } finally {
    progress.done();
  }
}

/** Milliseconds for which results of a scan are gathered into one message. */
const PARTIAL_RESULT_INTERVAL_MS = 50;

async function scanPaths(
  classifier: Classifier,
  params: ScanParams,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
  partial: PartialResult<ScanPart>,
  warn: (message: string) => void,
): Promise<ScanResult> {
  const store = await openStore(params.store, warn);
  progress.begin('Scanning for deepfakes', 0, undefined, true);
  let results: ScannedFile[] = [];
  let timer: NodeJS.Timeout | undefined;
  let counts = { found: 0, allFound: false };
  const send = () => {
    clearTimeout(timer);
    timer = undefined;
    if (results.length > 0) partial?.({ results, ...counts });
    results = [];
  };
  let reportedAt = 0;
  try {
    const summary = await scan(classifier, {
      paths: params.paths,
      include: params.include,
      exclude: params.exclude,
      base: params.base,
      filterNamed: params.filterNamed,
      allowMissing: params.allowMissing,
      since: sinceOf(params),
      ordered: params.ordered,
      store,
      queue: params.queue,
      warn,
      signal,
      onResult: (result) => {
        results.push(result);
        if (partial !== undefined) timer ??= setTimeout(send, PARTIAL_RESULT_INTERVAL_MS);
      },
      onProgress: ({ summary: { files }, found, allFound, workers }) => {
        counts = { found, allFound };
        if (performance.now() - reportedAt < PARTIAL_RESULT_INTERVAL_MS) return;
        reportedAt = performance.now();
        const by = workers === undefined ? '' : `, ${workers} ${workers === 1 ? 'worker' : 'workers'}`;
        progress.report((100 * files) / found, `${files} of ${found}${allFound ? '' : '+'} files${by}`);
      },
    });
    if (partial !== undefined) send();
    return { summary, results };
  } finally {
    clearTimeout(timer);
    progress.done();
    await store?.close();
  }
}

async function reportFiles(
  classifier: Classifier,
  params: ScanReportParams,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
  warn: (message: string) => void,
): Promise<ScanSummary> {
  const { files, output, paths, base } = params;
  const model = classifier.model.facts;
  const report = await fileReport(output, {
    paths,
    model,
    version: packageVersion,
    started: new Date(),
    base,
  });
  const store = await openStore(params.store, warn);
  progress.begin('Writing a report', 0, undefined, true);
  try {
    const summary = await scan(classifier, {
      paths: files,
      allowMissing: true,
      ordered: true,
      store,
      signal,
      onResult: (result) => report.add(result),
      onProgress: ({ summary: { files: done }, found }) =>
        progress.report((100 * done) / found, `${done} of ${found} files`),
    });
    await report.finish(summary);
    return summary;
  } catch (error) {
    await report.discard();
    throw error;
  } finally {
    progress.done();
    await store?.close();
  }
}

function sinceOf({ since }: ScanParams): Date | undefined {
  if (since === undefined) return undefined;
  const date = new Date(since);
  if (Number.isNaN(date.getTime()))
    throw new DeepfakeError(
      ErrorCode.InvalidArguments,
      `"${since}" is not a date: give one as in 2026-01-31.`,
    );
  return date;
}

async function describeDataset(dataRoot: string): Promise<DatasetResult> {
  const { root, name, clips, labelSources, warnings } = await discoverDataset(dataRoot);
  const parts = splitIntoParts(clips, { valSize: DEFAULT_VAL_SIZE, seed: DEFAULT_SEED });
  const deepfake = clips.filter(({ label }) => label === 1).length;
  return {
    root,
    name,
    genuine: clips.length - deepfake,
    deepfake,
    parts: {
      training: parts.training.length,
      validation: parts.validation.length,
      testing: parts.testing.length,
    },
    labelSources,
    warnings,
  };
}

async function evaluate(
  detector: Detector,
  params: EvaluateParams,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
) {
  const { checkpoint, config } = params;
  const own = checkpoint === undefined ? undefined : await detector.openClassifier(checkpoint, config);
  progress.begin('Evaluating', 0, undefined, true);
  try {
    return await detector.use((loaded) =>
      evaluateDataset(own ?? loaded, {
        dataRoot: params.dataRoot,
        reportsDir: params.reportsDir,
        samplePerClass: params.samplePerClass,
        onProgress: (done, total) => progress.report((100 * done) / total, `${done} of ${total} clips`),
        signal,
      }),
    );
  } finally {
    progress.done();
    await own?.dispose();
  }
}

async function train(
  params: TrainParams,
  { ffmpegPath, engine, device }: DetectorOptions,
  signal: AbortSignal,
  progress: WorkDoneProgressReporter,
  partial: PartialResult<TrainingEvent>,
) {
  progress.begin('Training', 0, undefined, true);
  try {
    return await startTraining(
      {
        dataRoot: params.dataRoot,
        modelDir: params.modelDir,
        reportsDir: params.reportsDir,
        recipe: params.recipe ?? 'default',
        epochs: params.epochs,
        batchSize: params.batchSize,
        learningRate: params.lr,
        weightDecay: params.weightDecay,
        patience: params.patience,
        valSize: params.valSize ?? DEFAULT_VAL_SIZE,
        seed: params.seed ?? DEFAULT_SEED,
        samplePerClass: params.samplePerClass,
        resume: params.resume,
        fresh: params.fresh,
        ffmpegPath,
        engine,
        device,
      },
      (event) => {
        partial?.(event);
        if (event.type === 'dataset' || event.type === 'resuming' || event.type === 'epoch') return;
        const text = progressText(event);
        // The percentage is the training's: it must not go back from one phase to the next.
        if (event.type === 'step') progress.report(Math.floor((100 * event.step) / event.steps), text);
        else progress.report(text);
      },
      signal,
    );
  } finally {
    progress.done();
  }
}
