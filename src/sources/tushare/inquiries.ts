import { parseDecimal } from "../../base/decimal.ts";
import { DataError, PermanentError } from "../../base/errors.ts";
import { parseDay, type Day } from "../../domain/day.ts";
import { parseSecurityCode, type SecurityCode } from "../../domain/security-code.ts";
import type { Inquiry } from "../../ports/source.ts";
import { show } from "../read-cells.ts";
import type { TushareClient } from "./client.ts";
import type { Cell, TushareTable } from "./envelope.ts";

type Answer = Readonly<Record<string, string>>;
/** Our name of a column, the provider's, and how its cells are written here. */
type Column = readonly [name: string, wire: string, write: (cell: Cell, path: string) => string];

/** The provider's own; not stated for certain. */
const DIVIDENDS_MAX = 2_000;
const PAGES_MAX = 5;

/** What a person may ask beside the data sets. */
export function createInquiries(client: TushareClient): readonly Inquiry[] {
  async function dividendsOf(code: SecurityCode, signal: AbortSignal): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const paging = page === 0 ? {} : { offset: `${answers.length}`, limit: `${DIVIDENDS_MAX}` };
      const params = { ts_code: code, ...paging };
      const table = await client.call({ api: "dividend", params, fields: WIRE_COLUMNS }, signal);
      answers.push(...toAnswers(table));
      const isCut = table.hasMore ?? table.items.length >= DIVIDENDS_MAX;
      if (!isCut || table.items.length === 0) {
        return answers;
      }
    }
    throw new DataError(`row-cap paradox: more than ${PAGES_MAX} pages of dividends of ${code}`);
  }

  return [
    {
      name: "dividends",
      help: "dividends and share bonuses, planned ones too; of a range those whose ex-day lies in it",
      wants: ["codes", "range"],
      ask: async ({ codes, from, to }, signal) => {
        const answers: Answer[] = [];
        for (const code of codes) {
          answers.push(...(await dividendsOf(code, signal)));
        }
        return answers.filter(({ exDay = "" }) => isWithin(exDay, from, to));
      },
    },
  ];
}

/** A plan has no ex-day yet: it is in no range, and in the answer where none is asked for. */
function isWithin(exDay: string, from: Day | undefined, to: Day | undefined): boolean {
  return from === undefined || (exDay >= from && (to === undefined || exDay <= to));
}

const STAGES: ReadonlyMap<Cell, string> = new Map([
  ["预案", "planned"],
  ["股东大会通过", "approved"],
  ["实施", "carried-out"],
]);

const asCode = (cell: Cell, path: string): string => parseSecurityCode(cell, path);
const asDay = (cell: Cell, path: string): string => (isBlank(cell) ? "" : parseDay(cell, path));
const asNumber = (cell: Cell, path: string): string => (isBlank(cell) ? "" : parseDecimal(cell, path));
/** A stage that nobody has recorded stays the provider's word. */
const asStage = (cell: Cell, path: string): string => STAGES.get(cell) ?? asText(cell, path);

/** Per share; money in CNY. */
const COLUMNS: readonly Column[] = [
  ["code", "ts_code", asCode],
  ["reportDay", "end_date", asDay],
  ["announcedOn", "ann_date", asDay],
  ["stage", "div_proc", asStage],
  ["sharesPerShare", "stk_div", asNumber],
  ["bonusSharesPerShare", "stk_bo_rate", asNumber],
  ["reserveSharesPerShare", "stk_co_rate", asNumber],
  ["cashPerShareBeforeTax", "cash_div_tax", asNumber],
  ["cashPerShareAfterTax", "cash_div", asNumber],
  ["recordDay", "record_date", asDay],
  ["exDay", "ex_date", asDay],
  ["payDay", "pay_date", asDay],
  ["sharesTradeOn", "div_listdate", asDay],
  ["finalAnnouncedOn", "imp_ann_date", asDay],
];
const WIRE_COLUMNS = COLUMNS.map(([, wire]) => wire);

/** DataError on a cell that cannot be read: a person who asks is told rather than given a part. */
function toAnswers({ fields, items }: TushareTable): readonly Answer[] {
  const missing = WIRE_COLUMNS.filter((wire) => !fields.includes(wire));
  if (missing.length > 0) {
    throw new PermanentError(`reading dividend of tushare: the answer lacks ${missing.join(", ")}`, "api");
  }
  return items.map((item) =>
    Object.fromEntries(COLUMNS.map(([name, wire, write]) => [name, write(item[fields.indexOf(wire)], wire)])),
  );
}

function asText(cell: Cell, path: string): string {
  if (isBlank(cell)) {
    return "";
  }
  if (typeof cell !== "string") {
    throw new DataError(`expected a text, got ${show(cell)}`, path);
  }
  return cell;
}

function isBlank(cell: Cell): boolean {
  return cell === null || cell === undefined || cell === "";
}
