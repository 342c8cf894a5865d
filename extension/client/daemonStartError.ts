/** The daemon could not be started; the user has been told. */
export class DaemonStartError extends Error {}
