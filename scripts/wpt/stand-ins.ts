/** Scripts that tests need and that copies of the suite lack, or that Node.js has no counterpart of; by path in the suite. */

/**
 * The tests of the interfaces: names, descriptors, lengths, inheritance and what members throw for other objects, all derived
 * by the suite's idlharness from the standard's IDL.
 */
const IDL_TESTS = `
idl_test(['fetch'], ['referrer-policy', 'html', 'dom', 'url', 'streams', 'FileAPI', 'xhr'], (idl_array) => {
  idl_array.add_objects({
    Headers: ['new Headers()'],
    Request: ['new Request("about:blank")', 'new Request(location.href)'],
    Response: ['new Response()', 'new Response("text")', 'Response.error()', 'Response.json({})'],
  });
});
`;

const UTILS = `
const token = () => crypto.randomUUID();
`;

/** There is one origin. */
const HOST_INFO = `
const get_host_info = () => ({ HTTP_ORIGIN: location.origin, HTTP_REMOTE_ORIGIN: location.origin, REMOTE_HOST: location.hostname });
`;

/** By it, tests look into blobs. */
const FILE_READER = `
class FileReader {
  readAsText(blob) {
    blob.text().then((result) => {
      this.result = result;
      this.onload();
    });
  }
}
`;

export const IDL_FILE = 'fetch/api/idlharness.any.js';
export const FILE_READER_FILE = 'common/file-reader.js';

export const STAND_INS: Readonly<Record<string, string>> = {
  [IDL_FILE]: IDL_TESTS,
  [FILE_READER_FILE]: FILE_READER,
  'common/utils.js': UTILS,
  'common/get-host-info.sub.js': HOST_INFO,
};
