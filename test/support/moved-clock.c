/*
 * Preloaded into a process, it moves that process's wall clock by so many seconds as the file named in
 * MOVED_CLOCK_FILE says, now; the monotonic clocks stay. What libfaketime does, as far as one needs it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t *moved;

__attribute__((constructor)) static void map_file(void) {
  const char *path = getenv("MOVED_CLOCK_FILE");
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *page = mmap(NULL, sizeof *moved, PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) moved = page;
}

int clock_gettime(clockid_t id, struct timespec *at) {
  int result = (int)syscall(SYS_clock_gettime, id, at);
  if (result == 0 && moved && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += *moved;
  return result;
}

int gettimeofday(struct timeval *at, void *zone) {
  int result = (int)syscall(SYS_gettimeofday, at, zone);
  if (result == 0 && moved) at->tv_sec += *moved;
  return result;
}

time_t time(time_t *into) {
  struct timespec at;
  clock_gettime(CLOCK_REALTIME, &at);
  if (into) *into = at.tv_sec;
  return at.tv_sec;
}
