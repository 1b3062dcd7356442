/** Loaded before anything else by every process of vitest (`--import`): installs the classes that the environment names. */
import { CLASSES, installClasses } from '../suites/classes.js';

const classes = CLASSES.find((name) => name === process.env.PACELINE_SUITE_CLASSES);
if (classes === undefined) throw new Error(`PACELINE_SUITE_CLASSES is none of ${CLASSES.join(', ')}`);
await installClasses(classes);
