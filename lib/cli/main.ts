#!/usr/bin/env node
import { runCommand } from './run.js';

await runCommand(process.argv.slice(2));
