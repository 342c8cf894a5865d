/** A lasting request's daemon has ended. */
export class DaemonLostError extends Error {}
