/** Whether `chdb`, an optional peer, is there to be loaded; loading it takes half a gigabyte and is not tried. */
export function isEngineInstalled(): boolean {
  try {
    import.meta.resolve("chdb");
    return true;
  } catch {
    return false;
  }
}
