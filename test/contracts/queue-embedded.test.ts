import { openEmbeddedBroker } from "./queue-embedded-broker.ts";
import { messageReaderContract, queueContract } from "./queue-contract.ts";

queueContract("embedded", () => openEmbeddedBroker());
messageReaderContract("embedded", () => openEmbeddedBroker());
