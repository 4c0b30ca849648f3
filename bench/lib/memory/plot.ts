/** One line over time, a goal as a dashed one; a picture that reads on light and dark pages. */
export interface Plot {
  readonly title: string;
  readonly xTitle: string;
  readonly yTitle: string;
  readonly series: readonly { readonly name: string; readonly colour: string; readonly points: readonly Point[] }[];
  readonly goal: { readonly name: string; readonly y: number };
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

const [WIDTH, HEIGHT] = [860, 380];
const BOX = { left: 60, right: WIDTH - 20, top: 46, bottom: HEIGHT - 46 } as const;
const TICKS = 5;
/** More points than the picture has columns would only make the file larger. */
const POINTS_MAX = 400;

export function renderSvg({ title, xTitle, yTitle, series, goal }: Plot): string {
  const all = series.flatMap(({ points }) => points);
  const xMax = niceMax(Math.max(1, ...all.map(({ x }) => x)));
  const yMax = niceMax(Math.max(goal.y, ...all.map(({ y }) => y)));
  const toX = (x: number): string => (BOX.left + (x / xMax) * (BOX.right - BOX.left)).toFixed(1);
  const toY = (y: number): string => (BOX.bottom - (y / yMax) * (BOX.bottom - BOX.top)).toFixed(1);
  const ticks = Array.from({ length: TICKS + 1 }, (_, index) => index / TICKS);
  const middle = (BOX.left + BOX.right) / 2;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(middle, 18, title, `text-anchor="middle" font-size="14"`),
    ...ticks.flatMap((share) => [
      line(BOX.left, toY(share * yMax), BOX.right, toY(share * yMax), "#dddddd"),
      text(BOX.left - 6, Number(toY(share * yMax)) + 4, toText(share * yMax), `text-anchor="end"`),
      text(Number(toX(share * xMax)), BOX.bottom + 16, toText(share * xMax), `text-anchor="middle"`),
    ]),
    text(middle, HEIGHT - 10, xTitle, `text-anchor="middle"`),
    text(BOX.left, 38, yTitle, ""),
    line(BOX.left, toY(goal.y), BOX.right, toY(goal.y), "#b00020", ` stroke-dasharray="6 4"`),
    text(BOX.right, Number(toY(goal.y)) - 5, goal.name, `text-anchor="end" fill="#b00020"`),
    ...series.flatMap(({ name, colour, points }, index) => [
      `<polyline fill="none" stroke="${colour}" stroke-width="1.5" points="${thin(points)
        .map(({ x, y }) => `${toX(x)},${toY(y)}`)
        .join(" ")}"/>`,
      text(BOX.right - 220 + index * 120, 38, name, `fill="${colour}"`),
    ]),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function line(x1: number, y1: string, x2: number, y2: string, colour: string, more = ""): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}"${more}/>`;
}

function text(x: number, y: number, words: string, attributes: string): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x}" y="${y}" fill="#222222" ${attributes}>${escaped}</text>`.replace(
    /fill="#222222" (.*fill=)/,
    "$1",
  );
}

/** Of neighbours the largest stays, so that a peak is never lost. */
function thin(points: readonly Point[]): readonly Point[] {
  const size = Math.max(1, Math.ceil(points.length / POINTS_MAX));
  return Array.from({ length: Math.ceil(points.length / size) }, (_, at) =>
    points.slice(at * size, (at + 1) * size).reduce((best, other) => (other.y > best.y ? other : best)),
  );
}

/** The next of 1, 2, 2.5 and 5 times a power of ten, for five even steps. */
function niceMax(value: number): number {
  const step = value / TICKS;
  const power = 10 ** Math.floor(Math.log10(step));
  const factor = [1, 2, 2.5, 5, 10].find((one) => one * power >= step) ?? 10;
  return factor * power * TICKS;
}

function toText(value: number): string {
  return String(Math.round(value * 100) / 100);
}
