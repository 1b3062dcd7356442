import { SERVERS } from '../../support/node/cases/servers.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(SERVERS);
