/**
 * `${NAME}`, `${NAME:-default}`, `${NAME:?why}` and `$$`, as Compose reads them. Throws for a name that must be given and
 * is not.
 */
export function interpolate(text: string, env: Readonly<Record<string, string>> = {}): string {
  return text.replaceAll(
    /\$(?:\$|\{(\w+)(?:(:[-?])([^}]*))?\}|(\w+))/g,
    (whole, braced: string | undefined, operator: string | undefined, rest = "", bare: string | undefined) => {
      if (whole === "$$") {
        return "$";
      }
      const value = env[braced ?? bare ?? ""] ?? "";
      if (value === "" && operator === ":?") {
        throw new Error(`${braced} has to be given: ${rest}`);
      }
      return value === "" && operator === ":-" ? rest : value;
    },
  );
}
