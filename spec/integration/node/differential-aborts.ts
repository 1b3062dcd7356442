import { ABORTS } from '../../support/node/cases/aborts.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(ABORTS);
