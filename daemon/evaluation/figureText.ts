/** A share of 1 in per cent, for people: one decimal, or two where one would turn little into nothing or all. */
export function percent(share: number): string {
  const nearlyNoneOrAll = Math.min(share, 1 - share) < 0.001 && share > 0 && share < 1;
  return `${(100 * share).toFixed(nearlyNoneOrAll ? 2 : 1)} %`;
}

/** A whole number, thousands apart by a narrow space that does not break. */
export const count = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f');
