// The app of the control scenarios: the small handler's routes, and one that throws.

import handler from './handler.js';

export default {
  fetch(request: Request): Response | Promise<Response> {
    if (request.url.endsWith('/throw')) throw new Error('this route throws');
    return handler.fetch(request);
  },
};
