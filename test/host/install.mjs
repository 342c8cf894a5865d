// node test/host/install.mjs – fetches what the tests in a real VS Code need, or says why that is not possible here.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HostUnavailable, provisionHost } from './provision.mjs';

try {
  await provisionHost(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
} catch (error) {
  if (!(error instanceof HostUnavailable)) {
    throw error;
  }
  console.log(`Tests in a real VS Code will be skipped: ${error.message}.`);
}
