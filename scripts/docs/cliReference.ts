import { sep } from 'node:path';
import type { Command, Option } from 'commander';
import { exitCodesOf } from '../../daemon/cli/exitCodes.ts';
import { createProgram } from '../../daemon/cli/program.ts';
import { userCacheFolder } from '../../daemon/paths.ts';
import { defaultCacheFolder } from '../../daemon/training/featureCache.ts';

/** docs/cli.md: every command, argument, option and exit code, from commander's own definitions. */
export function cliReference(): string {
  const program = createProgram();
  const sections = program.commands.map((command) => section(program.name(), command));
  return `# Command line

${GENERATED}

\`node dist/cli.js\` in a clone, \`deepfake-audio\` where the package is installed. \`--help\` after a command says what is below;
\`--version\` prints the version. Exit code 0 is success, 1 is also the code of a command that is not understood.

\`USER_CACHE\` is \`~/.cache/deepfake-audio\` (or below \`XDG_CACHE_HOME\`) on Linux, \`~/Library/Caches/deepfake-audio\` on macOS and
\`%LOCALAPPDATA%\\deepfake-audio\\Cache\` on Windows.

## Examples

\`\`\`sh
node dist/cli.js predict media/samples/genuine-woman-english.flac          # JSON, for programs
node dist/cli.js predict --table FILE…                                     # a table, for people
node dist/cli.js scan FOLDER --output findings.html --fail-on deepfake     # exit code 2 when there is a deepfake
node dist/cli.js train --data-root FOLDER --model-dir models/mine
node dist/cli.js train --data-root FOLDER --model-dir models/mine --resume
node dist/cli.js evaluate --data-root FOLDER --model models/mine/deepfake_cnn.safetensors
node dist/cli.js import deepfake_cnn.pth --out models/imported
node dist/cli.js export --model models/mine/deepfake_cnn.safetensors --onnx mine.onnx
\`\`\`

\`train\` without \`--model-dir\` writes to the folder \`models\` where you stand; in a clone that is where the shipped model lies.

${sections.join('\n\n')}
`;
}

export const GENERATED = '*Made from the code by `npm run docs`.*';

function section(programName: string, command: Command): string {
  const help = command.createHelp();
  const parts = [
    `## \`${command.name()}\``,
    command.description(),
    `    ${programName} ${command.name()} ${command.usage()}`,
  ];
  const { registeredArguments, options } = command;
  if (registeredArguments.length > 0)
    parts.push(
      registeredArguments
        .map((argument) => `\`${help.argumentTerm(argument)}\`: ${help.argumentDescription(argument)}.`)
        .join('\n'),
    );
  parts.push(
    table(
      ['option', ''],
      options.map((option) => [`\`${option.flags}\``, optionMeaning(command, option)]),
    ),
  );
  const codes = Object.entries(exitCodesOf(command)).map(([code, meaning]) => `${code}: ${meaning}`);
  parts.push(`Exit codes beside 0: ${codes.join('; ')}.`);
  return parts.join('\n\n');
}

function optionMeaning(command: Command, option: Option): string {
  // commander keeps the names of conflicting options in a field that its types do not show.
  const { conflictsWith } = option as unknown as { conflictsWith: string[] };
  const flags = conflictsWith.map(
    (name) => `\`${command.options.find((other) => other.attributeName() === name)?.long}\``,
  );
  return [
    machineIndependent(command.createHelp().optionDescription(option)),
    ...(option.mandatory ? ['required'] : []),
    ...(flags.length > 0 ? [`not together with ${flags.join(', ')}`] : []),
  ].join('; ');
}

const machineIndependent = (text: string): string =>
  text.replace(defaultCacheFolder(), 'USER_CACHE/features').replace(userCacheFolder + sep, 'USER_CACHE/');

/** A table of Markdown. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replace(/[|<]/g, (character) => (character === '|' ? '\\|' : '&lt;'))).join(' | ')} |`;
  // In code, < needs no escape and would show it.
  const row = (cells: string[]) => line(cells).replace(/`[^`]*`/g, (code) => code.replace(/&lt;/g, '<'));
  return [row(head), `|${head.map(() => '---|').join('')}`, ...rows.map(row)].join('\n');
}
