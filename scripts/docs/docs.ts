import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../daemon/paths.ts';
import { references } from './references.ts';

for (const [path, text] of Object.entries(references())) {
  writeFileSync(join(packageRoot, path), text);
  console.log(`Wrote ${path}.`);
}
