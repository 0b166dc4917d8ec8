// FreeMemory: memory that this process has freed and the allocator still holds. Any thread.
#ifndef HFTMON_DAEMON_OS_FREE_MEMORY_H_
#define HFTMON_DAEMON_OS_FREE_MEMORY_H_

namespace hftmon {

// Gives whole pages of it back to the kernel: milliseconds for tens of megabytes, in which threads that allocate may wait. For a thread
// that may wait, after something that took much and is gone.
void ReturnFreeMemory();

}  // namespace hftmon

#endif  // HFTMON_DAEMON_OS_FREE_MEMORY_H_
