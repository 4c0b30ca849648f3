import { FUNCTIONS, LibraryError, MissingKeyError, type FrameFunction } from "./aktools-frames.ts";
import { jsonAnswer, type Answer } from "./answer.ts";
import type { Inquiry } from "./inquiry.ts";

const SITE = "https://akshare.akfamily.xyz";

/** `/api/public/FUNCTION`: a table as an array of records. */
export function aktoolsAnswer(inquiry: Inquiry): Answer {
  const { parts, query, fault } = inquiry;
  const name = parts[0] ?? "";
  const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (known === undefined) {
    return notFound(`未找到该接口，请升级 AKShare 到最新版本并在文档中确认该接口的使用方式：${SITE}`);
  }
  if (fault?.kind === "null-data") {
    return notFound(`该接口返回数据为空，请确认参数是否正确：${SITE}`);
  }
  try {
    const frame = known.make(inquiry, parametersOf(known, query));
    return jsonAnswer(frame, frame.length, "application/json");
  } catch (error) {
    if (error instanceof MissingKeyError) {
      return notFound(
        `请输入正确的参数错误 '${error.key}'，请升级 AKShare 到最新版本并在文档中确认该接口的使用方式：${SITE}`,
      );
    }
    if (error instanceof LibraryError) {
      return failedAnswer();
    }
    throw error;
  }
}

/** What is answered to every exception. */
export function failedAnswer(): Answer {
  return { status: 500, contentType: "text/plain; charset=utf-8", body: "Internal Server Error", rows: 0 };
}

/** `/version` */
export function versionAnswer(): Answer {
  return jsonAnswer(
    {
      ak_current_version: "1.19.5",
      at_current_version: "0.0.91",
      ak_latest_version: "1.19.5",
      at_latest_version: "0.0.91",
    },
    0,
    "application/json",
  );
}

function parametersOf({ parameters }: FrameFunction, query: URLSearchParams): Readonly<Record<string, string>> {
  for (const name of query.keys()) {
    if (!parameters.includes(name)) {
      throw new LibraryError(`got an unexpected keyword argument '${name}'`);
    }
  }
  return Object.fromEntries(query);
}

function notFound(error: string): Answer {
  return { ...jsonAnswer({ error }, 0, "application/json"), status: 404 };
}
