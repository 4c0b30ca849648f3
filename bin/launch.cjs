"use strict";

const { existsSync } = require("node:fs");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

// The package has dist; a checkout that was never built runs its source as it stands.
const built = join(__dirname, "..", "dist", "cli", "main.js");
const source = join(__dirname, "..", "src", "cli", "main.ts");

void import(pathToFileURL(existsSync(built) ? built : source).href);
