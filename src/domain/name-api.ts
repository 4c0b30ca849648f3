/** A provider and one of its apis for people: a provider that counts all its calls as one thing is named once. */
export function nameApi(provider: string, api: string): string {
  return provider === api ? provider : `${provider} ${api}`;
}
