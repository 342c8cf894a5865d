import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { KeptFindings } from './findings.ts';

/** Raised when the shape of a finding changes; what older versions wrote is then left aside. */
const VERSION = 1;

/** The findings that an earlier window has kept; none where there is no file or another version's. */
export async function readFindings(path: string): Promise<KeptFindings> {
  try {
    const { version, roots, findings } = JSON.parse(await readFile(path, 'utf8'));
    if (version === VERSION) return { roots, findings };
  } catch {
    // A scan finds everything again, from its store.
  }
  return { roots: [], findings: [] };
}

/** Replaces the file as a whole, so that a window that ends meanwhile leaves the old one. */
export async function writeFindings(path: string, kept: KeptFindings): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const written = `${path}.${process.pid}.tmp`;
  await writeFile(written, JSON.stringify({ version: VERSION, ...kept }));
  await rename(written, path);
}
