import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../daemon/paths.ts';
import { pages, withoutFences } from './pages.ts';

/** `[text](target)` and `![text](target)`, outside of code. */
const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g;
/** A file or folder of this repository, named in code: daemon/model/engine.ts. */
const NAMED_PATH = /`((?:daemon|extension|shared|media|scripts|test|docs|notebooks)\/[\w./-]*\w)`/g;

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const counts = new Map<string, number>();
  for (const [, heading] of withoutFences(text).matchAll(/^#+ (.*)$/gm)) {
    const slug = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-');
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    anchors.add(count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}

const anchors = new Map(pages.map(({ path, text }) => [path, anchorsOf(text)]));

for (const { path, text } of pages) {
  test(`links of ${path} lead somewhere`, () => {
    const prose = withoutFences(text).replace(/`[^`\n]*`/g, 'code');
    for (const [, target] of prose.matchAll(LINK)) {
      if (/^[a-z]+:/.test(target)) {
        assert.match(new URL(target).protocol, /^(https|mailto):$/, target);
        continue;
      }
      const [file, anchor] = target.split('#');
      const page = file === '' ? path : posix.join(posix.dirname(path), decodeURI(file));
      assert.ok(existsSync(join(packageRoot, page)), `${target}: there is no ${page}`);
      if (anchor !== undefined)
        assert.ok(anchors.get(page)?.has(anchor), `${target}: ${page} has no such heading`);
    }
  });

  test(`files that ${path} names exist`, () => {
    for (const [, name] of text.matchAll(NAMED_PATH)) {
      const places = [packageRoot, join(packageRoot, dirname(path))];
      assert.ok(
        places.some((place) => existsSync(join(place, name))),
        name,
      );
    }
  });
}

test('anchors are those of GitHub', () => {
  assert.deepEqual(
    [...anchorsOf('# Two `--flags` & more\n```\n# no heading\n```\n## Two\n## Two\n### [Link](x.md), über')],
    ['two---flags--more', 'two', 'two-1', 'link-über'],
  );
});
