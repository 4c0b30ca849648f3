/** Whose endpoints are served; `aktools` is the server that stands before them. */
export const UPSTREAMS = ["eastmoney", "tencent", "sina", "sse", "szse", "bse", "aktools"] as const;
export type Upstream = (typeof UPSTREAMS)[number];
