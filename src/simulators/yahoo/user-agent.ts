/**
 * Whether the edge lets a client in: browsers, and programs that give a name and a version, save those that announce a
 * common library as it comes.
 */
export function isWelcome(userAgent: string): boolean {
  if (userAgent.startsWith("Mozilla/")) {
    return true;
  }
  return NAMED.test(userAgent) && !LIBRARIES.test(userAgent);
}

const NAMED = /[\w@.-]+\/(?:\d|x\b)/;
const LIBRARIES =
  /^(?:curl|wget|java|apache-httpclient|okhttp|python|aiohttp|go-http-client|libwww-perl|node|undici|axios|got)\b/i;
