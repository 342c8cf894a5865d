/** The daemon could not be started; the user has been told. */
export class DaemonStartError extends Error {}

/** The daemon has ended during a lasting request. */
export class DaemonLostError extends Error {}
