import { jsonText, type JsonValue } from "./json-text.ts";

/** What goes back over HTTP. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** True where the body is only the first event of a stream. */
  readonly isStream?: boolean;
  /** Rows in it. */
  readonly rows: number;
}

/** Undefined where the connection is closed without a word. */
export type AnswerOrSilence = Answer | undefined;

export function textAnswer(body: string, rows = 0, contentType = "text/html; charset=GBK"): Answer {
  return { status: 200, contentType, body, rows };
}

export function jsonAnswer(value: JsonValue, rows = 0, contentType = "application/json; charset=UTF-8"): Answer {
  return { status: 200, contentType, body: jsonText(value), rows };
}

export function htmlAnswer(status: number, title: string): Answer {
  return {
    status,
    contentType: "text/html",
    body: `<html>\r\n<head><title>${status} ${title}</title></head>\r\n<body>\r\n<center><h1>${status} ${title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n`,
    rows: 0,
  };
}

/** The page of a firewall. */
export function wafAnswer(status: number): Answer {
  return {
    status,
    contentType: "text/html; charset=UTF-8",
    body: "<!DOCTYPE html>\n<html><head><title>CloudWAF</title></head><body><h1>访问被拦截！</h1></body></html>\n",
    rows: 0,
  };
}
