import { aktoolsAnswer, versionAnswer } from "./aktools.ts";
import { klineAnswer } from "./eastmoney-bars.ts";
import { quoteAnswer, spotAnswer } from "./eastmoney-spot.ts";
import { detailsAnswer, detailsStream } from "./eastmoney-ticks.ts";
import { trendsAnswer } from "./eastmoney-trends.ts";
import { bseAnswer, sseAnswer, szseAnswer } from "./exchange-lists.ts";
import type { Route } from "./inquiry.ts";
import { oldSinaBarsAnswer, sinaBarsAnswer, sinaBarsScript, sinaFactorAnswer } from "./sina-bars.ts";
import { calendarAnswer } from "./sina-calendar.ts";
import { dayAnswer, minuteBarsAnswer, minuteLineAnswer, oldDayAnswer, weekTrendsAnswer } from "./tencent-bars.ts";
import { tickAnswer } from "./tencent-ticks.ts";
import type { Upstream } from "./upstreams.ts";

/** Every endpoint; hosts differ in reality, and no two paths are the same. */
export const ROUTES: readonly Route[] = [
  get("eastmoney", /^\/api\/qt\/stock\/kline\/get$/, klineAnswer),
  get("eastmoney", /^\/api\/qt\/stock\/trends2\/get$/, trendsAnswer),
  get("eastmoney", /^\/api\/qt\/clist\/get$/, spotAnswer),
  get("eastmoney", /^\/api\/qt\/stock\/get$/, quoteAnswer),
  get("eastmoney", /^\/api\/qt\/stock\/details\/get$/, detailsAnswer),
  get("eastmoney", /^\/api\/qt\/stock\/details\/sse$/, detailsStream),
  get("tencent", /^(?:\/ifzqgtimg)?\/appstock\/app\/newfqkline\/get$/, dayAnswer),
  get("tencent", /^\/appstock\/app\/(?:fqkline\/get|kline\/kline)$/, oldDayAnswer),
  get("tencent", /^\/appstock\/app\/kline\/mkline$/, minuteBarsAnswer),
  get("tencent", /^\/appstock\/app\/minute\/query$/, minuteLineAnswer),
  get("tencent", /^\/other\/klineweb\/klineWeb\/weekTrends$/, weekTrendsAnswer),
  get("tencent", /^\/data\/index\.php$/, tickAnswer),
  get("sina", /^\/realstock\/company\/klc_td_sh\.txt$/, calendarAnswer),
  get("sina", /^\/realstock\/company\/(\w+)\/(hfq|qfq)\.js$/, sinaFactorAnswer),
  get("sina", /^\/cn\/api\/json_v2\.php\/CN_MarketDataService\.getKLineData$/, sinaBarsAnswer),
  get("sina", /^\/cn\/api\/jsonp_v2\.php\/([\w=%.]+)\/CN_MarketDataService\.getKLineData$/, sinaBarsScript),
  get("sina", /^\/quotes_service\/api\/json_v2\.php\/CN_MarketData\.getKLineData$/, oldSinaBarsAnswer),
  get("sse", /^(?:\/sseQuery)?\/commonQuery\.do$/, sseAnswer),
  get("szse", /^\/api\/report\/ShowReport\/data$/, szseAnswer),
  { ...get("bse", /^\/nqxxController\/nqxxCnzq\.do$/, bseAnswer), method: "POST" },
  get("aktools", /^\/api\/public\/(\w+)$/, aktoolsAnswer),
  get("aktools", /^\/version$/, versionAnswer),
];

function get(upstream: Upstream, pattern: RegExp, answer: Route["answer"]): Route {
  return { upstream, method: "GET", pattern, answer };
}
