/** Every host that is asked where no address stands in their place. */
export const AKSHARE_HOSTS = [
  "push2his.eastmoney.com",
  "push2.eastmoney.com",
  "82.push2.eastmoney.com",
  "finance.sina.com.cn",
  "quotes.sina.cn",
  "stock.gtimg.cn",
  "query.sse.com.cn",
  "www.szse.cn",
  "www.bse.cn",
] as const;
