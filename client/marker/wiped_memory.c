#include "client/marker/wiped_memory.h"

#include <errno.h>
#include <sys/mman.h>

void* hftmon_wiped_memory(size_t bytes) {
  void* const memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  if (memory == MAP_FAILED) return NULL;
  if (madvise(memory, bytes, MADV_WIPEONFORK) == 0) return memory;
  const int error = errno;
  munmap(memory, bytes);
  errno = error;
  return NULL;
}
