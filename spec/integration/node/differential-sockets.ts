import { SOCKETS } from '../../support/node/cases/sockets.js';
import { compareCases } from '../../support/node/compare.js';

compareCases(SOCKETS);
