import { recordingFromRows } from "./recording.ts";
import type { SimulatedData } from "./simulated-data.ts";

/**
 * Bars whose numbers no float holds or that are written unusually, of 600000.SH on four days: a volume of
 * 9007199254740993 shares (in lots), prices of four decimals, a turnover of 123456789012.3456 yuan (in thousands), numbers
 * with an exponent, numbers with trailing zeros.
 */
export function edgeCaseRecording(): SimulatedData {
  return recordingFromRows({
    stock_basic: [
      { ts_code: "600000.SH", symbol: "600000", name: "边界", area: "上海", industry: "银行", list_date: "20240102" },
    ],
    daily: [
      bar("20240102", ["10", "10", "10", "10", "10", "0", "0"], "90071992547409.93", "900719925474099.3"),
      bar("20240103", ["0.1234", "0.1239", "0.1231", "0.1235", "0.1234", "0.0001", "0.081"], "1000.01", "12.3457"),
      bar("20240104", ["100.5", "101", "99", "100", "100", "0", "0"], "12345678.9", "123456789.0123456"),
      bar("20240105", ["1e1", "1.1E+1", "95e-1", "1.05e1", "10.00", "0.5", "5.0"], "1e3", "1.0250e3"),
    ],
    adj_factor: [
      { ts_code: "600000.SH", trade_date: "20240102", adj_factor: "1.0000" },
      { ts_code: "600000.SH", trade_date: "20240103", adj_factor: "1" },
      { ts_code: "600000.SH", trade_date: "20240104", adj_factor: "1.0001" },
      { ts_code: "600000.SH", trade_date: "20240105", adj_factor: "10001e-4" },
    ],
  });
}

type Prices = readonly [
  open: string,
  high: string,
  low: string,
  close: string,
  preClose: string,
  change: string,
  percent: string,
];

function bar(day: string, prices: Prices, lots: string, thousandYuan: string): Readonly<Record<string, string>> {
  const [open, high, low, close, preClose, change, percent] = prices;
  return {
    ts_code: "600000.SH",
    trade_date: day,
    open,
    high,
    low,
    close,
    pre_close: preClose,
    change,
    pct_chg: percent,
    vol: lots,
    amount: thousandYuan,
  };
}
