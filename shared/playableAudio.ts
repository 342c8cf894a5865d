/** Seconds of a file's sound that the daemon hands to a player at once: two minutes are 4 MB. */
export const SLICE_SECONDS = 120;
