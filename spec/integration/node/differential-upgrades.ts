import { UPGRADES } from '../../support/node/cases/upgrades.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(UPGRADES);
