import { Command } from 'commander';

export function serveCommand(): Command {
  return new Command('serve')
    .description('Answer JSON-RPC requests, for editors and scripts.')
    .option('--stdio', 'talk over standard input and output')
    .option('--socket <port or path>', 'talk over a socket that the client listens on')
    .allowUnknownOption(false)
    .action(async () => {
      // vscode-languageserver reads the transport from the command line itself.
      const { serve } = await import('../server.ts');
      serve();
    });
}
