/* Fails or kills at the n-th call that reads, or that writes, below LOCALART_FAIL_BELOW. Counted over all threads. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum how { COUNT, ONCE, FOR_GOOD, FOR_GOOD_ITS_KIND, KILL };
enum class { READS, WRITES };

static atomic_long counted;
static atomic_int has_failed;
static long fails_at;
static int code, how_long, counts_class, armed, told = -1;
static char failed_kind[32], failed_place[1024];

/* The n-th call (from 1) of a class; with KILL the process dies at it, else it fails with an error. */
void arm(int class, long at, int error, int how) {
  counted = has_failed = 0;
  fails_at = at, code = error, how_long = how, counts_class = class;
  failed_kind[0] = failed_place[0] = 0;
  armed = 1;
}
void disarm(void) { armed = 0; }
void tell(int fd) { told = fd; } /* each call that is only counted, a line each */
long calls(void) { return counted; }
const char *kind_that_failed(void) { return failed_kind; }
const char *place_that_failed(void) { return failed_place; }

static int is_ours(const char *path) {
  const char *below = getenv("LOCALART_FAIL_BELOW");
  return below && strncmp(path, below, strlen(below)) == 0;
}

static int place_of(int fd, char *path, size_t room) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, path, room - 1);
  path[n < 0 ? 0 : n] = 0;
  return n >= 0;
}

static int fails_there(const char *kind, const char *place) {
  if (!is_ours(place)) return 0;
  long number = ++counted;
  if (how_long == COUNT && told >= 0) dprintf(told, "%s %s\n", kind, place);
  if (how_long == COUNT || number < fails_at) return 0;
  if (number == fails_at) {
    if (how_long == KILL) raise(SIGKILL);
    snprintf(failed_kind, sizeof failed_kind, "%s", kind);
    snprintf(failed_place, sizeof failed_place, "%s", place);
    has_failed = 1;
  } else if (how_long == ONCE || !has_failed || (how_long == FOR_GOOD_ITS_KIND && strcmp(kind, failed_kind))) {
    return 0;
  }
  errno = code;
  return 1;
}

static int fails(int class, const char *kind, int folder, const char *path) {
  char place[8192];
  if (!armed || class != counts_class) return 0;
  if (!path) return place_of(folder, place, sizeof place) && fails_there(kind, place);
  if (path[0] == '/') return fails_there(kind, path);
  if (folder == AT_FDCWD ? !getcwd(place, 4096) : !place_of(folder, place, 4096)) return 0;
  strcat(place, "/");
  strncat(place, path, 4000);
  return fails_there(kind, place);
}

#define CALL(class, ret, name, kind, args, call, folder, path)                                                     \
  ret name args {                                                                                                  \
    static ret(*real) args;                                                                                        \
    if (!real) real = (ret(*) args)dlsym(RTLD_NEXT, #name);                                                        \
    return fails(class, kind, folder, path) ? -1 : real call;                                                      \
  }
#define ON_FD(class, ret, name, kind, ...) ON_THIS_FD(class, ret, name, kind, __VA_ARGS__)
#define ON_THIS_FD(class, ret, name, kind, args, call) CALL(class, ret, name, kind, args, call, fd, NULL)

#define BUFFER (int fd, void *b, size_t n), (fd, b, n)
#define BUFFER_AT (int fd, void *b, size_t n, off_t o), (fd, b, n, o)
#define VECTOR_AT (int fd, const struct iovec *v, int n, off_t o), (fd, v, n, o)
#define VECTOR_AT_FLAGS (int fd, const struct iovec *v, int n, off_t o, int f), (fd, v, n, o, f)
#define CONST_BUFFER (int fd, const void *b, size_t n), (fd, b, n)
#define CONST_BUFFER_AT (int fd, const void *b, size_t n, off_t o), (fd, b, n, o)

ON_FD(READS, ssize_t, read, "read", BUFFER)
ON_FD(READS, ssize_t, pread, "pread", BUFFER_AT)
ON_FD(READS, ssize_t, pread64, "pread", BUFFER_AT)
ON_FD(READS, ssize_t, readv, "readv", (int fd, const struct iovec *v, int n), (fd, v, n))
ON_FD(READS, ssize_t, preadv, "preadv", VECTOR_AT)
ON_FD(READS, ssize_t, preadv64, "preadv", VECTOR_AT)
ON_FD(READS, ssize_t, preadv2, "preadv", VECTOR_AT_FLAGS)
ON_FD(READS, ssize_t, preadv64v2, "preadv", VECTOR_AT_FLAGS)

ON_FD(WRITES, ssize_t, write, "write", CONST_BUFFER)
ON_FD(WRITES, ssize_t, pwrite, "pwrite", CONST_BUFFER_AT)
ON_FD(WRITES, ssize_t, pwrite64, "pwrite", CONST_BUFFER_AT)
ON_FD(WRITES, ssize_t, writev, "writev", (int fd, const struct iovec *v, int n), (fd, v, n))
ON_FD(WRITES, ssize_t, pwritev, "pwritev", VECTOR_AT)
ON_FD(WRITES, ssize_t, pwritev64, "pwritev", VECTOR_AT)
ON_FD(WRITES, ssize_t, pwritev2, "pwritev", VECTOR_AT_FLAGS)
ON_FD(WRITES, ssize_t, pwritev64v2, "pwritev", VECTOR_AT_FLAGS)
ON_FD(WRITES, int, fsync, "fsync", (int fd), (fd))
ON_FD(WRITES, int, fdatasync, "fdatasync", (int fd), (fd))
ON_FD(WRITES, int, ftruncate, "ftruncate", (int fd, off_t n), (fd, n))
ON_FD(WRITES, int, ftruncate64, "ftruncate", (int fd, off_t n), (fd, n))
ON_FD(WRITES, int, fallocate, "fallocate", (int fd, int m, off_t o, off_t n), (fd, m, o, n))
ON_FD(WRITES, int, fallocate64, "fallocate", (int fd, int m, off_t o, off_t n), (fd, m, o, n))
ON_FD(WRITES, int, fchmod, "fchmod", (int fd, mode_t m), (fd, m))
ON_FD(WRITES, ssize_t, sendfile, "sendfile", (int fd, int from, off_t *o, size_t n), (fd, from, o, n))
ON_FD(WRITES, ssize_t, sendfile64, "sendfile", (int fd, int from, off_t *o, size_t n), (fd, from, o, n))
ON_FD(WRITES, ssize_t, copy_file_range, "copy_file_range",
      (int from, off_t *a, int fd, off_t *b, size_t n, unsigned f), (from, a, fd, b, n, f))
CALL(WRITES, int, unlink, "unlink", (const char *p), (p), AT_FDCWD, p)
CALL(WRITES, int, unlinkat, "unlink", (int d, const char *p, int f), (d, p, f), d, p)
CALL(WRITES, int, rmdir, "rmdir", (const char *p), (p), AT_FDCWD, p)
CALL(WRITES, int, mkdir, "mkdir", (const char *p, mode_t m), (p, m), AT_FDCWD, p)
CALL(WRITES, int, mkdirat, "mkdir", (int d, const char *p, mode_t m), (d, p, m), d, p)
CALL(WRITES, int, chmod, "chmod", (const char *p, mode_t m), (p, m), AT_FDCWD, p)
CALL(WRITES, int, truncate, "truncate", (const char *p, off_t n), (p, n), AT_FDCWD, p)
CALL(WRITES, int, truncate64, "truncate", (const char *p, off_t n), (p, n), AT_FDCWD, p)
CALL(WRITES, int, rename, "rename", (const char *p, const char *q), (p, q), AT_FDCWD, q)
CALL(WRITES, int, renameat, "rename", (int c, const char *p, int d, const char *q), (c, p, d, q), d, q)
CALL(WRITES, int, link, "link", (const char *p, const char *q), (p, q), AT_FDCWD, q)
CALL(WRITES, int, linkat, "link", (int c, const char *p, int d, const char *q, int f), (c, p, d, q, f), d, q)
CALL(WRITES, int, symlink, "symlink", (const char *p, const char *q), (p, q), AT_FDCWD, q)
CALL(WRITES, int, symlinkat, "symlink", (const char *p, int d, const char *q), (p, d, q), d, q)

/* An open that may write or create is of one class, any other of the other. */
#define OPEN(name, args, call, folder)                                                                             \
  int name args {                                                                                                  \
    static int (*real) args;                                                                                       \
    if (!real) real = (int (*) args)dlsym(RTLD_NEXT, #name);                                                       \
    int writes = flags & (O_CREAT | O_WRONLY | O_RDWR);                                                            \
    mode_t mode = 0;                                                                                               \
    va_list rest;                                                                                                  \
    va_start(rest, flags);                                                                                         \
    if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t);                                                \
    va_end(rest);                                                                                                  \
    return fails(writes ? WRITES : READS, "open", folder, path) ? -1 : real call;                                  \
  }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode), AT_FDCWD)
OPEN(openat, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
OPEN(openat64, (int folder, const char *path, int flags, ...), (folder, path, flags, mode), folder)
