// AdviceTest: a privileged test that asks the daemon for advice by AdviceRig.
#ifndef HFTMON_TESTS_PRIVILEGED_ADVICE_TEST_H_
#define HFTMON_TESTS_PRIVILEGED_ADVICE_TEST_H_

#include <set>
#include <string>

#include "tests/privileged/harness/advice_rig.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {

class AdviceTest : public PrivilegedTest {
 protected:
  // The rule is judged and says nothing that fits, in a window of AdviceRig::kQuietNs. `when`: for messages.
  void ExpectSilent(const AdviceRig::Question& question, const AdviceRig::Match& match, const std::string& when) const {
    const auto advice = rig_.AdviceAfter(question, match);
    ASSERT_TRUE(advice.ok()) << when << ": " << advice.status();
    EXPECT_FALSE(advice->has_value()) << when << ": " << (*advice)->DebugString();
  }
  // It names spikes, and all of them stand in DetectSpikes. `blocked_threshold_ns`: sleeps above it are among them; 0: none are.
  static void ExpectKnownSpikes(const DaemonUnderTest& daemon, const v1::Recommendation& advice, int64_t blocked_threshold_ns = 0) {
    v1::DetectSpikesRequest request;
    request.set_max_spikes(100'000);
    request.set_blocked_threshold_ns(blocked_threshold_ns);
    const auto answer = daemon.client().DetectSpikes(request);
    ASSERT_TRUE(answer.ok()) << answer.status();
    std::set<uint64_t> known;
    for (const v1::Spike& spike : answer->spikes()) known.insert(spike.id());
    EXPECT_GT(advice.evidence().spike_ids_size(), 0);
    for (const uint64_t id : advice.evidence().spike_ids()) EXPECT_TRUE(known.contains(id)) << id;
  }

  const AdviceRig rig_{&daemon_};
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_ADVICE_TEST_H_
