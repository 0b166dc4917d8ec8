#include "daemon/numa/mapping_kind.h"

#include <gtest/gtest.h>

namespace hftmon {
namespace {

TEST(MappingKindTest, TheNameSaysWhatAMappingIs) {
  EXPECT_EQ(KindOf(""), MappingKind::kAnonymous);
  EXPECT_EQ(KindOf("[anon:order pool]"), MappingKind::kAnonymous);
  EXPECT_EQ(KindOf("[heap]"), MappingKind::kHeap);
  EXPECT_EQ(KindOf("[stack]"), MappingKind::kStack);
  EXPECT_EQ(KindOf("[stack:1234]"), MappingKind::kStack);
  EXPECT_EQ(KindOf("/usr/lib/libc.so.6"), MappingKind::kFile);
  EXPECT_EQ(KindOf("/dev/shm/ring (deleted)"), MappingKind::kSharedMemory);
  EXPECT_EQ(KindOf("/dev/zero (deleted)"), MappingKind::kSharedMemory);
  EXPECT_EQ(KindOf("/memfd:pool (deleted)"), MappingKind::kSharedMemory);
  EXPECT_EQ(KindOf("/SYSV00000000 (deleted)"), MappingKind::kSharedMemory);
  EXPECT_EQ(KindOf("[anon_shmem:queue]"), MappingKind::kSharedMemory);
  EXPECT_EQ(KindOf("/anon_hugepage (deleted)"), MappingKind::kHugetlb);
  EXPECT_EQ(KindOf("/dev/hugepages/pool"), MappingKind::kHugetlb);
  for (const char* special : {"[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]", "anon_inode:[perf_event]", "socket:[7]"})
    EXPECT_EQ(KindOf(special), MappingKind::kSpecial) << special;
}

TEST(MappingKindTest, EachKindHasItsWord) {
  EXPECT_EQ(MappingKindName(MappingKind::kAnonymous), "anonymous");
  EXPECT_EQ(MappingKindName(MappingKind::kSharedMemory), "shared_memory");
  EXPECT_EQ(MappingKindName(MappingKind::kSeveral), "several");
}

}  // namespace
}  // namespace hftmon
