/* A program for tests of unikernels: `serve` answers HTTP on port 8080, `exit N` ends with N. */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void obey(int number) {
  (void)number;
  _exit(7);
}

static void answer(int connection, const char *name) {
  char request[2048], page[64] = "", cwd[256] = "", body[1024], reply[2048];
  if (read(connection, request, sizeof request) <= 0) return;
  FILE *file = fopen("/data/page", "r");
  if (file && !fgets(page, sizeof page, file)) page[0] = 0;
  const char *says = getenv("SAYS");
  int length = snprintf(body, sizeof body, "name=%s says=%s page=%s cwd=%s", name, says ? says : "", page,
                        getcwd(cwd, sizeof cwd) ? cwd : "");
  int size = snprintf(reply, sizeof reply, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", length, body);
  if (write(connection, reply, size) != size) perror("write");
}

int main(int count, char **words) {
  if (count > 2 && !strcmp(words[1], "exit")) {
    printf("leaving\n");
    return atoi(words[2]);
  }
  signal(SIGTERM, obey);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(8080)};
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(listener, (void *)&address, sizeof address) || listen(listener, 8)) return 9;
  for (;;) {
    int connection = accept(listener, 0, 0);
    answer(connection, words[0]);
    close(connection);
  }
}
