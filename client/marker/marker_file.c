#include "client/marker/marker_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/marker/hftmon_marker.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define RESERVED_AT_ONCE (UINT64_C(1) << 20) /* bytes, a multiple of the page */

/* Field 22 of /proc/self/stat; 0 where it cannot be read: the reader refuses the file then. */
static uint64_t own_start_ticks(void) {
  char text[1024];
  const int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  const ssize_t bytes = read(fd, text, sizeof(text) - 1);
  close(fd);
  if (bytes <= 0) return 0;
  text[bytes] = '\0';
  /* The name in parentheses may hold anything, parentheses too. */
  const char* at = strrchr(text, ')');
  for (int field = 2; at != NULL && field < 22; ++field) at = strchr(at + 1, ' ');
  return at == NULL ? 0 : strtoull(at + 1, NULL, 10);
}

static uint64_t counter_hz(void) {
#if defined(__aarch64__)
  uint64_t hz;
  __asm__("mrs %0, cntfrq_el0" : "=r"(hz));
  return hz;
#else
  return 0;
#endif
}

/* All but the number and the magic, which come with the name. */
static void fill_header(struct hft_marker_header* header, const struct hftmon_marker_bounds* bounds) {
  header->version = HFT_MARKER_VERSION;
  header->header_bytes = sizeof(*header);
  header->file_bytes = hft_marker_file_bytes(bounds->operation_max, bounds->thread_max, bounds->record_max, HFT_MARKER_RANGES_MAX);
  header->thread_max = bounds->thread_max;
  header->record_max = bounds->record_max;
  header->operation_max = bounds->operation_max;
  header->range_max = HFT_MARKER_RANGES_MAX;
#if defined(__x86_64__)
  header->counter = HFT_MARKER_COUNTER_X86_TSC;
#else
  header->counter = HFT_MARKER_COUNTER_ARM64_CNTVCT;
#endif
  header->counter_hz = counter_hz();
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_MONOTONIC, &now);
  header->created_tsc = hftmon_marker_tsc();
  header->created_mono_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
  header->start_ticks = own_start_ticks();
  header->pid = (uint32_t)getpid();
  header->operation_count = 1;
}

int hftmon_marker_file_reserve(const struct hftmon_marker_file* file, uint64_t at, uint64_t bytes) {
  /* In pieces: a call that a signal interrupts is undone whole, and a program with a fast timer would never come to the end of a large one.
   */
  for (uint64_t done = 0; done < bytes; done += RESERVED_AT_ONCE) {
    const uint64_t piece = bytes - done < RESERVED_AT_ONCE ? bytes - done : RESERVED_AT_ONCE;
    int error = 0;
    do {
      /* tmpfs that is full answers a store by SIGBUS, but this call by ENOSPC. */
      error = posix_fallocate(file->fd, (off_t)(at + done), (off_t)piece);
    } while (error == EINTR);
    if (error != 0) return error;
    do {
      error = madvise((char*)file->header + at + done, piece, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
    } while (error == EINTR);
    if (error != 0) return error;
  }
  return 0;
}

static int lock_as_owner(int fd) {
  const struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = HFT_MARKER_OWNER_LOCK_BYTE, .l_len = 1};
  return fcntl(fd, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

/* Everything but the name. `file` has its descriptor. */
static int fill_file(struct hftmon_marker_file* file, const struct hftmon_marker_bounds* bounds) {
  const uint64_t bytes = hft_marker_file_bytes(bounds->operation_max, bounds->thread_max, bounds->record_max, HFT_MARKER_RANGES_MAX);
  if (fchmod(file->fd, S_IRUSR | S_IWUSR) != 0 || ftruncate(file->fd, (off_t)bytes) != 0) return errno;
  const int locked = lock_as_owner(file->fd);
  if (locked != 0) return locked;
  void* const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
  if (memory == MAP_FAILED) return errno;
  file->header = memory;
  file->bytes = bytes;
  if (madvise(memory, bytes, MADV_DONTFORK) != 0) return errno;
  const int reserved =
      hftmon_marker_file_reserve(file, 0, hft_marker_ring_at(bounds->operation_max, bounds->thread_max, bounds->record_max, 0));
  if (reserved != 0) return reserved;
  fill_header(file->header, bounds);
  return 0;
}

static void unmap(struct hftmon_marker_file* file) {
  if (file->header != NULL) munmap(file->header, file->bytes);
  file->header = NULL;
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

/* Gives the file, which has no name yet, the first free one of this pid. EEXIST: there is none. */
static int name_file(struct hftmon_marker_file* file, const char* directory) {
  char itself[32];
  snprintf(itself, sizeof(itself), "/proc/self/fd/%d", file->fd);
  for (uint32_t number = 0; number < HFTMON_MARKER_NUMBERS; ++number) {
    const int length = snprintf(file->path, sizeof(file->path), "%s/hftmon.%d.%u", directory, (int)getpid(), number);
    if (length < 0 || (size_t)length >= sizeof(file->path)) return ENAMETOOLONG;
    file->header->number = number;
    /* Release: what the magic stands for is there. */
    __atomic_store_n(&file->header->magic, HFT_MARKER_MAGIC, __ATOMIC_RELEASE);
    /* Never over a name that is there. */
    if (linkat(AT_FDCWD, itself, AT_FDCWD, file->path, AT_SYMLINK_FOLLOW) == 0) return 0;
    if (errno != EEXIST) return errno;
  }
  return EEXIST;
}

int hftmon_marker_file_create(const char* directory, const struct hftmon_marker_bounds* bounds, struct hftmon_marker_file* out) {
  out->header = NULL;
  /* Without a name, so that nobody who may write to the directory can be in its way, or find it half made. */
  out->fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (out->fd < 0) return errno;
  int error = fill_file(out, bounds);
  if (error == 0) error = name_file(out, directory);
  if (error != 0) unmap(out);
  return error;
}

void hftmon_marker_file_close(struct hftmon_marker_file* file) {
  struct stat named;
  struct stat held;
  if (stat(file->path, &named) == 0 && fstat(file->fd, &held) == 0 && named.st_ino == held.st_ino && named.st_dev == held.st_dev) {
    unlink(file->path);
  }
  unmap(file);
}
