import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Badges } from '../../extension/scan/badges.ts';
import { Findings } from '../../extension/scan/findings.ts';
import { MAX_PROBLEMS, Problems } from '../../extension/scan/problems.ts';
import { finding } from './someFindings.ts';
import { DiagnosticSeverity, fake, Uri } from './vscode.ts';

const ENOUGH_MS = 1000;

beforeEach(() => {
  mock.timers.enable({ apis: ['setTimeout'] });
  fake.folders = ['/w', '/v'];
  fake.problems.clear();
  fake.problemUpdates = 0;
  fake.settings = new Map<string, unknown>([
    ['deepfake.badges', true],
    ['deepfake.problems.deepfake', 'warning'],
    ['deepfake.problems.inconclusive', 'off'],
  ]);
});
afterEach(() => mock.timers.reset());

function problemsOf(findings: Findings): Problems {
  const problems = new Problems(findings);
  return problems;
}

test('deepfakes are warnings that lead to the report, and nothing else is a problem by default', () => {
  const findings = new Findings();
  problemsOf(findings);
  findings.put([
    finding('/w/fake.wav', 'Deepfake', 0.9),
    finding('/w/unclear.wav', 'Inconclusive', 0.5),
    finding('/w/genuine.wav', 'Genuine', 0.1),
    finding('/w/text.mp3', 'Not read'),
  ]);
  mock.timers.tick(ENOUGH_MS);
  assert.deepEqual([...fake.problems.keys()], ['/w/fake.wav']);
  const [problem] = fake.problems.get('/w/fake.wav') ?? [];
  assert.equal(problem.severity, DiagnosticSeverity.Warning);
  assert.match(problem.message, /probability 90 %/);
  assert.match(
    String((problem as unknown as { code: { target: Uri } }).code.target),
    /^command:deepfake\.openReport\?/,
  );
});

test('each workspace folder has its own severities', () => {
  fake.settings.set('deepfake.problems.deepfake /v', 'off');
  fake.settings.set('deepfake.problems.inconclusive /v', 'information');
  const findings = new Findings();
  problemsOf(findings);
  for (const root of ['/w', '/v']) {
    findings.put([
      finding(`${root}/fake.wav`, 'Deepfake', 0.9),
      finding(`${root}/unclear.wav`, 'Inconclusive', 0.5),
    ]);
  }
  mock.timers.tick(ENOUGH_MS);
  assert.deepEqual([...fake.problems.keys()].sort(), ['/v/unclear.wav', '/w/fake.wav']);
});

test('a setting that changes takes effect at once', () => {
  const findings = new Findings();
  problemsOf(findings);
  findings.put([finding('/w/fake.wav', 'Deepfake', 0.9)]);
  mock.timers.tick(ENOUGH_MS);
  fake.settings.set('deepfake.problems.deepfake', 'error');
  fake.changeSettings('deepfake.problems.deepfake');
  mock.timers.tick(ENOUGH_MS);
  assert.equal(fake.problems.get('/w/fake.wav')?.[0].severity, DiagnosticSeverity.Error);
});

test('a problem goes with its finding, and when the file changes', () => {
  const findings = new Findings();
  problemsOf(findings);
  findings.put([finding('/w/a.wav', 'Deepfake', 0.9), finding('/w/b.wav', 'Deepfake', 0.9)]);
  mock.timers.tick(ENOUGH_MS);
  findings.delete('/w/a.wav');
  findings.markOutdated('/w/b.wav');
  mock.timers.tick(ENOUGH_MS);
  assert.equal(fake.problems.size, 0);
});

test('of very many problems the most probable deepfakes are shown, handed over together', () => {
  const findings = new Findings();
  problemsOf(findings);
  const count = MAX_PROBLEMS + 10;
  for (let i = 0; i < count; i++) findings.put([finding(`/w/${i}.wav`, 'Deepfake', i / count)]);
  mock.timers.tick(ENOUGH_MS);
  assert.equal(fake.problems.size, MAX_PROBLEMS);
  assert.ok(!fake.problems.has('/w/0.wav') && fake.problems.has(`/w/${count - 1}.wav`));
  assert.equal(fake.problemUpdates, 1);
});

test('the explorer marks deepfakes and what is unclear, and nothing that is in order', () => {
  const findings = new Findings();
  const badges = new Badges(findings);
  findings.put([
    finding('/w/fake.wav', 'Deepfake', 0.9),
    finding('/w/unclear.wav', 'Inconclusive', 0.5),
    finding('/w/genuine.wav', 'Genuine', 0.1),
  ]);
  const badge = (path: string) => badges.provideFileDecoration(Uri.file(path) as never)?.badge;
  assert.deepEqual(
    ['fake', 'unclear', 'genuine', 'unknown'].map((name) => badge(`/w/${name}.wav`)),
    ['D', '?', undefined, undefined],
  );
  findings.markOutdated('/w/fake.wav');
  assert.equal(badge('/w/fake.wav'), undefined);
});

test('badges can be turned off for one folder', () => {
  fake.settings.set('deepfake.badges /v', false);
  const findings = new Findings();
  const badges = new Badges(findings);
  for (const root of ['/w', '/v']) findings.put([finding(`${root}/fake.wav`, 'Deepfake', 0.9)]);
  assert.equal(badges.provideFileDecoration(Uri.file('/v/fake.wav') as never), undefined);
  assert.equal(badges.provideFileDecoration(Uri.file('/w/fake.wav') as never)?.badge, 'D');
});
