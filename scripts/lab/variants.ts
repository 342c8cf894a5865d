import { augmentationSchema } from '../../daemon/training/augmentation.ts';
import type { Recipe } from '../../daemon/training/recipe.ts';

/**
 * A recipe with fields changed: `name: features.nFft=512; augmentation.noise=null; epochs=20`. Values are JSON; null takes
 * an augmentation away; without changes the recipe itself under that name.
 */
export function vary(recipe: Recipe, text: string): Recipe {
  const colon = text.indexOf(':');
  const name = colon < 0 ? text.trim() : text.slice(0, colon).trim();
  const varied = structuredClone({ ...recipe, name });
  if (colon < 0) return varied;
  for (const change of text.slice(colon + 1).split(';')) {
    if (change.trim() === '') continue;
    const equals = change.indexOf('=');
    const path = change.slice(0, equals).trim().split('.');
    const value = parseValue(change.slice(equals + 1).trim());
    let target = varied as unknown as Record<string, unknown>;
    for (const key of path.slice(0, -1)) target = target[key] as Record<string, unknown>;
    const key = path[path.length - 1];
    if (path.length === 1 && !(key in target)) throw new RangeError(`A recipe has no field ${key}.`);
    if (value === null && path[0] === 'augmentation') delete target[key];
    else target[key] = value;
  }
  const { augmentation } = varied;
  return augmentation === null ? varied : { ...varied, augmentation: augmentationSchema.parse(augmentation) };
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
