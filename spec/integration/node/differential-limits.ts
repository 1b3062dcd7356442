import { LIMITS } from '../../support/node/cases/limits.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(LIMITS);
