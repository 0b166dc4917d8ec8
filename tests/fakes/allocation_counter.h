// AllocationCounter: every operator new and every malloc of this thread, counted. A binary that includes this replaces them: include it
// in exactly one source file of a binary, never under a sanitizer (which replaces malloc itself; there only operator new is counted).
#ifndef HFTMON_TESTS_FAKES_ALLOCATION_COUNTER_H_
#define HFTMON_TESTS_FAKES_ALLOCATION_COUNTER_H_

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace hftmon {

inline thread_local uint64_t allocation_count = 0;

}  // namespace hftmon

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HFTMON_COUNTED_MALLOC std::malloc
#define HFTMON_COUNTED_ALIGNED_ALLOC std::aligned_alloc
#else
// glibc's own allocator behind the replaced names.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* memory, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void* malloc(size_t size) {
  ++hftmon::allocation_count;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++hftmon::allocation_count;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, size_t size) {
  ++hftmon::allocation_count;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++hftmon::allocation_count;
  return __libc_memalign(alignment, size);
}
}
#define HFTMON_COUNTED_MALLOC __libc_malloc
#define HFTMON_COUNTED_ALIGNED_ALLOC __libc_memalign
#endif

// Not inlined: the compiler would see new and free and call them mismatched.
[[gnu::noinline]] void* operator new(size_t size) {
  ++hftmon::allocation_count;
  if (void* memory = HFTMON_COUNTED_MALLOC(size ? size : 1)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(size_t size, std::align_val_t alignment) {
  ++hftmon::allocation_count;
  if (void* memory =
          HFTMON_COUNTED_ALIGNED_ALLOC(static_cast<size_t>(alignment), (size + static_cast<size_t>(alignment) - 1) /
                                                                           static_cast<size_t>(alignment) * static_cast<size_t>(alignment)))
    return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, size_t, std::align_val_t) noexcept {
  std::free(memory);
}

#endif  // HFTMON_TESTS_FAKES_ALLOCATION_COUNTER_H_
