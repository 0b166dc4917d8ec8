#include "daemon/os/memory_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdint>
#include <string>

namespace hftmon {
namespace {

using ::testing::HasSubstr;

MemoryLockCalls Failing(int error, size_t limit_bytes) {
  return {.lock =
              [error](const void*, size_t) {
                errno = error;
                return -1;
              },
          .limit_bytes = [limit_bytes] { return limit_bytes; }};
}

TEST(MemoryLock, TheLimitAndTheMendAreNamed) {
  const int page = 0;
  const absl::Status locked = LockMemory(&page, 1 << 20, "the loop's rings", Failing(ENOMEM, 8u << 20));
  EXPECT_EQ(locked.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(std::string(locked.message()), HasSubstr("1024 KiB of the loop's rings"));
  EXPECT_THAT(std::string(locked.message()), HasSubstr("RLIMIT_MEMLOCK is 8192 KiB"));
  EXPECT_THAT(std::string(locked.message()), HasSubstr("CAP_IPC_LOCK"));
}

TEST(MemoryLock, AnUnlimitedLimitIsCalledThat) {
  const int page = 0;
  EXPECT_THAT(std::string(LockMemory(&page, 1, "x", Failing(EPERM, SIZE_MAX)).message()), HasSubstr("is unlimited"));
}

TEST(MemoryLock, ThePagesGivenAreThePagesLocked) {
  const int page = 0;
  const void* locked_address = nullptr;
  size_t locked_bytes = 0;
  const MemoryLockCalls calls = {.lock =
                                     [&](const void* address, size_t bytes) {
                                       locked_address = address;
                                       locked_bytes = bytes;
                                       return 0;
                                     },
                                 .limit_bytes = [] { return size_t{0}; }};
  EXPECT_TRUE(LockMemory(&page, sizeof(page), "x", calls).ok());
  EXPECT_EQ(locked_address, &page);
  EXPECT_EQ(locked_bytes, sizeof(page));
}

TEST(MemoryLock, NothingNeedsNoLock) {
  EXPECT_TRUE(LockMemory(nullptr, 0, "x", Failing(ENOMEM, 0)).ok());
}

}  // namespace
}  // namespace hftmon
