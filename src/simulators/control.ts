import type { Server } from "node:http";

import { createAdmin, type AdminPages } from "./admin.ts";

/** What may be done with a simulator while it runs. */
export interface Control<Request, Fault, Match> {
  /** Requests as they arrived, without those of whoever watches. */
  readonly requests: readonly Request[];
  /** The next requests that match meet the fault, ordered ones before random ones. */
  injectFault(fault: Fault, match?: Match): void;
  /** Forgets ordered faults, and whom limits keep out. */
  clearFaults(): void;
  clearRequests(): void;
}

export interface ControlParts<Request extends object, Fault, Match> {
  readonly log: { readonly requests: readonly Request[]; clear(): void };
  readonly faults: { order(fault: Fault, match?: Match): void; clear(): void };
  /** An order of a fault as it came over HTTP; throws on one that is none. */
  readonly parseOrder: (input: unknown) => { readonly fault: Fault; readonly match: Match };
  /** Lifts what the limits have imposed. */
  readonly pardon?: () => void;
  readonly pages?: AdminPages;
}

/** The same for tests, in the process, and for whoever watches, over HTTP. */
export function createControl<Request extends object, Fault, Match>({
  log,
  faults,
  parseOrder,
  pardon,
  pages,
}: ControlParts<Request, Fault, Match>): { readonly control: Control<Request, Fault, Match>; readonly admin: Server } {
  const control: Control<Request, Fault, Match> = {
    requests: log.requests,
    injectFault: (fault, match) => {
      faults.order(fault, match);
    },
    clearFaults: () => {
      faults.clear();
      pardon?.();
    },
    clearRequests: () => {
      log.clear();
    },
  };
  const orderFault = (input: unknown): void => {
    const { fault, match } = parseOrder(input);
    faults.order(fault, match);
  };
  return { control, admin: createAdmin({ ...control, orderFault }, pages) };
}
