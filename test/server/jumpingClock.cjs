// Loaded before anything else (--require): the clock of the day is days off, back and forth, whenever it is asked.
const RealDate = Date;
const DAY_MS = 86_400_000;
let asked = 0;
const jumping = () => RealDate.now() + (asked++ % 2 === 0 ? 5 * DAY_MS : -5 * DAY_MS);
globalThis.Date = class extends RealDate {
  constructor(...given) {
    if (given.length === 0) super(jumping());
    else super(...given);
  }
  static now() {
    return jumping();
  }
};
