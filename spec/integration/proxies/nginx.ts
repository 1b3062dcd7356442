/** Smuggling, splitting and 100 Continue behind a real nginx. */
import { behind } from '../../support/proxies/suite.js';

behind('nginx');
