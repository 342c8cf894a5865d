import { Command, Option } from 'commander';
import { DeepfakeError, ErrorCode } from '../../shared/errors.ts';
import { withExitCodes } from './exitCodes.ts';
import { positiveInteger } from './options.ts';

interface ServeOptions {
  stdio?: boolean;
  socket?: number;
  pipe?: string;
}

export function serveCommand(): Command {
  const command = new Command('serve')
    .description('Answer JSON-RPC requests, for editors and scripts, until the client ends.')
    .addOption(new Option('--stdio', 'talk over standard input and output').conflicts(['socket', 'pipe']))
    .addOption(
      new Option('--socket <port>', 'talk over a TCP port of this machine that the client listens on')
        .argParser(positiveInteger)
        .conflicts('pipe'),
    )
    .option('--pipe <path>', 'talk over a Unix socket or a named pipe that the client listens on')
    .action(async ({ stdio, socket, pipe }: ServeOptions) => {
      if (!stdio && socket === undefined && pipe === undefined)
        throw new DeepfakeError(ErrorCode.InvalidArguments, 'Name a transport: --stdio, --socket or --pipe.');
      // vscode-languageserver reads the transport from the command line itself.
      const { serve } = await import('../server.ts');
      serve();
    });
  return withExitCodes(command, { 1: 'the connection broke, or ended without the request shutdown' });
}
