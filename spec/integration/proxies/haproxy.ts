/** Smuggling, splitting and 100 Continue behind a real haproxy. */
import { behind } from '../../support/proxies/suite.js';

behind('haproxy');
