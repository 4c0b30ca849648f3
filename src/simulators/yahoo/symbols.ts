/** `600000.SS` for `600000.SH`, `0700.HK` for `00700.HK`, `AAPL` for `AAPL.US`; an index such as `^HSI` stays. Undefined for what the provider does not have. */
export function symbolOf(code: string): string | undefined {
  const point = code.lastIndexOf(".");
  const [name, exchange] = [code.slice(0, point), code.slice(point + 1)];
  if (code.startsWith("^")) {
    return code;
  }
  switch (exchange) {
    case "SH":
      return `${name}.SS`;
    case "SZ":
      return code;
    case "HK":
      return `${name.startsWith("0") ? name.slice(1) : name}.HK`;
    case "US":
      return name;
    default:
      return undefined;
  }
}
