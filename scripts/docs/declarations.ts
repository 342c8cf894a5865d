/** A type that a source file exports. */
export interface Declaration {
  name: string;
  /** Its doc comment as sentences; empty where there is none. */
  comment: string;
  /** Its source without `export`. */
  source: string;
}

const EXPORT = /^export (?:interface|type|enum|namespace) (\w+)/;

/**
 * The exported types of a source file in their order. It relies on the formatter: what stands at the top level begins in
 * column 0, and nothing inside a declaration does but its closing bracket.
 */
export function declarationsOf(source: string): Declaration[] {
  const declarations: Declaration[] = [];
  let comment: string[] = [];
  let current: string[] | undefined;
  let name = '';
  const close = () => {
    if (current === undefined) return;
    declarations.push({
      name,
      comment: prose(comment),
      source: spellOut(source, current.join('\n').trim()),
    });
    current = undefined;
    comment = [];
  };
  for (const line of source.split('\n')) {
    if (/^\/\*\*/.test(line)) {
      close();
      comment = [line];
    } else if (/^ \*/.test(line) && current === undefined) comment.push(line);
    else if (/^(import|export|const|function|class)\b/.test(line)) {
      close();
      name = EXPORT.exec(line)?.[1] ?? '';
      if (name === '') comment = [];
      else current = [line.replace('export ', '')];
    } else current?.push(line);
  }
  close();
  return declarations;
}

const prose = (comment: string[]): string =>
  comment
    .map((line) =>
      line
        .replace(/^ ?\/?\*+\/?/, '')
        .replace(/\*\/$/, '')
        .trim(),
    )
    .join(' ')
    .trim();

/** `(typeof NAMES)[number]` as the union that it is. */
const spellOut = (file: string, source: string): string =>
  source.replace(/\(typeof (\w+)\)\[number\]/g, (_, name) => {
    const [, members] = new RegExp(`^export const ${name} = \\[(.*)\\] as const;$`, 'm').exec(file)!;
    return members.split(', ').join(' | ');
  });
