import { PermanentError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { MessageError } from "../domain/message-error.ts";
import type { ProviderName } from "../domain/provider.ts";

export interface ChainParts<Lines> {
  readonly lines: ReadonlyMap<ProviderName, Lines>;
  /** Providers in the order in which they are asked. */
  readonly chain: readonly ProviderName[];
  readonly log: Log;
}

export interface AskOptions {
  /** Where the message names a provider. */
  readonly at?: string;
  /** Of the chain those that can serve what is asked for, in its order; at least one. All by default. */
  readonly able?: readonly ProviderName[];
}

/** Who is asked. Messages that wait for one provider stay with it when it goes out; those that come then go elsewhere. */
export class ProviderChain<Lines extends { readonly isOut: () => boolean }> {
  readonly #parts: ChainParts<Lines>;
  readonly #refused = new Set<ProviderName>();

  constructor(parts: ChainParts<Lines>) {
    this.#parts = parts;
  }

  /**
   * Throws what `act` throws; MessageError for a pinned provider that is not there or cannot serve this, and when all
   * that can serve it have refused us; PermanentError (provider) when no provider of the chain is left.
   */
  async ask<T>(
    pinned: ProviderName | undefined,
    act: (lines: Lines) => Promise<T>,
    { at = "$.params.provider", able = this.#parts.chain }: AskOptions = {},
  ): Promise<T> {
    for (;;) {
      const { provider, lines } = this.#choose(pinned, at, able);
      try {
        return await act(lines);
      } catch (error) {
        if (!(error instanceof PermanentError) || error.scope !== "provider") {
          throw error;
        }
        this.#refuse(provider);
        if (this.#left(this.#parts.chain).length === 0) {
          throw error;
        }
        // The others go on with what they have.
        if (pinned !== undefined || this.#left(able).length === 0) {
          throw new MessageError("provider-refused", pinned === undefined ? "$" : at, error.message);
        }
      }
    }
  }

  #left(able: readonly ProviderName[]): readonly ProviderName[] {
    return able.filter((provider) => !this.#refused.has(provider));
  }

  #refuse(provider: ProviderName): void {
    if (!this.#refused.has(provider)) {
      this.#refused.add(provider);
      const left = this.#left(this.#parts.chain);
      if (left.length > 0) {
        this.#parts.log.error("provider is out for good, the others go on", { provider, left });
      }
    }
  }

  #choose(
    pinned: ProviderName | undefined,
    at: string,
    able: readonly ProviderName[],
  ): { readonly provider: ProviderName; readonly lines: Lines } {
    const { lines, chain } = this.#parts;
    const isThere = (provider: ProviderName): boolean => lines.get(provider)?.isOut() === false;
    const left = this.#left(able);
    const provider = pinned ?? left.find(isThere) ?? left[0] ?? able[0] ?? chain[0];
    const found = provider === undefined ? undefined : lines.get(provider);
    if (provider === undefined || found === undefined) {
      const served = [...lines.keys()].join(", ");
      throw new MessageError("not-supported", at, `${provider} is not in providers.chain, which has ${served}`);
    }
    if (!able.includes(provider)) {
      throw new MessageError(
        "not-supported",
        at,
        `${provider} does not have what is asked for, ${able.join(", ")} does`,
      );
    }
    return { provider, lines: found };
  }
}
