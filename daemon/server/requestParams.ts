import { z } from 'zod';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import type {
  ClassifyParams,
  DatasetParams,
  EvaluateParams,
  ExportModelParams,
  ImportModelParams,
  LoadModelParams,
  PlayableAudioParams,
  ReportDetailParams,
  ReportParams,
  ScanParams,
  ScanReportParams,
  TrainParams,
} from '../../shared/protocol.ts';

// What each request has to look like; shared/protocol.ts says what it means.
const path = z.string().min(1);
const token = z.union([z.string(), z.number()]).optional();
const progress = { workDoneToken: token };
const partial = { ...progress, partialResultToken: token };
const number = z.number().optional();
const flag = z.boolean().optional();
const globs = z.array(z.string().min(1).max(10_000)).optional();
const store = z.union([path, z.literal(false)]).optional();

export const classifyParams: z.ZodType<ClassifyParams> = z.looseObject({
  ...partial,
  files: z.array(path),
  withImages: flag,
});
export const scanParams: z.ZodType<ScanParams> = z.looseObject({
  ...partial,
  paths: z.array(path),
  include: globs,
  exclude: globs,
  base: path.optional(),
  filterNamed: flag,
  allowMissing: flag,
  since: z.string().optional(),
  ordered: flag,
  store,
  queue: path.optional(),
});
export const scanReportParams: z.ZodType<ScanReportParams> = z.looseObject({
  ...progress,
  files: z.array(path),
  output: path,
  paths: z.array(path),
  base: z.string(),
  store,
});
export const trainParams: z.ZodType<TrainParams> = z.looseObject({
  ...partial,
  dataRoot: z.string(),
  modelDir: path,
  reportsDir: path,
  recipe: path.optional(),
  epochs: number,
  batchSize: number,
  valSize: number,
  lr: number,
  weightDecay: number,
  patience: number,
  seed: number,
  samplePerClass: number,
  resume: flag,
  fresh: flag,
});
export const datasetParams: z.ZodType<DatasetParams> = z.looseObject({ dataRoot: z.string() });
export const evaluateParams: z.ZodType<EvaluateParams> = z.looseObject({
  ...progress,
  dataRoot: z.string(),
  reportsDir: path,
  checkpoint: path.optional(),
  config: path.optional(),
  samplePerClass: number,
});
export const loadModelParams: z.ZodType<LoadModelParams> = z.looseObject({
  checkpoint: path.optional(),
  config: path.optional(),
});
export const importModelParams: z.ZodType<ImportModelParams> = z.looseObject({
  checkpoint: path,
  config: path.optional(),
  folder: path,
});
export const exportModelParams: z.ZodType<ExportModelParams> = z.looseObject({
  onnxFile: path,
  checkpoint: path.optional(),
  config: path.optional(),
});
export const playableAudioParams: z.ZodType<PlayableAudioParams> = z.looseObject({
  file: path,
  start: number,
});
export const reportParams: z.ZodType<ReportParams> = z.looseObject({ ...partial, file: path });
export const reportDetailParams: z.ZodType<ReportDetailParams> = z.looseObject({
  file: path,
  start: z.number(),
  end: z.number(),
});
export const noParams: z.ZodType<unknown> = z.unknown();

/** The parameters of a request, once they are of the right kind. Throws InvalidArguments. */
export function checkedParams<P>(method: string, schema: z.ZodType<P>, given: unknown): P {
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = issue.path.length === 0 ? 'its parameters' : `the parameter ${issue.path.join('.')}`;
  throw new DeepfakeError(
    ErrorCode.InvalidArguments,
    `${method} was asked wrongly: ${where} ${given === undefined ? 'are missing' : `cannot be taken (${issue.message})`}.`,
  );
}
