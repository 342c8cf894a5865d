import { t } from '@vscode/l10n';
import type { Pictures } from '../../shared/verdict.ts';
import { durationText } from '../../shared/wording.ts';
import { byId } from '../elements.ts';
import { plotArea } from './plot.ts';
import { type GesturePlots, listenToGestures } from './plotGestures.ts';
import { covers, type Drawn, type PlotContents, paintForSaving, paintPage } from './plotPainting.ts';
import { pointValue, positionText, readOut } from './readOut.ts';
import { currentTheme, type Theme } from './theme.ts';
import { following, isWhole, panned, span, type TimeView, wholeView } from './timeView.ts';

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
/** Bands of the evidence, which arrow keys go through. */
const HEIGHT_STEP = 1 / 16;

/** Waveform, spectrogram and windows on one time axis: what of them is in view, and where the cursor is. */
export class Plots implements GesturePlots {
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
    listenToGestures(this.frame, this.windowsFrame, this);
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
    const { contents } = this;
    if (contents === undefined || this.frame.clientWidth === 0) return;
    paintPage(contents, this.view, currentTheme());
    this.placeCursors();
  }

  /**
   * A picture of the plots one below the other, for saving, as a data URL; undefined while there is no file.
   * @param width CSS pixels; there are two pixels to one.
   * @param format WebP takes a tenth of the space.
   * @param head CSS pixels left free above, painted by `paintHead`.
   */
  picture(
    theme: Theme,
    width: number,
    part: 'view' | 'whole',
    format: 'image/png' | 'image/webp',
    head = 0,
    paintHead: (context: CanvasRenderingContext2D) => void = () => {},
  ): string | undefined {
    const { contents } = this;
    if (contents === undefined) return undefined;
    const view = part === 'view' ? this.view : wholeView(contents.drawn.duration);
    return paintForSaving(contents, view, theme, width, format, head, paintHead);
  }

  get shown(): GesturePlots['shown'] {
    if (this.drawn === undefined) return undefined;
    return { view: this.view, duration: this.drawn.duration, position: this.position };
  }

  display(view: TimeView): void {
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

  seek(seconds: number): void {
    this.host.seek(seconds);
  }

  togglePlaying(): void {
    this.host.togglePlaying();
  }

  raise(bands: number): void {
    const height = this.height + bands * HEIGHT_STEP;
    this.height = Math.min(1 - HEIGHT_STEP / 2, Math.max(HEIGHT_STEP / 2, height));
    this.placeCursors();
  }

  readPoint(seconds: number, y: number): void {
    const canvas = byId<HTMLCanvasElement>('spectrogram');
    const { top, height } = plotArea(canvas.clientWidth, canvas.clientHeight);
    const share = 1 - (y - canvas.offsetTop - top) / height;
    if (share < 0 || share > 1) byId('read-out').textContent = positionText(seconds);
    else this.read(seconds, share);
  }

  readCursor(): string {
    return this.read(this.position, this.height);
  }

  private get contents(): PlotContents | undefined {
    const { drawn, detail, opacity } = this;
    return drawn === undefined ? undefined : { drawn, detail, evidenceOpacity: opacity };
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

/** Whether pictures of a part were not made for a much longer one. */
function fineEnough({ waveform: { columns, secondsPerColumn } }: Pictures, view: TimeView): boolean {
  return columns * secondsPerColumn <= 4 * span(view);
}
