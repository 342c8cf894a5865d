import { sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Invocation, Location, Log, Notification, ReportingDescriptor, Result, Run } from 'sarif';
import type { Verdict } from '../../../shared/verdict.ts';
import { headline, summary as sentence } from '../../../shared/wording.ts';
import { isUrl } from '../urls.ts';
import { type ReportContext, type ReportWriter, shownPath } from './format.ts';

const SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json';
const BASE = 'BASE';

const RULES: ReportingDescriptor[] = [
  {
    id: 'deepfake',
    name: 'Deepfake',
    shortDescription: { text: 'Probably synthetic speech' },
    fullDescription: { text: 'The speech in this file is probably synthetic.' },
    defaultConfiguration: { level: 'warning' },
  },
  {
    id: 'inconclusive',
    name: 'Inconclusive',
    shortDescription: { text: 'No clear answer' },
    fullDescription: { text: 'Neither genuine nor synthetic speech can be said with enough certainty.' },
    defaultConfiguration: { level: 'none' },
  },
];

/**
 * SARIF 2.1.0: a result per file that is Deepfake (kind fail) or Inconclusive (kind review), a notification per file that
 * could not be read, and the counts in the invocation's properties. Genuine files are counted only.
 */
export function sarif(context: ReportContext): ReportWriter {
  // Results are written as they come, so notifications wait for the end.
  const notifications: Notification[] = [];
  let separator = '\n';
  return {
    begin: () => {
      const log = { $schema: SCHEMA, version: '2.1.0' } satisfies Partial<Log>;
      return `${opened(log)},"runs":[${opened(runHead(context))},"results":[`;
    },
    row: (file) => {
      if ('error' in file) {
        notifications.push(notification(file.file, file.error.message, context));
        return '';
      }
      if (file.verdict.decision === 'Genuine') return '';
      const text = separator + JSON.stringify(result(file.verdict, file.contentHash, context));
      separator = ',\n';
      return text;
    },
    end: (counts) => {
      const invocation: Invocation = {
        executionSuccessful: true,
        startTimeUtc: context.started.toISOString(),
        endTimeUtc: new Date(context.started.getTime() + 1000 * counts.seconds).toISOString(),
        workingDirectory: { uri: folderUri(context.base) },
        toolExecutionNotifications: notifications,
        properties: { ...counts },
      };
      return `\n],"invocations":[${JSON.stringify(invocation)}]}]}\n`;
    },
  };
}

/** An object's JSON without its closing brace. */
const opened = (value: object): string => JSON.stringify(value).slice(0, -1);

function runHead({ version, model, base }: ReportContext): Run {
  return {
    tool: {
      driver: {
        name: 'deepfake-audio',
        semanticVersion: version,
        rules: RULES,
        properties: { model: model.name, modelSha256: model.sha256 },
      },
    },
    originalUriBaseIds: { [BASE]: { uri: folderUri(base) } },
    columnKind: 'utf16CodeUnits',
  };
}

function result(verdict: Verdict, contentHash: string | undefined, context: ReportContext): Result {
  const deepfake = verdict.decision === 'Deepfake';
  const ruleIndex = deepfake ? 0 : 1;
  const reasons = deepfake ? [sentence(verdict)] : [...verdict.reasons, sentence(verdict)];
  return {
    ruleId: RULES[ruleIndex].id,
    ruleIndex,
    kind: deepfake ? 'fail' : 'review',
    level: deepfake ? 'warning' : 'none',
    message: { text: literal(`${headline(verdict.decision)}. ${reasons.join(' ')}`) },
    locations: [location(verdict.file, context)],
    rank: 100 * verdict.deepfakeProbability,
    ...(contentHash === undefined ? {} : { fingerprints: { 'sha256/v1': contentHash } }),
    properties: {
      deepfakeProbability: verdict.deepfakeProbability,
      threshold: verdict.threshold,
      duration: verdict.audio.duration,
    },
  };
}

const notification = (file: string, message: string, context: ReportContext): Notification => ({
  level: 'error',
  message: { text: literal(message) },
  locations: [location(file, context)],
});

function location(file: string, { base }: ReportContext): Location {
  const local = shownPath(file, base);
  const absolute = isUrl(file) ? file : pathToFileURL(file).href;
  const artifactLocation = local === file ? { uri: absolute } : { uri: relativeUri(local), uriBaseId: BASE };
  return { physicalLocation: { artifactLocation } };
}

const folderUri = (folder: string): string => `${pathToFileURL(folder).href.replace(/\/$/, '')}/`;

/** Each part is encoded, so that no name is taken for a scheme, a query or a fragment. */
const relativeUri = (local: string): string => local.split(sep).map(encodeURIComponent).join('/');

/** SARIF reads [links](…) and {placeholders} in messages unless they are escaped (§ 3.11.5, 3.11.6). */
const literal = (text: string): string => text.replace(/[[\]\\]/g, '\\$&').replace(/[{}]/g, '$&$&');
