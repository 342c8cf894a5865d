import { cliReference } from './cliReference.ts';
import { jsonRpcReference } from './jsonRpcReference.ts';

/** The pages that are made from the code: path → text. */
export const references = (): Record<string, string> => ({
  'docs/cli.md': cliReference(),
  'docs/json-rpc.md': jsonRpcReference(),
});
