import type { Log } from "../base/log.ts";
import type { Config } from "../config.ts";
import type { ProviderName } from "../domain/provider.ts";
import type { SecurityCode } from "../domain/security-code.ts";
import type { Inquiry, Question } from "../ports/source.ts";

export type { Question };

export interface AskApi {
  /** What a provider can be asked for beside the data sets; no call is made. */
  inquiries(config: Config, provider: ProviderName, log: Log): Promise<readonly InquiryHelp[]>;
  /** One question to one provider, whether it is in the chain or not. Throws what the source throws; nothing is stored. */
  ask(config: Config, asked: Asked, log: Log, signal: AbortSignal): Promise<AskedRows>;
}

export interface Asked {
  readonly provider: ProviderName;
  readonly what: string;
  readonly question: Question;
}

export type InquiryHelp = Pick<Inquiry, "name" | "help" | "wants" | "needs">;

/** Columns are named as those of the views: lower case with underscores. */
export interface AskedRows {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
  /** Codes of the question that no row is about. */
  readonly missing: readonly SecurityCode[];
  readonly ms: number;
}
