import { t } from '@vscode/l10n';
import type {
  EvidenceMap,
  Pictures,
  SpectrogramImage,
  WaveformImage,
  WindowScore,
} from '../../shared/verdict.ts';
import { durationText } from '../../shared/wording.ts';
import { byId } from '../elements.ts';
import { MARGIN } from './axes.ts';
import { type PlotArea, plotArea, prepareCanvas } from './plot.ts';
import { pointValue, positionText, readOut } from './readOut.ts';
import { drawSpectrogram } from './spectrogram.ts';
import { currentTheme, type Theme } from './theme.ts';
import { following, isWhole, panned, span, type TimeView, wholeView, ZOOM_STEP, zoomed } from './timeView.ts';
import { drawWaveform, waveformPeaks } from './waveform.ts';
import { drawWindowStrip } from './windowStrip.ts';

/** What is drawn of a file, as far as it is known. */
export interface Drawn {
  /** Seconds on the time axis. */
  duration: number;
  spectrogram: SpectrogramImage;
  waveform: WaveformImage;
  evidence?: EvidenceMap;
  windows: readonly WindowScore[];
  threshold: number;
}

export interface PlotsHost {
  /** The user has pointed at a time. */
  seek(seconds: number): void;
  /** Space was pressed. */
  togglePlaying(): void;
  /** More detail of a part, in seconds, would be seen. */
  needDetail(start: number, end: number): void;
  /** Another part is in view; undefined: the whole file. */
  keepView(view: TimeView | undefined): void;
}

/** Milliseconds after which a view that stays is drawn in detail. */
const DETAIL_DELAY_MS = 150;
/** Pixels that a pointer may move and still click. */
const CLICK_PIXELS = 4;
/** Share of the view that an arrow key moves the cursor by. */
const CURSOR_STEP = 1 / 40;
const PAN_STEP = 1 / 4;
/** Bands of the evidence, which arrow keys go through. */
const HEIGHT_STEP = 1 / 16;
const WHEEL_ZOOM = 1.0015;
const WEBP_QUALITY = 0.9;

/** Waveform, spectrogram and windows on one time axis, which can be magnified and moved. */
export class Plots {
  private readonly frame = byId('spectrogram-frame');
  private readonly windowsFrame = byId('windows-frame');
  private drawn: Drawn | undefined;
  private detail: Pictures | undefined;
  private detailWanted = false;
  private detailTimer: ReturnType<typeof setTimeout> | undefined;
  private view: TimeView = { start: 0, end: 1 };
  private opacity = 1;
  private position = 0;
  /** Where the read-out of the keyboard is on the frequency axis, in [0, 1]. */
  private height = 0.5;

  /** @param remembered What was in view when the page was given up. */
  constructor(
    private readonly host: PlotsHost,
    private remembered: TimeView | undefined,
  ) {
    for (const frame of [this.frame, this.windowsFrame]) this.listenToPointer(frame);
    this.frame.addEventListener('keydown', (event) => this.handleKey(event));
    byId('zoom-in').addEventListener('click', () => this.zoom(ZOOM_STEP));
    byId('zoom-out').addEventListener('click', () => this.zoom(1 / ZOOM_STEP));
    byId('zoom-whole').addEventListener('click', () => this.zoom(0));
    new ResizeObserver(() => this.draw()).observe(this.frame);
  }

  /** Shows a file, or more of the same; `detailed` where more detail of it can be had. */
  show(drawn: Drawn, detailed: boolean): void {
    const whole = this.drawn === undefined || isWhole(this.view, this.drawn.duration);
    this.drawn = drawn;
    this.detailWanted = detailed;
    if (detailed && this.remembered !== undefined) this.view = panned(this.remembered, 0, drawn.duration);
    else if (whole) this.view = wholeView(drawn.duration);
    if (detailed) this.remembered = undefined;
    this.display(this.view);
  }

  /** Forgets the file. */
  clear(): void {
    this.drawn = undefined;
    this.detail = undefined;
    this.position = 0;
  }

  showDetail(detail: Pictures): void {
    this.detail = detail;
    this.draw();
  }

  set evidenceOpacity(opacity: number) {
    this.opacity = opacity;
    this.draw();
  }

  /** Moves the cursor; the view follows it while the sound is played. */
  moveCursor(seconds: number, playing: boolean): void {
    this.position = seconds;
    if (this.drawn === undefined) return;
    const view = playing ? following(this.view, seconds, this.drawn.duration) : this.view;
    if (view !== this.view) this.display(view);
    else this.placeCursors();
  }

  draw(): void {
    if (this.drawn === undefined || this.frame.clientWidth === 0) return;
    const theme = currentTheme();
    const waveform = prepareCanvas(byId<HTMLCanvasElement>('waveform'));
    this.paintWaveform(waveform.context, waveformArea(waveform.area), this.view, theme);
    const spectrogram = prepareCanvas(byId<HTMLCanvasElement>('spectrogram'));
    this.paintSpectrogram(spectrogram.context, spectrogram.area, this.view, theme);
    if (this.drawn.windows.length > 1) {
      const windows = prepareCanvas(byId<HTMLCanvasElement>('windows'));
      this.paintWindows(windows.context, windows.area, this.view, theme);
    }
    this.placeCursors();
  }

  /**
   * A picture of the plots one below the other, for saving.
   * @param width CSS pixels; there are two pixels to one.
   * @param format WebP takes a tenth of the space.
   * @param head Pixels left free above, painted by `paintHead`.
   */
  picture(
    theme: Theme,
    width: number,
    part: 'view' | 'whole',
    format: 'image/png' | 'image/webp',
    head = 0,
    paintHead: (context: CanvasRenderingContext2D) => void = () => {},
  ): string | undefined {
    if (this.drawn === undefined) return undefined;
    const view = part === 'view' ? this.view : wholeView(this.drawn.duration);
    const [waveform, spectrogram] = [72, 330];
    const windows = this.drawn.windows.length > 1 ? 140 : 0;
    const canvas = document.createElement('canvas');
    canvas.width = 2 * width;
    canvas.height = 2 * (head + waveform + spectrogram + windows);
    const context = canvas.getContext('2d')!;
    context.scale(2, 2);
    context.fillStyle = theme.background;
    context.fillRect(0, 0, width, canvas.height);
    paintHead(context);
    context.translate(0, head);
    this.paintWaveform(context, waveformArea(plotArea(width, waveform)), view, theme);
    context.translate(0, waveform);
    this.paintSpectrogram(context, plotArea(width, spectrogram), view, theme);
    context.translate(0, spectrogram);
    if (windows > 0) this.paintWindows(context, plotArea(width, windows), view, theme);
    return canvas.toDataURL(format, WEBP_QUALITY);
  }

  private paintWaveform(
    context: CanvasRenderingContext2D,
    area: PlotArea,
    view: TimeView,
    theme: Theme,
  ): void {
    const { waveform } = this.drawn as Drawn;
    const scale = waveformPeaks(waveform).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const detailed = this.detail !== undefined && covers(this.detail, view) ? this.detail.waveform : waveform;
    drawWaveform(context, area, detailed, view, scale, theme);
  }

  private paintSpectrogram(
    context: CanvasRenderingContext2D,
    area: PlotArea,
    view: TimeView,
    theme: Theme,
  ): void {
    const drawn = this.drawn as Drawn;
    const detailed = this.detail !== undefined && covers(this.detail, view) && !isWhole(view, drawn.duration);
    const { spectrogram, evidence } = detailed ? (this.detail as Pictures) : drawn;
    drawSpectrogram(context, area, spectrogram, evidence, view, this.opacity, theme);
  }

  private paintWindows(
    context: CanvasRenderingContext2D,
    area: PlotArea,
    view: TimeView,
    theme: Theme,
  ): void {
    const { windows, threshold } = this.drawn as Drawn;
    drawWindowStrip(context, area, windows, threshold, view, theme);
  }

  private display(view: TimeView): void {
    const { duration } = this.drawn as Drawn;
    this.view = view;
    const whole = isWhole(view, duration);
    byId<HTMLButtonElement>('zoom-out').disabled = whole;
    byId<HTMLButtonElement>('zoom-whole').disabled = whole;
    byId('view-text').textContent = whole
      ? ''
      : t('{0} to {1} of {2}', positionText(view.start), positionText(view.end), durationText(duration));
    if (this.detailWanted) this.host.keepView(whole ? undefined : view);
    this.frame.classList.toggle('zoomed', !whole);
    this.draw();
    clearTimeout(this.detailTimer);
    if (whole || !this.detailWanted) return;
    if (this.detail !== undefined && covers(this.detail, view) && fineEnough(this.detail, view)) return;
    this.detailTimer = setTimeout(() => {
      const margin = span(view) / 2;
      this.host.needDetail(Math.max(0, view.start - margin), Math.min(duration, view.end + margin));
    }, DETAIL_DELAY_MS);
  }

  /** Magnifies around the cursor, or around the middle where that is not seen; 0 shows the whole sound. */
  private zoom(factor: number, anchor?: number): void {
    if (this.drawn === undefined) return;
    const { duration } = this.drawn;
    if (factor === 0) {
      this.display(wholeView(duration));
      return;
    }
    const seen = this.position > 0 && this.position >= this.view.start && this.position <= this.view.end;
    const middle = (this.view.start + this.view.end) / 2;
    this.display(zoomed(this.view, factor, anchor ?? (seen ? this.position : middle), duration));
  }

  private pan(seconds: number): void {
    if (this.drawn !== undefined) this.display(panned(this.view, seconds, this.drawn.duration));
  }

  private listenToPointer(frame: HTMLElement): void {
    let pressed: { x: number; view: TimeView; moved: boolean } | undefined;
    const areaOf = () => plotArea(frame.clientWidth, frame.clientHeight);
    const timeAt = (x: number) => {
      const { left, width } = areaOf();
      return this.view.start + Math.min(1, Math.max(0, (x - left) / width)) * span(this.view);
    };
    frame.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      pressed = { x: event.offsetX, view: this.view, moved: false };
      frame.setPointerCapture(event.pointerId);
    });
    frame.addEventListener('pointermove', (event) => {
      if (frame === this.frame) this.readPoint(timeAt(event.offsetX), event.offsetY);
      if (pressed === undefined || this.drawn === undefined) return;
      const distance = event.offsetX - pressed.x;
      pressed.moved ||= Math.abs(distance) > CLICK_PIXELS;
      if (!pressed.moved || isWhole(this.view, this.drawn.duration)) return;
      const seconds = (-distance / areaOf().width) * span(pressed.view);
      this.display(panned(pressed.view, seconds, this.drawn.duration));
    });
    frame.addEventListener('pointerup', (event) => {
      const whole = this.drawn !== undefined && isWhole(this.view, this.drawn.duration);
      if (pressed !== undefined && (!pressed.moved || whole)) this.host.seek(timeAt(event.offsetX));
      pressed = undefined;
    });
    frame.addEventListener('pointercancel', () => {
      pressed = undefined;
    });
    frame.addEventListener('pointerleave', () => this.readCursor());
    frame.addEventListener(
      'wheel',
      (event) => {
        if (this.drawn === undefined) return;
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          this.zoom(WHEEL_ZOOM ** -event.deltaY, timeAt(event.offsetX));
        } else if (!isWhole(this.view, this.drawn.duration)) {
          const sideways = event.shiftKey && event.deltaX === 0 ? event.deltaY : event.deltaX;
          if (sideways === 0) return;
          event.preventDefault();
          this.pan((sideways / areaOf().width) * span(this.view));
        }
      },
      { passive: false },
    );
  }

  private handleKey(event: KeyboardEvent): void {
    if (this.drawn === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { duration } = this.drawn;
    const length = span(this.view);
    const seek = (seconds: number) => {
      const target = Math.min(duration, Math.max(0, seconds));
      this.display(following(this.view, target, duration));
      this.host.seek(target);
    };
    const raise = (step: number) => {
      this.height = Math.min(1 - HEIGHT_STEP / 2, Math.max(HEIGHT_STEP / 2, this.height + step));
      this.placeCursors();
    };
    const actions: Record<string, () => void> = {
      ArrowLeft: () =>
        event.shiftKey ? this.pan(-length * PAN_STEP) : seek(this.position - length * CURSOR_STEP),
      ArrowRight: () =>
        event.shiftKey ? this.pan(length * PAN_STEP) : seek(this.position + length * CURSOR_STEP),
      ArrowUp: () => raise(HEIGHT_STEP),
      ArrowDown: () => raise(-HEIGHT_STEP),
      PageUp: () => this.pan(-length),
      PageDown: () => this.pan(length),
      Home: () => seek(0),
      End: () => seek(duration),
      '+': () => this.zoom(ZOOM_STEP),
      '=': () => this.zoom(ZOOM_STEP),
      '-': () => this.zoom(1 / ZOOM_STEP),
      '0': () => this.zoom(0),
      ' ': () => this.host.togglePlaying(),
    };
    const action = actions[event.key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  }

  private placeCursors(): void {
    if (this.drawn === undefined) return;
    this.placeCursor(this.frame);
    this.placeCursor(this.windowsFrame);
    this.frame.setAttribute('aria-valuemax', this.drawn.duration.toFixed(2));
    this.frame.setAttribute('aria-valuenow', this.position.toFixed(2));
    this.frame.setAttribute('aria-valuetext', this.readCursor());
  }

  private placeCursor(frame: HTMLElement): void {
    const cursor = frame.querySelector<HTMLElement>('.cursor')!;
    const { left, top, width, height } = plotArea(frame.clientWidth, frame.clientHeight);
    const share = (this.position - this.view.start) / span(this.view);
    cursor.hidden = this.position <= 0 || share < 0 || share > 1;
    cursor.style.transform = `translate(${left + share * width}px, ${top}px)`;
    cursor.style.height = `${height}px`;
  }

  /** Tells what is under the pointer, which is `y` pixels below the top of the frame. */
  private readPoint(seconds: number, y: number): void {
    const canvas = byId<HTMLCanvasElement>('spectrogram');
    const { top, height } = plotArea(canvas.clientWidth, canvas.clientHeight);
    const share = 1 - (y - canvas.offsetTop - top) / height;
    if (share < 0 || share > 1) byId('read-out').textContent = positionText(seconds);
    else this.read(seconds, share);
  }

  private readCursor(): string {
    return this.read(this.position, this.height);
  }

  private read(seconds: number, height: number): string {
    if (this.drawn === undefined) return '';
    const at = { start: seconds, end: seconds };
    const pictures = this.detail !== undefined && covers(this.detail, at) ? this.detail : this.drawn;
    const value = pointValue(pictures.spectrogram, pictures.evidence, seconds, height);
    const text = readOut(seconds, value);
    byId('read-out').textContent = text;
    return text;
  }
}

/** The waveform has no axes below it. */
const waveformArea = ({ left, top, width, height }: PlotArea): PlotArea => ({
  left,
  top,
  width,
  height: height + MARGIN.bottom - 6,
});

/** Whether pictures of a part reach over a view. */
function covers({ waveform: { start, columns, secondsPerColumn } }: Pictures, view: TimeView): boolean {
  return start <= view.start + secondsPerColumn && start + (columns + 1) * secondsPerColumn >= view.end;
}

/** Whether pictures of a part were not made for a much longer one. */
function fineEnough({ waveform: { columns, secondsPerColumn } }: Pictures, view: TimeView): boolean {
  return columns * secondsPerColumn <= 4 * span(view);
}
