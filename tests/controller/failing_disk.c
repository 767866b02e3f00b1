/* A disk that fails on purpose: preloaded into a process, it lets the n-th call that changes a file below a
 * folder fail with an errno, or all calls from the n-th on. Tests arm it through ctypes.
 *
 *   cc -shared -fPIC -o failing_disk.so failing_disk.c -ldl
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static char folder[4096];
static long left;
static int code, for_ever;

/* count < 1: nothing fails. */
void disk_arm(const char *below, long count, int error, int stays) {
	left = 0;
	snprintf(folder, sizeof folder, "%s/", below);
	code = error, for_ever = stays;
	left = count;
}

/* Calls that may still come before the one that fails; below 1 it has failed. */
long disk_left(void) { return left; }

static int fails(const char *path) {
	if (!folder[0] || strncmp(path, folder, strlen(folder)) != 0) return 0;
	if (left < 1 && !(for_ever && left == -1)) return 0;
	if (left == -1) return errno = code, 1;
	if (--left > 0) return 0;
	left = for_ever ? -1 : 0;
	return errno = code, 1;
}

static int fd_fails(int fd) {
	char link[64], path[4096];
	if (left < 1 && !(for_ever && left == -1)) return 0;
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, path, sizeof path - 1);
	if (size < 0) return 0;
	path[size] = 0;
	return fails(path);
}

#define REAL(name) static __typeof__(name) *real; if (!real) real = dlsym(RTLD_NEXT, #name)

ssize_t write(int fd, const void *data, size_t size) {
	REAL(write);
	return fd_fails(fd) ? -1 : real(fd, data, size);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) {
	REAL(pwrite);
	return fd_fails(fd) ? -1 : real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
	REAL(pwrite64);
	return fd_fails(fd) ? -1 : real(fd, data, size, at);
}
int fsync(int fd) {
	REAL(fsync);
	return fd_fails(fd) ? -1 : real(fd);
}
int fdatasync(int fd) {
	REAL(fdatasync);
	return fd_fails(fd) ? -1 : real(fd);
}
int ftruncate(int fd, off_t size) {
	REAL(ftruncate);
	return fd_fails(fd) ? -1 : real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
	REAL(ftruncate64);
	return fd_fails(fd) ? -1 : real(fd, size);
}
int rename(const char *from, const char *to) {
	REAL(rename);
	return fails(from) ? -1 : real(from, to);
}
int unlink(const char *path) {
	REAL(unlink);
	return fails(path) ? -1 : real(path);
}
int mkdir(const char *path, mode_t mode) {
	REAL(mkdir);
	return fails(path) ? -1 : real(path, mode);
}
#define OPEN(name) \
	int name(const char *path, int flags, ...) { \
		REAL(name); \
		va_list more; \
		va_start(more, flags); \
		mode_t mode = va_arg(more, mode_t); \
		va_end(more); \
		if ((flags & (O_WRONLY | O_RDWR | O_CREAT)) && fails(path)) return -1; \
		return real(path, flags, mode); \
	}
OPEN(open)
OPEN(open64)
