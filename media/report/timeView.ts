/** The part of the time axis that is shown, in seconds. */
export interface TimeView {
  start: number;
  end: number;
}

/** What is shown at the closest look: some 15 columns of the spectrogram. */
export const SHORTEST_VIEW = 0.25;
/** One step of the buttons and keys. */
export const ZOOM_STEP = 2;

export const wholeView = (duration: number): TimeView => ({ start: 0, end: duration });

export const span = ({ start, end }: TimeView): number => end - start;

export const isWhole = (view: TimeView, duration: number): boolean => span(view) >= duration;

/** Magnifies by `factor` around a time that stays where it is; never beyond the sound or the closest look. */
export function zoomed(view: TimeView, factor: number, anchor: number, duration: number): TimeView {
  const wanted = Math.min(duration, Math.max(Math.min(SHORTEST_VIEW, duration), span(view) / factor));
  const share = (Math.min(view.end, Math.max(view.start, anchor)) - view.start) / span(view);
  return within(anchored(anchor, share, wanted), duration);
}

const anchored = (anchor: number, share: number, length: number): TimeView => ({
  start: anchor - share * length,
  end: anchor + (1 - share) * length,
});

export function panned(view: TimeView, seconds: number, duration: number): TimeView {
  return within({ start: view.start + seconds, end: view.end + seconds }, duration);
}

/** The same view where it holds a time, or else the next of its length that begins with it. */
export function following(view: TimeView, time: number, duration: number): TimeView {
  if (time >= view.start && time <= view.end) return view;
  return within({ start: time, end: time + span(view) }, duration);
}

/** Moves a view into the sound. */
function within(view: TimeView, duration: number): TimeView {
  const length = Math.min(span(view), duration);
  const start = Math.min(Math.max(0, view.start), duration - length);
  return { start, end: start + length };
}
