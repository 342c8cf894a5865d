/** Colours of the theme that a canvas needs; a canvas does not know CSS variables. */
export interface Theme {
  background: string;
  foreground: string;
  quiet: string;
  line: string;
  font: string;
  /** Whether loud parts are drawn bright on a dark ground. */
  dark: boolean;
  /** Red, green and blue of the two classes, in [0, 255]; told apart by people with any kind of colour vision. */
  deepfake: Rgb;
  genuine: Rgb;
}

export type Rgb = readonly [number, number, number];

/** Orange and blue, after the palette of Okabe and Ito, adjusted to be seen over light and dark grey. */
const ON_DARK = { deepfake: [255, 140, 26], genuine: [77, 166, 255] } as const;
const ON_LIGHT = { deepfake: [213, 94, 0], genuine: [0, 98, 189] } as const;

export function currentTheme(): Theme {
  const style = getComputedStyle(document.body);
  const { classList } = document.body;
  const dark =
    classList.contains('vscode-dark') ||
    (classList.contains('vscode-high-contrast') && !classList.contains('vscode-high-contrast-light'));
  return {
    background: style.getPropertyValue('--vscode-editor-background').trim(),
    foreground: style.getPropertyValue('--report-foreground').trim(),
    quiet: style.getPropertyValue('--report-quiet').trim(),
    line: style.getPropertyValue('--report-line').trim(),
    font: `12px ${style.fontFamily}`,
    dark,
    ...(dark ? ON_DARK : ON_LIGHT),
  };
}

/** Colours for a picture that is looked at outside VS Code. */
export const paperTheme = (dark: boolean): Theme => ({
  background: dark ? '#1e1e1e' : '#ffffff',
  foreground: dark ? '#e4e4e4' : '#1f1f1f',
  quiet: dark ? '#a8a8a8' : '#5c5c5c',
  line: dark ? '#ffffff40' : '#00000040',
  font: '12px system-ui, sans-serif',
  dark,
  ...(dark ? ON_DARK : ON_LIGHT),
});

/** Calls back whenever the user changes the theme: its kind is a class of the body, its colours a style of the root. */
export function onThemeChange(callback: () => void): void {
  const observer = new MutationObserver(callback);
  observer.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['style'] });
}
