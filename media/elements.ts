/** The element of the page with an id that its HTML is known to have. */
export const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

/** A new element; strings are shown as text, whatever they hold. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...content: (string | Node)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...content);
  return made;
}

/** Replaces the items of a list. */
export function fillList(list: HTMLElement, sentences: readonly string[]): void {
  list.replaceChildren(...sentences.map((sentence) => element('li', '', sentence)));
}
