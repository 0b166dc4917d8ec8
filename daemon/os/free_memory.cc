#include "daemon/os/free_memory.h"

#include <malloc.h>

namespace hftmon {

void ReturnFreeMemory() {
  malloc_trim(0);
}

}  // namespace hftmon
