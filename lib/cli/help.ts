/** What `paceline --help` prints. At most 82 columns wide. */
export const HELP = `paceline: a server on the Leader/Followers pattern. Any free thread takes the
next ready request, so a handler that blocks stalls nobody else.

Usage: paceline [APP] [options]
       paceline top [URL] [--dashboard ADDR] [--token TOKEN]

  APP                     module of the app, or a directory of files to serve;
                          without one, the built-in demo

Options:
  -p, --port N            port to listen on, 0 for any free one  [8080]  $PORT
  -H, --host ADDR         address to listen on              [127.0.0.1]  $HOST
  -t, --threads N         threads that process requests, from 1 to 128
                          [the larger of 4 and the cores available]
  -t, --threads MIN:MAX   the same; this version always runs MAX
      --strategy NAME     concurrency model; leader-followers is the only one yet
      --dashboard ADDR    HOST:PORT or off               [127.0.0.1:9080, or any
                          free port where that one is taken]
      --config FILE       settings in JSON          [paceline.config.json, if any]
      --log-level LEVEL   silent, error, warn, info or debug                [info]
      --log-format NAME   pretty or json          [pretty on a terminal, or json]
  -h, --help              print this and exit
  -v, --version           print the version and exit

An option goes before its $VARIABLE, that before the config file, and that before
the [default]. The config file has the long names of the options, and app:
{ "app": "./app.js", "port": 3000, "log-level": "warn" }.

top shows a server's threads in the terminal. URL is what the server printed as
its dashboard, http://HOST:PORT/#TOKEN; the token may also be in $PACELINE_TOKEN.
In a pipe, top prints one table and ends; q ends it in a terminal.

Logs go to standard error. SIGTERM or SIGINT finishes the requests in flight and
exits; a second one exits at once.

Examples:
  paceline                            the demo on http://127.0.0.1:8080
  paceline app.js -p 3000 -t 8        your app, with eight threads
  paceline ./public                   the files of a directory
  paceline top http://127.0.0.1:9080/#TOKEN
  PORT=0 paceline app.js --host ::    any free port, on all addresses

The default export of an app is one of:
  { fetch(request, context) }         web-standard Request to Response
  { data(connection, bytes) }         raw TCP
`;
