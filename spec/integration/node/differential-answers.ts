import { ANSWERS } from '../../support/node/cases/answers.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(ANSWERS);
