import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LSPErrorCodes } from 'vscode-languageserver-protocol';
import { packageRoot } from '../../daemon/paths.ts';
import { ErrorCode } from '../../shared/errors.ts';
import * as protocol from '../../shared/protocol.ts';
import { GENERATED, table } from './cliReference.ts';
import { type Declaration, declarationsOf } from './declarations.ts';

/** Where the types that travel are declared. */
const SOURCES = [
  'shared/protocol.ts',
  'shared/verdict.ts',
  'daemon/detector.ts',
  'daemon/model/engines.ts',
  'shared/errors.ts',
];

/** docs/json-rpc.md: every method with its parameters, results and errors, from the code's own definitions. */
export function jsonRpcReference(): string {
  const read = (file: string) => declarationsOf(readFileSync(join(packageRoot, file), 'utf8'));
  const all = new Map(SOURCES.flatMap(read).map((declaration) => [declaration.name, declaration]));
  const methods = Object.entries(protocol).flatMap(([name, value]) =>
    typeof value === 'object' && 'method' in value ? [methodOf(all, name, value.method)] : [],
  );
  const users = (type: string) => methods.filter(({ types }) => types.has(type)).length;
  const options = reachable(all, ['DetectorOptions']);
  const common = [...all.keys()].filter((type) => users(type) > 1 && !options.has(type));
  const own = (types: Set<string>) =>
    [...types].filter((type) => !common.includes(type) && !options.has(type));
  const blocks = (types: string[]) =>
    types.length === 0
      ? ''
      : `\`\`\`ts\n${types.map((type) => typescript(all.get(type)!)).join('\n\n')}\n\`\`\``;

  return `# JSON-RPC

${GENERATED}

The daemon speaks [JSON-RPC 2.0](https://www.jsonrpc.org/specification) with the framing, the handshake, the progress and the
cancellation of the [Language Server Protocol](https://microsoft.github.io/language-server-protocol/), so any LSP client library
can talk to it. \`deepfake-audio serve\` with \`--stdio\`, \`--socket PORT\` or \`--pipe PATH\` starts it ([Command line](cli.md#serve));
over a port or a pipe the client listens and the daemon connects.

1. The client sends \`initialize\` (with \`initializationOptions\`, below), then the notification \`initialized\`.
2. The daemon loads the model and sends \`deepfake/ready\`. Requests may be sent before; they wait.
3. At the end the client sends \`shutdown\`, then the notification \`exit\`.

Parameters with a \`workDoneToken\` are answered by \`$/progress\` notifications with begin, report and end; where a method has partial
results, a \`partialResultToken\` gets them the same way as they come. \`$/cancelRequest\` cancels.
The daemon warns with \`window/logMessage\`.

A whole client, with nothing but Node:

\`\`\`js
${readFileSync(join(packageRoot, 'scripts/docs/client.mjs'), 'utf8').trim()}
\`\`\`

## Options of \`initialize\`

${blocks([...options])}

${methods
  .map(({ title, text, types }) =>
    [`## \`${title}\``, text, blocks(own(types))].filter((part) => part !== '').join('\n\n'),
  )
  .join('\n\n')}

## Types of several methods

${blocks(common)}

## Errors

An error's \`message\` is one sentence for people; \`data\` is \`{ code, file }\`. Beside JSON-RPC's own codes:

${table(
  ['code', 'name'],
  [
    ...errorCodes(),
    [
      String(LSPErrorCodes.RequestCancelled),
      'RequestCancelled: by `$/cancelRequest`, with `Cancelled` in `data`',
    ],
    [String(LSPErrorCodes.RequestFailed), 'RequestFailed: a defect of the daemon'],
  ],
)}
`;
}

interface Method {
  title: string;
  text: string;
  /** Every declared type that its messages reach. */
  types: Set<string>;
}

function methodOf(all: Map<string, Declaration>, name: string, title: string): Method {
  const { comment, source } = all.get(name)!;
  if (comment === '') throw new Error(`${name} in shared/protocol.ts has no comment.`);
  const request = /new (?:Request|Notification)Type\d?(?:<([^>]*)>)?\(method\)/.exec(source);
  if (request === null) throw new Error(`${name} in shared/protocol.ts declares no type that is understood.`);
  const names = (request[1] ?? '').split(',').map((type) => type.trim());
  const [params, result] = names.length === 3 ? names : [undefined, names[0]];
  const partial = /new ProgressType<(.*)>\(\)/.exec(source)?.[1];
  const facts = [
    ...(params === undefined ? [] : [`Parameters: \`${params}\`.`]),
    ...(result === '' ? ['A notification from the daemon, without parameters.'] : [`Result: \`${result}\`.`]),
    ...(partial === undefined ? [] : [`Partial results: \`${partial}\`.`]),
  ];
  const types = reachable(
    all,
    [params, result, partial?.replace('[]', '')].filter((type) => type),
  );
  return { title, text: `${comment}\n\n${facts.join(' ')}`, types };
}

/** The declared types named in the sources of these, and in theirs, and so on, in the order of their first mention. */
function reachable(all: Map<string, Declaration>, start: (string | undefined)[]): Set<string> {
  const found = new Set<string>();
  const visit = (type: string) => {
    const declaration = all.get(type);
    // Error codes have a table of their own.
    if (declaration === undefined || found.has(type) || type === 'ErrorCode') return;
    found.add(type);
    const code = declaration.source.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/'[^']*'/g, '');
    for (const [word] of code.matchAll(/\b[A-Z]\w+/g)) visit(word);
  };
  for (const type of start) if (type !== undefined) visit(type);
  return found;
}

const typescript = ({ comment, source }: Declaration): string =>
  `${comment === '' ? '' : `/** ${comment} */\n`}${source}`;

const errorCodes = (): string[][] =>
  Object.entries(ErrorCode).flatMap(([name, code]) =>
    typeof code === 'number' ? [[String(code), name]] : [],
  );
