import { byId } from '../elements.ts';
import { plotArea } from './plot.ts';
import { following, isWhole, panned, span, type TimeView, wholeView, ZOOM_STEP, zoomed } from './timeView.ts';

/** The plots, as gestures see and change them. Times are in seconds. */
export interface GesturePlots {
  /** Undefined while there is no file. */
  readonly shown: { view: TimeView; duration: number; position: number } | undefined;
  display(view: TimeView): void;
  /** The user has pointed at a time. */
  seek(seconds: number): void;
  togglePlaying(): void;
  /** Tells what is under the pointer, which is `y` pixels below the top of the spectrogram's frame. */
  readPoint(seconds: number, y: number): void;
  readCursor(): void;
  /** Moves the cursor's read-out up the frequency axis by so many bands. */
  raise(bands: number): void;
}

/** Pixels that a pointer may move and still click. */
const CLICK_PIXELS = 4;
/** Share of the view that an arrow key moves the cursor by. */
const CURSOR_STEP = 1 / 40;
const PAN_STEP = 1 / 4;
const WHEEL_ZOOM = 1.0015;

/** Magnifies, moves and reads the plots as pointer, wheel, keys and the buttons above them say; keys go to the spectrogram. */
export function listenToGestures(
  spectrogramFrame: HTMLElement,
  windowsFrame: HTMLElement,
  plots: GesturePlots,
): void {
  for (const frame of [spectrogramFrame, windowsFrame]) {
    listenToPointer(frame, plots, frame === spectrogramFrame);
    listenToWheel(frame, plots);
  }
  spectrogramFrame.addEventListener('keydown', (event) => handleKey(event, plots));
  byId('zoom-in').addEventListener('click', () => zoom(plots, ZOOM_STEP));
  byId('zoom-out').addEventListener('click', () => zoom(plots, 1 / ZOOM_STEP));
  byId('zoom-whole').addEventListener('click', () => showWhole(plots));
}

/** Magnifies around a time, by default around the cursor, or around the middle where that is not seen. */
function zoom(plots: GesturePlots, factor: number, anchor?: number): void {
  if (plots.shown === undefined) return;
  const { view, duration, position } = plots.shown;
  const seen = position > 0 && position >= view.start && position <= view.end;
  const middle = (view.start + view.end) / 2;
  plots.display(zoomed(view, factor, anchor ?? (seen ? position : middle), duration));
}

function showWhole(plots: GesturePlots): void {
  if (plots.shown !== undefined) plots.display(wholeView(plots.shown.duration));
}

/** The time of the pixel `x` of a frame. */
function timeAt(frame: HTMLElement, x: number, view: TimeView): number {
  const { left, width } = areaOf(frame);
  return view.start + Math.min(1, Math.max(0, (x - left) / width)) * span(view);
}

const areaOf = (frame: HTMLElement) => plotArea(frame.clientWidth, frame.clientHeight);

function listenToPointer(frame: HTMLElement, plots: GesturePlots, isRead: boolean): void {
  let pressed: { x: number; view: TimeView; moved: boolean } | undefined;
  frame.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || plots.shown === undefined) return;
    pressed = { x: event.offsetX, view: plots.shown.view, moved: false };
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener('pointermove', (event) => {
    if (plots.shown === undefined) return;
    const { view, duration } = plots.shown;
    if (isRead) plots.readPoint(timeAt(frame, event.offsetX, view), event.offsetY);
    if (pressed === undefined) return;
    const distance = event.offsetX - pressed.x;
    pressed.moved ||= Math.abs(distance) > CLICK_PIXELS;
    if (!pressed.moved || isWhole(view, duration)) return;
    const seconds = (-distance / areaOf(frame).width) * span(pressed.view);
    plots.display(panned(pressed.view, seconds, duration));
  });
  frame.addEventListener('pointerup', (event) => {
    const press = pressed;
    pressed = undefined;
    if (press === undefined || plots.shown === undefined) return;
    const { view, duration } = plots.shown;
    if (!press.moved || isWhole(view, duration)) plots.seek(timeAt(frame, event.offsetX, view));
  });
  frame.addEventListener('pointercancel', () => {
    pressed = undefined;
  });
  frame.addEventListener('pointerleave', () => plots.readCursor());
}

function listenToWheel(frame: HTMLElement, plots: GesturePlots): void {
  const handle = (event: WheelEvent) => {
    if (plots.shown === undefined) return;
    const { view, duration } = plots.shown;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(plots, WHEEL_ZOOM ** -event.deltaY, timeAt(frame, event.offsetX, view));
    } else if (!isWhole(view, duration)) {
      const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
      if (sideways === 0) return;
      event.preventDefault();
      plots.display(panned(view, (sideways / areaOf(frame).width) * span(view), duration));
    }
  };
  frame.addEventListener('wheel', handle, { passive: false });
}

function handleKey(event: KeyboardEvent, plots: GesturePlots): void {
  if (plots.shown === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  const { view, duration, position } = plots.shown;
  const length = span(view);
  const pan = (seconds: number) => plots.display(panned(view, seconds, duration));
  const seek = (seconds: number) => {
    const target = Math.min(duration, Math.max(0, seconds));
    plots.display(following(view, target, duration));
    plots.seek(target);
  };
  const actions: Record<string, () => void> = {
    ArrowLeft: () => (event.shiftKey ? pan(-length * PAN_STEP) : seek(position - length * CURSOR_STEP)),
    ArrowRight: () => (event.shiftKey ? pan(length * PAN_STEP) : seek(position + length * CURSOR_STEP)),
    ArrowUp: () => plots.raise(1),
    ArrowDown: () => plots.raise(-1),
    PageUp: () => pan(-length),
    PageDown: () => pan(length),
    Home: () => seek(0),
    End: () => seek(duration),
    '+': () => zoom(plots, ZOOM_STEP),
    '=': () => zoom(plots, ZOOM_STEP),
    '-': () => zoom(plots, 1 / ZOOM_STEP),
    '0': () => showWhole(plots),
    ' ': () => plots.togglePlaying(),
  };
  const action = actions[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
}
