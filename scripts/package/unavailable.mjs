/** What a package needs cannot be fetched here; the message says why and what helps. */
export class Unavailable extends Error {
  name = 'Unavailable';
}

/** Exit code of programs that end for this reason (EX_UNAVAILABLE of sysexits.h). */
export const UNAVAILABLE_EXIT_CODE = 69;
