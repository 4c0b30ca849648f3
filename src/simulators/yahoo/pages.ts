/** HTML that stands where a client may expect JSON. */
export const CONSENT_URL = "/v2/collectConsent?sessionId=3_cc-session_00000000-0000-4000-8000-000000000000";

export function consentPage(): string {
  return page(
    "Yahoo is part of the Yahoo family of brands",
    `<form method="post" action="${CONSENT_URL}">
<input type="hidden" name="csrfToken" value="aBcDeFg">
<input type="hidden" name="sessionId" value="3_cc-session_00000000-0000-4000-8000-000000000000">
<input type="hidden" name="originalDoneUrl" value="https://finance.yahoo.com/">
<input type="hidden" name="namespace" value="yahoo">
<button type="submit" name="agree" value="agree">Accept all</button>
</form>`,
  );
}

export function quotePage(symbol: string): string {
  return page(`${symbol} - Yahoo Finance`, `<h1>${escape(symbol)}</h1>`);
}

export function gatewayPage(status: number): string {
  return page(`${status}`, `<h1>Will be right back...</h1><p>Thank you for your patience.</p>`);
}

export const NOT_A_PAGE = page("404 Not Found", "<h1>404 Not Found</h1>");

function page(title: string, body: string): string {
  return `<!DOCTYPE html>\n<html lang="en-us"><head><title>${escape(title)}</title></head>\n<body>${body}</body></html>\n`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
