#include "daemon/os/privileges.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/capability.h>

#include <set>
#include <string>

#include "daemon/os/file_root.h"

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

HasCapability Only(std::set<unsigned> capabilities) {
  return [capabilities = std::move(capabilities)](unsigned capability) { return capabilities.contains(capability); };
}

TEST(Privileges, BpfNeedsBpfAndPerfmonOrSysAdmin) {
  EXPECT_TRUE(CheckBpfPrivileges(Only({CAP_BPF, CAP_PERFMON})).ok());
  EXPECT_TRUE(CheckBpfPrivileges(Only({CAP_SYS_ADMIN})).ok());
  EXPECT_FALSE(CheckBpfPrivileges(Only({CAP_BPF})).ok());
  EXPECT_FALSE(CheckBpfPrivileges(Only({CAP_SYS_PTRACE, CAP_SYS_NICE})).ok());
}

TEST(Privileges, TheErrorNamesOnlyWhatIsMissingAndTheMend) {
  const absl::Status checked = CheckBpfPrivileges(Only({CAP_BPF}));
  EXPECT_EQ(checked.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(checked.message()), HasSubstr("without CAP_PERFMON:"));
  EXPECT_THAT(std::string(checked.message()), HasSubstr("AmbientCapabilities="));
  EXPECT_THAT(std::string(CheckBpfPrivileges(Only({})).message()), HasSubstr("CAP_BPF and CAP_PERFMON"));
}

TEST(Privileges, EffectiveAndMissingAreTold) {
  const Privileges privileges = ReadPrivileges(Only({CAP_SYS_NICE}));
  EXPECT_THAT(privileges.effective, ElementsAre("CAP_SYS_NICE"));
  EXPECT_THAT(privileges.missing, SizeIs(PrivilegeRows().size() - 1));
}

TEST(Privileges, TheRealOnesAreThoseInProcStatus) {
  const auto lines = FileRoot("/").ReadLines("/proc/thread-self/status");
  ASSERT_TRUE(lines.ok());
  uint64_t effective = 0;
  for (const std::string& line : *lines) {
    if (line.starts_with("CapEff:")) effective = std::stoull(line.substr(7), nullptr, 16);
  }
  const HasCapability has = SystemCapabilities();
  for (const PrivilegeRow& row : PrivilegeRows()) EXPECT_EQ(has(row.capability), (effective >> row.capability & 1) != 0) << row.name;
}

}  // namespace
}  // namespace hftmon
