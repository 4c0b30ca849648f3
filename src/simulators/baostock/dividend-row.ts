import { decimalOf } from "../../market/truth-rows.ts";
import { fixedText } from "../decimal-text.ts";
import type { BaostockRow } from "./baostock-data.ts";
import type { PaidDividend } from "./listing.ts";

/** Cash after tax is told as a range in words where there is any, as the provider does. */
export function dividendRow(code: string, dividend: PaidDividend): BaostockRow {
  const { announcedOn, recordedOn, exDay, cashCentsPer10, bonusTenthsPer10 } = dividend;
  const cash = decimalOf(cashCentsPer10, 3);
  // A tenth is withheld from short holders.
  const taxed = decimalOf(cashCentsPer10 * 9, 4);
  return {
    code,
    dividPreNoticeDate: "",
    dividAgmPumDate: "",
    dividPlanAnnounceDate: announcedOn,
    dividPlanDate: announcedOn,
    dividRegistDate: recordedOn,
    dividOperateDate: exDay,
    dividPayDate: cashCentsPer10 > 0 ? exDay : "",
    dividStockMarketDate: bonusTenthsPer10 > 0 ? exDay : "",
    dividCashPsBeforeTax: cashCentsPer10 > 0 ? cash : "",
    dividCashPsAfterTax: cashCentsPer10 > 0 ? `${taxed}或${cash}` : "",
    dividStocksPs: fixedText(bonusTenthsPer10 * 10_000, 6),
    dividCashStock: describe(cashCentsPer10, bonusTenthsPer10),
    dividReserveToStockPs: "",
  };
}

function describe(cashCentsPer10: number, bonusTenthsPer10: number): string {
  const bonus = bonusTenthsPer10 > 0 ? `送${decimalOf(bonusTenthsPer10, 1)}股` : "";
  const cash = decimalOf(cashCentsPer10, 2);
  const taxed = decimalOf(cashCentsPer10 * 9, 3);
  return `10${bonus}${cashCentsPer10 > 0 ? `派${cash}元（含税，扣税后${taxed}或${cash}元）` : ""}`;
}
