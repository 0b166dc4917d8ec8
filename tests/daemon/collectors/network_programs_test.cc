#include "daemon/collectors/network_programs.h"

#include <gmock/gmock.h>

#include <vector>

namespace hftmon {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class NetworkProgramsTest : public ::testing::Test {
 protected:
  NetworkPrograms::Parts Parts() {
    return {.admit = [this](const std::string&) { return quiet_ ? absl::FailedPreconditionError("quiet") : absl::OkStatus(); },
            .attach = [this](const std::string& program) -> absl::StatusOr<NetworkPrograms::Attachment> {
              if (program == broken_) return absl::InternalError("broken");
              order_.push_back(program);
              ++attached_count_;
              return NetworkPrograms::Attachment(this, [this](void*) { --attached_count_; });
            },
            .begin = [this] { order_.emplace_back("begin"); }};
  }
  void SettleUntilPatienceEnds() {
    for (int i = 0; i < DemandProgram::kPatienceTurns; ++i) programs_.demand().Settle();
  }

  bool quiet_ = false;
  std::string broken_;
  std::vector<std::string> order_;
  int attached_count_ = 0;
  NetworkPrograms programs_{Parts()};
};

TEST_F(NetworkProgramsTest, WhatArrivedBeforeIsForgottenFirstAndAllComeAndGoTogether) {
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_TRUE(programs_.attached());
  EXPECT_EQ(attached_count_, 7);
  ASSERT_EQ(order_.size(), 8u);
  EXPECT_EQ(order_[0], "begin");
  EXPECT_EQ(order_[1], "on_packet_arrived");
  programs_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_FALSE(programs_.attached());
  EXPECT_EQ(attached_count_, 0);
}

TEST_F(NetworkProgramsTest, QuietModeRefusesAllOfThemAndPutsTheirEndOff) {
  quiet_ = true;
  EXPECT_EQ(programs_.demand().Attach(), absl::FailedPreconditionError("quiet"));
  EXPECT_THAT(order_, IsEmpty());
  quiet_ = false;
  ASSERT_TRUE(programs_.demand().Attach().ok());
  quiet_ = true;
  programs_.demand().Want(false);
  SettleUntilPatienceEnds();
  EXPECT_EQ(attached_count_, 7);
}

TEST_F(NetworkProgramsTest, WhereOneFailsNoneStays) {
  broken_ = "on_napi_poll";
  EXPECT_EQ(programs_.demand().Attach(), absl::InternalError("broken"));
  EXPECT_FALSE(programs_.attached());
  EXPECT_EQ(attached_count_, 0);
}

TEST_F(NetworkProgramsTest, AMissingTracepointCostsItsPartAlone) {
  programs_.LeaveOut("on_socket_read", "this kernel has no tracepoint sock_recv_length");
  EXPECT_THAT(programs_.missing(), ElementsAre("sockets' datagrams: this kernel has no tracepoint sock_recv_length"));
  EXPECT_EQ(programs_.refusal(), "");
  ASSERT_TRUE(programs_.demand().Attach().ok());
  EXPECT_EQ(attached_count_, 6);
}

TEST_F(NetworkProgramsTest, WithoutAnyTheGroupIsRefusedWithTheReason) {
  for (const std::string_view name : NetworkPrograms::Names()) programs_.LeaveOut(name, "no network here");
  const absl::Status refused = programs_.demand().Attach();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("no network here"));
}

TEST_F(NetworkProgramsTest, RunsAreSummedOverCpusByProgram) {
  std::vector<hft_cpu_network> cpus(2);
  cpus[0].run_count[HFT_NETWORK_DROP] = 3;
  cpus[1].run_count[HFT_NETWORK_DROP] = 4;
  cpus[1].run_count[HFT_NETWORK_READ] = 9;
  EXPECT_EQ(NetworkPrograms::RunCount("on_packet_dropped", cpus), 7u);
  EXPECT_EQ(NetworkPrograms::RunCount("on_socket_read", cpus), 9u);
  EXPECT_EQ(NetworkPrograms::RunCount("on_switch", cpus), 0u);
  EXPECT_TRUE(NetworkPrograms::IsOne("on_napi_poll"));
  EXPECT_FALSE(NetworkPrograms::IsOne("on_tlb_flush"));
}

}  // namespace
}  // namespace hftmon
