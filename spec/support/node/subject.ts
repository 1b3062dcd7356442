/** What is compared with node:http. */
export * as subject from '../../../lib/node-http.js';
