import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { after } from 'node:test';

/** Makes `folder` a file system of this many bytes, gone after the tests of the file; or the reason why there is none. */
export function smallDisk(folder: string, bytes: number): string | false {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'only root on Linux may make a small disk';
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return 'this system lets nobody mount a disk';
  }
  after(() => execFileSync('umount', [folder], { stdio: 'ignore' }));
  return false;
}

/** Lets nobody write to a small disk any more. */
export function makeReadOnly(folder: string): void {
  execFileSync('mount', ['-o', 'remount,ro', folder], { stdio: 'ignore' });
}
