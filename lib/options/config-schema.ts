/**
 * The JSON schema of the config file, made from the table of options. It accepts what the command accepts, but for a range
 * of threads whose smaller number comes last, which a schema cannot compare.
 */
import type { JsonSchema } from './option-kinds.js';
import { OPTIONS, type Option, SCHEMA_KEY } from './option-table.js';

/** The schema, in draft 2020-12. */
export function configSchema(): JsonSchema {
  const former = OPTIONS.filter(({ formerConfigKey }) => formerConfigKey !== undefined);
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'paceline.config.json',
    description: 'Settings of the command paceline; its options and environment variables go before them.',
    type: 'object',
    properties: Object.fromEntries([
      [SCHEMA_KEY, { description: 'The schema of this file, for editors.' }],
      ...OPTIONS.flatMap((option) =>
        option.configKey === undefined ? [] : [[option.configKey, propertyOf(option)]],
      ),
      ...former.map((option) => [
        option.formerConfigKey,
        { ...option.kind.schema, description: `Former name of ${option.configKey}.`, deprecated: true },
      ]),
    ]),
    allOf: former.map(({ configKey, formerConfigKey }) => ({
      not: { required: [configKey, formerConfigKey] },
    })),
    additionalProperties: false,
  };
}

function propertyOf({ description, kind, default: byDefault, defaultText }: Option): JsonSchema {
  return {
    description: defaultText === undefined ? description : `${description} Default: ${defaultText}.`,
    ...kind.schema,
    ...(byDefault !== undefined && { default: byDefault }),
  };
}
