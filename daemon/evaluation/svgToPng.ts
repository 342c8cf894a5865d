// Import this module dynamically: it holds 3 MB of WebAssembly and font that most commands never need.
import { initWasm, Resvg } from '@resvg/resvg-wasm';
import wasm from '@resvg/resvg-wasm/index_bg.wasm';
import font from 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf';

let initialised: Promise<void> | undefined;

/** Renders SVG, whose text has to be in DejaVu Sans, as a PNG of a width in pixels. */
export async function svgToPng(svg: string, width: number): Promise<Uint8Array> {
  initialised ??= initWasm(wasm);
  await initialised;
  const picture = new Resvg(svg, {
    fitTo: { mode: 'width', value: width },
    font: { fontBuffers: [font], defaultFontFamily: 'DejaVu Sans' },
  });
  try {
    const rendered = picture.render();
    try {
      return rendered.asPng();
    } finally {
      rendered.free();
    }
  } finally {
    picture.free();
  }
}
