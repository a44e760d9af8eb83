/**
 * Draws a line chart as SVG without a background. Its greys and colours are readable on white and on black.
 *
 *     title
 *     y ^
 *       |      the points of each series, joined by a line
 *       +-------------------------------------> x, optionally logarithmic
 *     legend
 */

export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Chart {
  readonly title: string;
  readonly yName: string;
  readonly series: readonly Series[];
  /** Marks on the x axis, with their labels. */
  readonly xMarks: readonly (readonly [x: number, name: string])[];
  readonly isLogarithmic: boolean;
}

const [WIDTH, HEIGHT] = [720, 340];
const PLOT = { left: 56, right: 700, top: 40, bottom: 270 };
const COLOURS = ['#2f81f7', '#d9822b', '#3a9d5d', '#a371f7'];
const GREY = '#808890';

export function lineChart({ title, yName, series, xMarks, isLogarithmic }: Chart): string {
  const along = (x: number): number => (isLogarithmic ? Math.log2(x) : x);
  const xs = xMarks.map(([x]) => along(x));
  const [least, greatest] = [Math.min(...xs), Math.max(...xs)];
  const step = stepFor(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))));
  const highest = step * Math.ceil(Math.max(...series.flatMap(({ points }) => points.map(([, y]) => y))) / step);
  const placeX = (x: number): string =>
    (PLOT.left + ((along(x) - least) / (greatest - least)) * (PLOT.right - PLOT.left)).toFixed(1);
  const placeY = (y: number): string => (PLOT.bottom - (y / highest) * (PLOT.bottom - PLOT.top)).toFixed(1);
  const lines: string[] = [text(PLOT.left, 20, title, 'start', 15)];
  for (let y = 0; y <= highest + step / 2; y += step) {
    lines.push(
      `<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${placeY(y)}" y2="${placeY(y)}" stroke="${GREY}" stroke-opacity="0.35"/>`,
    );
    lines.push(text(PLOT.left - 6, Number(placeY(y)) + 4, `${Number(y.toFixed(2))}`, 'end'));
  }
  lines.push(text(PLOT.right, 20, yName, 'end'));
  for (const [x, name] of xMarks) lines.push(text(Number(placeX(x)), PLOT.bottom + 18, name, 'middle'));
  for (const [index, { name, points }] of series.entries()) {
    const colour = COLOURS[index % COLOURS.length];
    const path = points.map(([x, y]) => `${placeX(x)},${placeY(y)}`).join(' ');
    lines.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    if (points.length < 20) {
      for (const [x, y] of points) lines.push(`<circle cx="${placeX(x)}" cy="${placeY(y)}" r="3.5" fill="${colour}"/>`);
    }
    const [column, row] = [index % 2, Math.floor(index / 2)];
    const [x, y] = [PLOT.left + column * 320, PLOT.bottom + 42 + row * 20];
    lines.push(`<rect x="${x}" y="${y - 6}" width="14" height="4" fill="${colour}"/>`);
    lines.push(text(x + 20, y, name, 'start'));
  }
  const font = 'font-family="system-ui, sans-serif" font-size="12"';
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ${font} role="img" aria-label="${escaped(title)}">`;
  return `${[open, ...lines, '</svg>'].join('\n')}\n`;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end', size?: number): string {
  const large = size === undefined ? '' : ` font-size="${size}"`;
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" fill="${GREY}"${large}>${escaped(words)}</text>`;
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Returns 1, 2 or 5 times a power of ten, so that about five steps reach `greatest`. */
function stepFor(greatest: number): number {
  const power = 10 ** Math.floor(Math.log10(greatest / 5));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => greatest / step <= 6) ?? power;
}
