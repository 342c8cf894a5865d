import type { ChildProcess } from 'node:child_process';
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';

/** A client of a daemon over its standard input and output, which have to be pipes. */
export function daemonConnection({ stdin, stdout }: ChildProcess): MessageConnection {
  if (stdin === null || stdout === null) throw new TypeError('The daemon has no pipes.');
  const reader = new StreamMessageReader(stdout);
  // Its timer would go on for ever where a daemon is killed in the middle of a message.
  reader.partialMessageTimeout = 0;
  return createMessageConnection(reader, new StreamMessageWriter(stdin));
}
