import { TIMEOUTS } from '../../support/node/cases/timeouts.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(TIMEOUTS);
