/** Writes the JSON schema of the config file to where the package exports it: a step of the build. */
import { writeFileSync } from 'node:fs';
import { configSchema } from '../lib/options/config-schema.js';

writeFileSync(
  new URL('../lib/config.schema.json', import.meta.url),
  `${JSON.stringify(configSchema(), null, 2)}\n`,
);
