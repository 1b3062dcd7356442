import { HEADS } from '../../support/node/cases/heads.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(HEADS);
