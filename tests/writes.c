/* Loaded before the C library (LD_PRELOAD), asks before every call that needs a disk whether it shall fail.
   A write that fails has written half of its bytes first, as on a disk that fills up. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int (*ask)(const char *call, const char *path); /* an errno, or 0 */

void watch(int (*answer)(const char *, const char *)) { ask = answer; }

static int refused(const char *call, const char *path) {
    int before = errno, error = ask ? ask(call, path) : 0;
    errno = error ? error : before;
    return error;
}

static int refused_open_file(const char *call, int file) {
    char link[64], path[PATH_MAX];
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t n = ask ? readlink(link, path, sizeof path - 1) : -1;
    errno = before;
    if (n < 0)
        return 0;
    path[n] = 0;
    return refused(call, path);
}

#define REAL(name) __typeof__(&name) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define OPEN(name, list, pass)                                                                          \
    int name(list const char *path, int flags, ...) {                                                           \
        REAL(name);                                                                                             \
        va_list rest;                                                                                           \
        va_start(rest, flags);                                                                                  \
        int mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, int) : 0;                                     \
        va_end(rest);                                                                                           \
        return flags & (O_WRONLY | O_RDWR | O_CREAT) && refused("open", path) ? -1 : real(pass path, flags, mode); \
    }
#define COMMA ,
OPEN(open, , )
OPEN(open64, , )
OPEN(openat, int folder COMMA, folder COMMA)
OPEN(openat64, int folder COMMA, folder COMMA)

ssize_t write(int file, const void *bytes, size_t n) {
    REAL(write);
    if (!refused_open_file("write", file))
        return real(file, bytes, n);
    int error = errno;
    real(file, bytes, n / 2);
    errno = error;
    return -1;
}

ssize_t pwrite(int file, const void *bytes, size_t n, off_t at) {
    REAL(pwrite);
    return refused_open_file("write", file) ? -1 : real(file, bytes, n, at);
}

ssize_t pwrite64(int file, const void *bytes, size_t n, off64_t at) {
    REAL(pwrite64);
    return refused_open_file("write", file) ? -1 : real(file, bytes, n, at);
}

ssize_t writev(int file, const struct iovec *parts, int n) {
    REAL(writev);
    return refused_open_file("write", file) ? -1 : real(file, parts, n);
}

int fsync(int file) {
    REAL(fsync);
    return refused_open_file("fsync", file) ? -1 : real(file);
}

int fdatasync(int file) {
    REAL(fdatasync);
    return refused_open_file("fsync", file) ? -1 : real(file);
}

int ftruncate(int file, off_t size) {
    REAL(ftruncate);
    return refused_open_file("truncate", file) ? -1 : real(file, size);
}

int ftruncate64(int file, off64_t size) {
    REAL(ftruncate64);
    return refused_open_file("truncate", file) ? -1 : real(file, size);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    return refused("mkdir", path) ? -1 : real(path, mode);
}

int mkdirat(int folder, const char *path, mode_t mode) {
    REAL(mkdirat);
    return refused("mkdir", path) ? -1 : real(folder, path, mode);
}

int rename(const char *path, const char *target) {
    REAL(rename);
    return refused("rename", path) ? -1 : real(path, target);
}

int renameat(int folder, const char *path, int other, const char *target) {
    REAL(renameat);
    return refused("rename", path) ? -1 : real(folder, path, other, target);
}

int renameat2(int folder, const char *path, int other, const char *target, unsigned flags) {
    REAL(renameat2);
    return refused("rename", path) ? -1 : real(folder, path, other, target, flags);
}
