// Nothing leaks: after 1,000 rounds of attaching, detaching and bad input the daemon holds what it held.
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class LeakTest : public PrivilegedTest {
 protected:
  // Everything a client may do wrong or right in one round, against a living process and one that ends at once.
  void Round(int round, pid_t lasting) const {
    const Client& client = daemon_.client();
    ASSERT_TRUE(daemon_.Attach(lasting, 1'000 + round, round % 2 == 0 ? 1'000'000 : 0).ok());
    EXPECT_FALSE(daemon_.Attach(-1).ok());
    EXPECT_FALSE(daemon_.Attach(4'194'305).ok());
    EXPECT_FALSE(daemon_.Attach(lasting, -5).ok());
    Subprocess brief({"true"});
    [[maybe_unused]] const auto either = daemon_.Attach(brief.pid());
    v1::QueryContextSwitchesRequest bad;
    bad.add_percentiles(200);
    EXPECT_FALSE(client.QueryContextSwitches(bad).ok());
    if (round % 10 == 0) {
      EXPECT_TRUE(daemon_.Switches(lasting).ok());
      EXPECT_TRUE(daemon_.Spikes(lasting, 0, 1'000'000).ok());
      v1::StreamSpikesRequest request;
      request.set_threshold_ns(10'000);
      auto stream = client.StreamSpikes(request);
      v1::StreamSpikesResponse first;
      EXPECT_TRUE(stream->Read(&first));
      stream->Cancel();
    }
    brief.Wait();
    v1::DetachRequest all;
    all.set_all(true);
    EXPECT_TRUE(client.Detach(all).ok());
    EXPECT_FALSE(daemon_.Detach(lasting).ok());
  }
};

TEST_F(LeakTest, NothingGrowsOverAThousandRoundsOfAttachDetachAndBadInput) {
  WorkloadRun lasting("two_spinners");
  ASSERT_TRUE(lasting.about().is_object());
  int round = 0;
  // Allocators, threads and connections reach their size first.
  for (; round < 100; ++round) Round(round, lasting.pid());
  const ProcessBelongings before = ReadBelongings(daemon_.pid());
  for (; round < 1'100; ++round) {
    Round(round, lasting.pid());
    if (HasFatalFailure()) return;
  }
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).fds <= before.fds; }))
      << before.fds << " fds before, now " << ReadBelongings(daemon_.pid()).fds;
  // gRPC's pool of pollers breathes with the load by a few threads; a leak would be one a round.
  EXPECT_TRUE(Eventually([&] { return ReadBelongings(daemon_.pid()).threads <= before.threads + 8; }))
      << before.threads << " threads before, now " << ReadBelongings(daemon_.pid()).threads;
  const ProcessBelongings after = ReadBelongings(daemon_.pid());
  EXPECT_EQ(after.bpf_objects, before.bpf_objects);
  // One leaked page a round would be 4 MB; what stays is the allocators' slack.
  EXPECT_LT(after.rss_bytes - before.rss_bytes, 2 << 20) << before.rss_bytes << " bytes before, now " << after.rss_bytes;
  // Every slot was given back: those of processes that ended come back with their last record.
  EXPECT_TRUE(Eventually([&] { return daemon_.Used("threads") == 0; })) << daemon_.Used("threads") << " slots are still in use";
}

}  // namespace
}  // namespace hftmon::testing
