#!/usr/bin/env node
/** The program `berth`. */
import { composeCli } from './agent/compose.js';
import { runCli } from './cli/run-cli.js';

process.exitCode = await runCli(process.argv.slice(2), composeCli(process.env));
