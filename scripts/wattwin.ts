#!/usr/bin/env node
/** The `wattwin` command. */
import { createProgram } from './program.ts';

await createProgram((code) => process.exit(code)).parseAsync();
