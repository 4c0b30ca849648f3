#!/usr/bin/env node
// This file is written for any Node there ever was, so that an old one says what is wrong instead of a syntax error.
"use strict";

var NODE_MIN = 24;
/** The same number as "unavailable" in src/cli/exit.ts. */
var EXIT_UNAVAILABLE = 69;

var major = parseInt(process.versions.node.split(".")[0], 10);
if (major < NODE_MIN) {
  process.stderr.write(
    "gdw: needs Node " +
      NODE_MIN +
      " or newer, this is " +
      process.version +
      " (" +
      process.execPath +
      "): install a newer one, or in a clone use npm run gdw, which brings its own\n",
  );
  process.exit(EXIT_UNAVAILABLE);
} else {
  require("./launch.cjs");
}
