export class Unavailable extends Error {}
export const UNAVAILABLE_EXIT_CODE: number;
