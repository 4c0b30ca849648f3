import type { Log, LogFields } from "./log.ts";
import type { Redactor } from "./redact.ts";

/** A log that gets no secret, whoever writes it and wherever it goes. */
export function withoutSecrets(log: Log, redactor: Redactor): Log {
  const clean = (fields: LogFields): LogFields => Object.fromEntries(Object.entries(Object(redactor.value(fields))));
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (event: string, fields?: LogFields): void =>
      log[level](redactor.text(event), fields === undefined ? undefined : clean(fields));
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => withoutSecrets(log.child(clean(fields)), redactor),
  };
}
