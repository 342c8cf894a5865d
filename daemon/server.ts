import { createConnection, ProposedFeatures } from 'vscode-languageserver/node';
import { messageOf } from '../shared/errors.ts';
import {
  ClassifyRequest,
  DatasetRequest,
  EvaluateRequest,
  ExportModelRequest,
  ImportModelRequest,
  LoadModelRequest,
  ModelRequest,
  PlayableAudioRequest,
  ReadyNotification,
  ReportDetailRequest,
  ReportRequest,
  ScanReportRequest,
  ScanRequest,
  TrainRequest,
} from '../shared/protocol.ts';
import { Detector, type DetectorOptions } from './detector.ts';
import type { Classifier } from './inference/classifier.ts';
import { type FilePictures, PictureCache } from './inference/filePictures.ts';
import { playableAudio } from './inference/playableAudio.ts';
import { SoundCopies } from './inference/soundCopies.ts';
import { readModel, writeModel } from './model/checkpoint.ts';
import { exportOnnx } from './model/exportOnnx.ts';
import {
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
} from './server/requestParams.ts';
import { Requests } from './server/requests.ts';
import { scanPaths, writeScanReport } from './server/scanRequests.ts';
import { describeDataset, evaluate, train } from './server/trainingRequests.ts';
import { classify, report } from './server/verdictRequests.ts';

/** Memory for pictures of open reports; those of a two-hour file take 37 MB. */
const PICTURE_CACHE_BYTES = 96 * 2 ** 20;

/** Answers JSON-RPC over the transport named on the command line (--node-ipc, --stdio, --socket=PORT, --pipe=PATH) until the client ends. */
export function serve(): void {
  const connection = createConnection(ProposedFeatures.all);
  const warn = (message: string) => connection.console.warn(message);
  let options: DetectorOptions = {};
  let detector: Promise<Detector> | undefined;
  /** Loaded on first need; a failure is reported to whoever asked and tried again by the next. */
  const ready = (): Promise<Detector> => {
    detector ??= Detector.open(options, warn).catch((error) => {
      detector = undefined;
      throw error;
    });
    return detector;
  };
  const withClassifier = async <T>(work: (classifier: Classifier) => Promise<T>): Promise<T> =>
    (await ready()).use(work);
  const pictures = new PictureCache(PICTURE_CACHE_BYTES);
  let soundCopies: SoundCopies | undefined;
  const requests = new Requests(connection);

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
  connection.onShutdown(async () => {
    // What is stopped properly removes its temporary files, and a training run keeps its best epoch.
    await requests.stop();
    await soundCopies?.dispose();
    if (detector !== undefined) await (await detector).dispose();
  });

  requests.on(ClassifyRequest, classifyParams, (params, call) =>
    withClassifier((classifier) => classify(classifier, params, call)),
  );
  requests.on(ReportRequest, reportParams, (params, call) =>
    withClassifier((classifier) => report(classifier, pictures, params, call)),
  );
  requests.on(ReportDetailRequest, reportDetailParams, async ({ file, start, end }, { signal }) => {
    if (pictures.get(file) === undefined) {
      const examined = await withClassifier((classifier) => classifier.examine(file, { signal }));
      pictures.put(file, examined.pictures);
    }
    return (pictures.get(file) as FilePictures).between(start, end);
  });
  requests.on(PlayableAudioRequest, playableAudioParams, async ({ file, start }, { signal }) => {
    const { pool } = await ready();
    soundCopies ??= new SoundCopies(pool);
    return playableAudio(soundCopies, file, start ?? 0, signal);
  });
  requests.on(ScanRequest, scanParams, (params, call) =>
    withClassifier((classifier) => scanPaths(classifier, params, call, warn)),
  );
  requests.on(ScanReportRequest, scanReportParams, (params, call) =>
    withClassifier((classifier) => writeScanReport(classifier, params, call, warn)),
  );
  requests.on(DatasetRequest, datasetParams, describeDataset);
  requests.on(TrainRequest, trainParams, (params, call) => train(options, params, call));
  requests.on(EvaluateRequest, evaluateParams, async (params, call) => evaluate(await ready(), params, call));
  requests.on(ModelRequest, noParams, async () => (await ready()).modelInfo);
  requests.on(LoadModelRequest, loadModelParams, async (params) => {
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
  requests.on(ImportModelRequest, importModelParams, async ({ checkpoint, config, folder }) => {
    const model = await readModel(checkpoint, config);
    return { ...(await writeModel(folder, model.state, model.config, 0)), name: model.config.name };
  });
  requests.on(ExportModelRequest, exportModelParams, async ({ onnxFile, checkpoint, config }) => {
    const model =
      checkpoint === undefined ? (await ready()).classifier.model : await readModel(checkpoint, config);
    await exportOnnx(model, onnxFile);
    return { name: model.config.name };
  });
  connection.listen();
}
