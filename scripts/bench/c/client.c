// A client in a closed loop, for what wrk cannot do: echoes over raw TCP, and requests that each have a connection of their own.
//
// Usage: client echo|connect PORT CONNECTIONS SECONDS. Prints one line of JSON.
//
// echo: each connection sends MESSAGE_BYTES, waits until they are back, and sends them again.
// connect: a request's latency begins with connect() and ends with the end of the stream, which the server sends because the request
// asks for it; then the next connection is opened. The source addresses take turns: a port of one that was used a moment
// ago may be in TIME_WAIT on the server's side, where a SYN can be dropped and is repeated only after a second.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MESSAGE_BYTES = 100, EVENTS = 256, SOURCES = 16, SECOND = 1000000000 };
static const char request[] = "GET /hello HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
static const char status[] = "HTTP/1.1 200", body[] = "hello world\n";

struct connection {
  int fd, sent;
  uint64_t since;
  size_t received;
  char input[4096];
};

static int set, port, connects;
static char message[MESSAGE_BYTES];
static uint64_t errors, opened;
static uint32_t *latencies;
static size_t count, room;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * SECOND + time.tv_nsec;
}

static void record(uint64_t nanoseconds) {
  if (count == room) {
    room = room ? 2 * room : 1 << 16;
    latencies = realloc(latencies, room * sizeof *latencies);
    if (!latencies) abort();
  }
  latencies[count++] = nanoseconds > UINT32_MAX ? UINT32_MAX : (uint32_t)nanoseconds;
}

static void leave(struct connection *connection) {
  struct linger reset = { .l_onoff = 1, .l_linger = 0 };
  setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  close(connection->fd);
  connection->fd = -1;
}

/* 127.a.b.c with a and b from the process's number: no two clients share one. */
static uint32_t source_address(void) {
  uint32_t pid = (uint32_t)getpid();
  return 127u << 24 | (1 + ((pid >> 8) & 0x7f)) << 16 | (pid & 0xff) << 8 | (1 + opened % SOURCES);
}

static void start(struct connection *connection) {
  int on = 1;
  struct sockaddr_in source = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(source_address()) };
  struct sockaddr_in server = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  connection->since = now();
  connection->sent = 0;
  connection->received = 0;
  opened++;
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(connection->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection };
  if (bind(connection->fd, (struct sockaddr *)&source, sizeof source) ||
      (connect(connection->fd, (struct sockaddr *)&server, sizeof server) && errno != EINPROGRESS) ||
      epoll_ctl(set, EPOLL_CTL_ADD, connection->fd, &event)) {
    errors++;
    leave(connection);
  }
}

static void transmit(struct connection *connection) {
  const char *bytes = connects ? request : message;
  ssize_t length = connects ? (ssize_t)sizeof request - 1 : MESSAGE_BYTES;
  if (!connects) connection->since = now();
  connection->received = 0;
  connection->sent = 1;
  if (send(connection->fd, bytes, length, MSG_NOSIGNAL) == length) return;
  errors++;
  leave(connection);
}

static int is_right(const struct connection *connection) {
  size_t length = sizeof body - 1;
  return connection->received > length + sizeof status && !memcmp(connection->input, status, sizeof status - 1) &&
    !memcmp(connection->input + connection->received - length, body, length);
}

/* The end of a connection. One that the server never answers is an error, and so is the end of an echo. */
static void finish(struct connection *connection) {
  if (connects && is_right(connection)) record(now() - connection->since);
  else errors++;
  leave(connection);
  if (connects) start(connection);
}

static void receive(struct connection *connection) {
  for (;;) {
    size_t space = sizeof connection->input - connection->received;
    ssize_t bytes = recv(connection->fd, connection->input + connection->received, space, 0);
    if (bytes < 0 && errno == EAGAIN) return;
    if (bytes <= 0) {
      finish(connection);
      return;
    }
    connection->received += bytes;
    if (connects || connection->received < MESSAGE_BYTES) continue;
    if (connection->received > MESSAGE_BYTES || memcmp(connection->input, message, MESSAGE_BYTES)) errors++;
    else record(now() - connection->since);
    transmit(connection);
    return;
  }
}

static int ascending(const void *a, const void *b) {
  uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
  return (left > right) - (left < right);
}

/* The nearest-rank percentile, in microseconds. */
static double percentile(double share) {
  size_t rank = (size_t)(share * count);
  if (rank < share * count) rank++;
  return count ? latencies[rank ? rank - 1 : 0] / 1e3 : 0;
}

int main(int arguments, char **values) {
  if (arguments < 5) return 2;
  connects = strcmp(values[1], "connect") == 0;
  port = atoi(values[2]);
  int connections = atoi(values[3]);
  set = epoll_create1(EPOLL_CLOEXEC);
  for (int index = 0; index < MESSAGE_BYTES; index++) message[index] = 'a' + index % 26;
  struct connection *all = calloc(connections, sizeof *all);
  struct epoll_event events[EVENTS];
  uint64_t begin = now(), end = begin + (uint64_t)(atof(values[4]) * SECOND);
  for (int index = 0; index < connections; index++) start(&all[index]);
  while (now() < end) {
    int ready = epoll_wait(set, events, EVENTS, 10);
    for (int index = 0; index < ready; index++) {
      struct connection *connection = events[index].data.ptr;
      if (connection->fd < 0) continue;
      if (!connection->sent && events[index].events & EPOLLOUT) transmit(connection);
      if (connection->fd >= 0 && events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(connection);
    }
  }
  double seconds = (now() - begin) / 1e9;
  for (int index = 0; index < connections; index++) if (all[index].fd >= 0) leave(&all[index]);
  qsort(latencies, count, sizeof *latencies, ascending);
  printf("{\"requests\":%zu,\"seconds\":%.6f,\"p50Us\":%.1f,\"p99Us\":%.1f,\"errors\":%llu}\n", count, seconds,
    percentile(0.5), percentile(0.99), (unsigned long long)errors);
}
