#include "client/marker/counters_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ATTEMPTS 8 /* of a call that a signal or a bad moment came between */
#define PATH_BYTES 512u

static int open_event(void* context, const struct perf_event_attr* attributes, int group) {
  (void)context;
  for (int attempt = 1;; ++attempt) {
    const long opened = syscall(SYS_perf_event_open, attributes, 0, -1, group, PERF_FLAG_FD_CLOEXEC);
    if (opened >= 0) return (int)opened;
    if ((errno != EINTR && errno != EAGAIN) || attempt == ATTEMPTS) return -errno;
  }
}

static int enable(void* context, int leader) {
  (void)context;
  return ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) == 0 ? 0 : errno;
}

static int map_page(void* context, int descriptor, const struct perf_event_mmap_page** page) {
  (void)context;
  void* const memory = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return errno;
  *page = memory;
  return 0;
}

static void unmap_page(void* context, const struct perf_event_mmap_page* page) {
  (void)context;
  munmap((void*)(uintptr_t)page, (size_t)sysconf(_SC_PAGESIZE));
}

static void close_event(void* context, int descriptor) {
  (void)context;
  close(descriptor);
}

static int allowed_cpus(void* context, cpu_set_t* cpus) {
  (void)context;
  return sched_getaffinity(0, sizeof(*cpus), cpus) == 0 ? 0 : errno;
}

const struct hftmon_counters_host* hftmon_counters_system(void) {
  static const struct hftmon_counters_host host = {
      .open_event = open_event,
      .enable = enable,
      .map_page = map_page,
      .unmap_page = unmap_page,
      .close_event = close_event,
      .allowed_cpus = allowed_cpus,
      .root = "",
  };
  return &host;
}

int hftmon_host_read_file(const struct hftmon_counters_host* host, const char* path, char text[HFTMON_HOST_FILE_BYTES]) {
  char whole[PATH_BYTES];
  const int length = snprintf(whole, sizeof(whole), "%s%s", host->root, path);
  if (length < 0 || (size_t)length >= sizeof(whole)) return ENAMETOOLONG;
  const int fd = open(whole, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t bytes = read(fd, text, HFTMON_HOST_FILE_BYTES - 1);
  const int error = bytes < 0 ? errno : 0;
  close(fd);
  if (error != 0) return error;
  text[bytes] = '\0';
  text[strcspn(text, "\n")] = '\0';
  return 0;
}

int hftmon_host_read_number(const struct hftmon_counters_host* host, const char* path, int absent) {
  char text[HFTMON_HOST_FILE_BYTES];
  if (hftmon_host_read_file(host, path, text) != 0) return absent;
  char* end = text;
  errno = 0;
  const long number = strtol(text, &end, 10);
  return end == text || *end != '\0' || errno != 0 || number < INT32_MIN || number > INT32_MAX ? absent : (int)number;
}
