import type { Command } from 'commander';

/** What a command's exit codes mean beside 0, success; the help and docs/cli.md tell them. */
export type ExitCodes = Record<number, string>;

const known = new WeakMap<Command, ExitCodes>();

/** Adds exit codes to a command's help and returns the command. */
export function withExitCodes(command: Command, codes: ExitCodes): Command {
  known.set(command, codes);
  const lines = Object.entries(codes).map(([code, meaning]) => `  ${code.padEnd(5)}${meaning}`);
  return command.addHelpText('after', `\nExit codes beside 0:\n${lines.join('\n')}`);
}

/** The exit codes that a command was given. */
export const exitCodesOf = (command: Command): ExitCodes => known.get(command) ?? {};
