// The floor of a server without JavaScript: leader/followers on one epoll set, with the system calls that any server has to make
// for a request, and nothing else. With one thread it is a bare loop on epoll.
//
// Usage: floor THREADS http|echo. Of a request it reads no more than its empty line and a last field `Connection: close`, so it is
// no server for other clients than those of the benchmark.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static const char answer[] =
  "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 12\r\n\r\nhello world\n";
static const char last[] = "Connection: close\r\n\r\n";
static pthread_mutex_t leadership = PTHREAD_MUTEX_INITIALIZER;
static int set, listener, echoes;

static void add(int fd) {
  struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = fd };
  epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
}

static void accept_all(void) {
  int fd;
  while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) add(fd);
}

static int is_last(const char *input, size_t bytes) {
  size_t length = sizeof last - 1;
  return bytes >= length && memcmp(input + bytes - length, last, length) == 0;
}

static void respond(int fd) {
  char input[16384];
  ssize_t bytes = recv(fd, input, sizeof input, 0);
  if (bytes == 0 || (bytes < 0 && errno != EAGAIN)) close(fd);
  if (bytes <= 0) return;
  if (echoes) send(fd, input, bytes, MSG_NOSIGNAL);
  else if (memmem(input, bytes, "\r\n\r\n", 4)) {
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    if (is_last(input, bytes)) close(fd);
  }
}

static void *serve(void *unused) {
  struct epoll_event event;
  for (;;) {
    pthread_mutex_lock(&leadership);
    int count = epoll_wait(set, &event, 1, -1);
    pthread_mutex_unlock(&leadership);
    if (count < 1) continue;
    if (event.data.fd == listener) accept_all();
    else respond(event.data.fd);
  }
  return unused;
}

int main(int count, char **arguments) {
  int threads = count > 1 ? atoi(arguments[1]) : 1, on = 1;
  echoes = count > 2 && strcmp(arguments[2], "echo") == 0;
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
  socklen_t bytes = sizeof address;
  listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (bind(listener, (struct sockaddr *)&address, bytes) || listen(listener, 511)) return 1;
  getsockname(listener, (struct sockaddr *)&address, &bytes);
  set = epoll_create1(EPOLL_CLOEXEC);
  add(listener);
  printf("listening on %s://127.0.0.1:%d\n", echoes ? "tcp" : "http", ntohs(address.sin_port));
  fflush(stdout);
  for (pthread_t thread; threads > 1; threads--) pthread_create(&thread, NULL, serve, NULL);
  serve(NULL);
}
