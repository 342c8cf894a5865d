// npm run sbom: writes what the product installs as a CycloneDX list, prints its licences, and ends with 1 for one nobody has looked at.
//   npm run sbom -- --out FILE    elsewhere than out/sbom.cdx.json
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { softwareBillOfMaterials } from './package/billOfMaterials.mjs';
import { isAccepted } from './package/licences.mjs';
import { root } from './prepare.mjs';

const standard = join(root, 'out', 'sbom.cdx.json');
const { values } = parseArgs({ options: { out: { type: 'string', default: standard } } });
const file = resolve(values.out);
// npm's own list leaves out what is needed for development, too.
const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
const installed = Object.entries(packages)
  .filter(([path, { dev }]) => path !== '' && !dev)
  .map(([path, { version, license }]) => {
    const name = path.replace(/^.*node_modules\//, '');
    return { name, version, ...isAccepted(name, license ?? '') };
  });
const bill = softwareBillOfMaterials(installed, packages['']);
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, `${JSON.stringify(bill, null, 2)}\n`);

const byLicence = new Map();
for (const party of installed) byLicence.set(party.licence, [...(byLicence.get(party.licence) ?? []), party]);
for (const [licence, parties] of [...byLicence].sort())
  console.log(`${licence}: ${parties.map(({ name, version }) => `${name} ${version}`).join(', ')}`);
console.log(`\n${installed.length} packages, written to ${file}.`);
for (const { name, version, licence, accepted } of installed) {
  if (accepted) continue;
  console.error(
    `error: nobody has looked at the licence of ${name} ${version}: ${licence || 'none is stated'}.`,
  );
  process.exitCode = 1;
}
