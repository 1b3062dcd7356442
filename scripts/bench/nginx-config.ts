// The configuration of nginx.

/** Serves the files of a folder, or /hello by itself where there is none. */
export function nginxConfig(processes: number, port: number, folder: string | undefined): string {
  const location =
    folder === undefined ? "location = /hello { return 200 'hello world\\n'; }" : `root ${folder};`;
  return `daemon off;
worker_processes ${processes};
worker_rlimit_nofile 24576;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 12288; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 75s;
  default_type text/plain;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {
    listen 127.0.0.1:${port};
    ${location}
  }
}
`;
}
