import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A task that trains by the recipe that is quickest. */
export const trainingTask = (label: string, options: object) => ({
  label,
  type: 'deepfake',
  command: 'train',
  recipe: 'reference',
  ...options,
});

/** Writes the tasks.json of a folder. */
export function writeTasks(folder: string, tasks: object[]): void {
  mkdirSync(join(folder, '.vscode'));
  const file = join(folder, '.vscode', 'tasks.json');
  writeFileSync(file, JSON.stringify({ version: '2.0.0', tasks }, null, 2));
}
