/* Lets the n-th read (or write-class) call on a file below LOCALART_FAIL_BELOW fail with EIO, or kill the process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long counted, fails_at, kills_at;

void arm(long fail, long kill) { counted = 0; fails_at = fail; kills_at = kill; }
long calls(void) { return counted; }

static int is_ours(const char *path) {
  const char *below = getenv("LOCALART_FAIL_BELOW");
  return below && strncmp(path, below, strlen(below)) == 0;
}

static int fd_is_ours(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, sizeof path - 1);
  if (n < 0) return 0;
  path[n] = 0;
  return is_ours(path);
}

static int fails(int fd) {
  if (!fails_at || !fd_is_ours(fd)) return 0;
  if (++counted != fails_at) return 0;
  errno = EIO;
  return 1;
}

static void dies(int ours) {
  if (kills_at && ours && ++counted == kills_at) raise(SIGKILL);
}

#define READ(ret, name, args, call)                                                                                \
  ret name args {                                                                                                  \
    static ret(*real) args;                                                                                        \
    if (!real) real = dlsym(RTLD_NEXT, #name);                                                                     \
    return fails(fd) ? -1 : real call;                                                                             \
  }
#define WRITE(ret, name, args, call, ours)                                                                         \
  ret name args {                                                                                                  \
    static ret(*real) args;                                                                                        \
    if (!real) real = dlsym(RTLD_NEXT, #name);                                                                     \
    dies(ours);                                                                                                    \
    return real call;                                                                                              \
  }

READ(ssize_t, read, (int fd, void *b, size_t n), (fd, b, n))
READ(ssize_t, pread, (int fd, void *b, size_t n, off_t o), (fd, b, n, o))
READ(ssize_t, pread64, (int fd, void *b, size_t n, off64_t o), (fd, b, n, o))
READ(ssize_t, preadv, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o))
READ(ssize_t, preadv64, (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o))
READ(ssize_t, preadv2, (int fd, const struct iovec *v, int n, off_t o, int f), (fd, v, n, o, f))
READ(ssize_t, preadv64v2, (int fd, const struct iovec *v, int n, off64_t o, int f), (fd, v, n, o, f))
WRITE(ssize_t, pwritev2, (int fd, const struct iovec *v, int n, off_t o, int f), (fd, v, n, o, f), fd_is_ours(fd))
WRITE(ssize_t, pwritev64v2, (int fd, const struct iovec *v, int n, off64_t o, int f), (fd, v, n, o, f), fd_is_ours(fd))
WRITE(ssize_t, write, (int fd, const void *b, size_t n), (fd, b, n), fd_is_ours(fd))
WRITE(ssize_t, pwrite, (int fd, const void *b, size_t n, off_t o), (fd, b, n, o), fd_is_ours(fd))
WRITE(ssize_t, pwrite64, (int fd, const void *b, size_t n, off64_t o), (fd, b, n, o), fd_is_ours(fd))
WRITE(ssize_t, pwritev, (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o), fd_is_ours(fd))
WRITE(ssize_t, pwritev64, (int fd, const struct iovec *v, int n, off64_t o), (fd, v, n, o), fd_is_ours(fd))
WRITE(int, fsync, (int fd), (fd), fd_is_ours(fd))
WRITE(int, fdatasync, (int fd), (fd), fd_is_ours(fd))
WRITE(int, ftruncate, (int fd, off_t n), (fd, n), fd_is_ours(fd))
WRITE(int, ftruncate64, (int fd, off64_t n), (fd, n), fd_is_ours(fd))
WRITE(int, unlink, (const char *p), (p), is_ours(p))
WRITE(int, rename, (const char *p, const char *q), (p, q), is_ours(p))
