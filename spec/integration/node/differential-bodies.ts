import { BODIES } from '../../support/node/cases/bodies.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(BODIES);
