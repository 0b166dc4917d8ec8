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

static void fill_header(struct hft_marker_header* header, const struct hftmon_marker_bounds* bounds, uint32_t number) {
  header->version = HFT_MARKER_VERSION;
  header->header_bytes = sizeof(*header);
  header->file_bytes = hft_marker_file_bytes(bounds->operation_max, bounds->thread_max, bounds->record_max);
  header->thread_max = bounds->thread_max;
  header->record_max = bounds->record_max;
  header->operation_max = bounds->operation_max;
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
  header->number = number;
  header->operation_count = 1;
  /* Release: what the magic stands for is there. */
  __atomic_store_n(&header->magic, HFT_MARKER_MAGIC, __ATOMIC_RELEASE);
}

int hftmon_marker_file_reserve(const struct hftmon_marker_file* file, uint64_t at, uint64_t bytes) {
  /* tmpfs that is full answers a store by SIGBUS, but this call by ENOSPC. */
  const int error = posix_fallocate(file->fd, (off_t)at, (off_t)bytes);
  if (error != 0) return error;
  return madvise((char*)file->header + at, bytes, MADV_POPULATE_WRITE) == 0 ? 0 : errno;
}

static int lock_as_owner(int fd) {
  const struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = HFT_MARKER_OWNER_LOCK_BYTE, .l_len = 1};
  return fcntl(fd, F_OFD_SETLK, &range) == 0 ? 0 : errno;
}

/* Everything but the name. `file` has its descriptor. */
static int fill_file(struct hftmon_marker_file* file, const struct hftmon_marker_bounds* bounds, uint32_t number) {
  const uint64_t bytes = hft_marker_file_bytes(bounds->operation_max, bounds->thread_max, bounds->record_max);
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
  struct hft_marker_consumer* const consumers =
      (struct hft_marker_consumer*)((char*)memory + hft_marker_consumers_at(bounds->operation_max, bounds->thread_max));
  for (uint32_t thread = 0; thread < bounds->thread_max; ++thread) consumers[thread].consumed_check = ~UINT64_C(0);
  fill_header(file->header, bounds, number);
  return 0;
}

static void unmap(struct hftmon_marker_file* file) {
  if (file->header != NULL) munmap(file->header, file->bytes);
  file->header = NULL;
  if (file->fd >= 0) close(file->fd);
  file->fd = -1;
}

/* `number` of this pid; EEXIST: that name is taken. */
static int create_numbered(const char* directory, const struct hftmon_marker_bounds* bounds, uint32_t number,
                           struct hftmon_marker_file* file) {
  char hidden[HFTMON_MARKER_PATH_BYTES];
  const int length = snprintf(file->path, sizeof(file->path), "%s/hftmon.%d.%u", directory, (int)getpid(), number);
  const int hidden_length = snprintf(hidden, sizeof(hidden), "%s/.hftmon.%d.%u", directory, (int)getpid(), number);
  if (length < 0 || hidden_length < 0 || (size_t)hidden_length >= sizeof(hidden)) return ENAMETOOLONG;
  file->header = NULL;
  file->fd = open(hidden, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file->fd < 0) return errno;
  int error = fill_file(file, bounds, number);
  if (error == 0 && renameat2(AT_FDCWD, hidden, AT_FDCWD, file->path, RENAME_NOREPLACE) != 0) error = errno;
  if (error != 0) {
    unlink(hidden);
    unmap(file);
  }
  return error;
}

int hftmon_marker_file_create(const char* directory, const struct hftmon_marker_bounds* bounds, struct hftmon_marker_file* out) {
  int error = EEXIST;
  for (uint32_t number = 0; number < HFTMON_MARKER_NUMBERS && error == EEXIST; ++number) {
    error = create_numbered(directory, bounds, number, out);
  }
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
