import type * as vscode from 'vscode';
import { messageOf } from '../../shared/errors.ts';

const ESCAPE = '\u001b[';
const style =
  (on: number, off: number) =>
  (text: string): string =>
    text === '' ? '' : `${ESCAPE}${on}m${text}${ESCAPE}${off}m`;
export const bold = style(1, 22);
export const dim = style(2, 22);
export const red = style(31, 39);
export const green = style(32, 39);
export const yellow = style(33, 39);
export const cyan = style(36, 39);

const CLEAR_LINE = `\r${ESCAPE}2K`;
const CTRL_C = '\u0003';

/** A terminal without a process: lines that stay, and below them one that is rewritten in place. */
export abstract class LiveTerminal implements vscode.Pseudoterminal {
  private readonly written: vscode.EventEmitter<string>;
  private readonly closed: vscode.EventEmitter<number>;
  readonly onDidWrite: vscode.Event<string>;
  readonly onDidClose: vscode.Event<number>;
  private liveText = '';
  private columns = Number.POSITIVE_INFINITY;

  constructor({ EventEmitter }: Pick<typeof vscode, 'EventEmitter'>) {
    this.written = new EventEmitter();
    this.closed = new EventEmitter();
    this.onDidWrite = this.written.event;
    this.onDidClose = this.closed.event;
  }

  /** Starts what the terminal is about. */
  protected abstract begin(): void;
  /** The user has closed the terminal, ended the task or pressed Ctrl+C. */
  protected abstract interrupt(): void;

  open(dimensions: vscode.TerminalDimensions | undefined): void {
    if (dimensions !== undefined) this.setDimensions(dimensions);
    this.begin();
  }

  setDimensions({ columns }: vscode.TerminalDimensions): void {
    this.columns = columns;
  }

  close(): void {
    this.interrupt();
  }

  handleInput(data: string): void {
    if (data === CTRL_C) this.interrupt();
  }

  /** Writes a line above the live one. Control characters, which a file's name may have, are left out. */
  protected line(text: string): void {
    this.written.fire(`${CLEAR_LINE}${printable(text)}\r\n${this.liveText}`);
  }

  /** Rewrites the live line, which is cut off at the terminal's edge. */
  protected live(text: string): void {
    const next = cutOff(printable(text), this.columns - 1);
    if (next === this.liveText) return;
    this.liveText = next;
    this.written.fire(`${CLEAR_LINE}${next}`);
  }

  protected fail(error: unknown): void {
    this.line(red(messageOf(error)));
    this.end(1);
  }

  /** Nothing is written afterwards. */
  protected end(exitCode: number): void {
    this.liveText = '';
    this.written.fire(CLEAR_LINE);
    this.closed.fire(exitCode);
  }
}

/** The first so many characters, and all colours. */
function cutOff(text: string, columns: number): string {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours
  return text.replace(/(\u001b\[\d+m)|[^\u001b]/gu, (part, colour) => {
    if (colour !== undefined) return part;
    width++;
    return width < columns ? part : width === columns ? '…' : '';
  });
}

/** Leaves colours, which are the only control sequences made here. */
const printable = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  text.replace(/\u001b(?!\[\d+m)|[\u0000-\u001a\u001c-\u001f\u007f-\u009f]/g, '');
