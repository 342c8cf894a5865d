import type { Verdict } from '../../shared/verdict.ts';

/** A file and, once it is known, what was found out about it. */
export interface Card {
  uri: string;
  name: string;
  /** As the explorer shows it, or its path where it is in no workspace. */
  folder: string;
  outcome?: { verdict: Verdict } | { message: string };
}

/** What the extension tells the view. */
export type ToResults =
  /** All cards, in order. */
  | { type: 'cards'; cards: Card[] }
  /** One of them has its outcome. */
  | { type: 'card'; card: Card };

/** What the view asks of the extension. */
export type FromResults =
  /** It can receive messages. */
  { type: 'ready' } | { type: 'open'; uri: string } | { type: 'reveal'; uri: string };
