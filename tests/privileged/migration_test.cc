// Moves between CPUs that a thread asked for itself.
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

class MigrationTest : public PrivilegedTest {};

TEST_F(MigrationTest, EachMoveByAffinityIsCountedWithItsCpusAndReason) {
  WorkloadRun run("migrator", {"--count", "50"});
  ASSERT_TRUE(run.about().is_object());
  if (run.about()["refused"] != "") GTEST_SKIP() << run.about()["refused"];
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  const nlohmann::json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  v1::QueryContextSwitchesRequest request;
  request.add_pids(run.pid());
  request.set_min_duration_ns(3'000'000'000);  // migrations are listed whatever their length
  const auto answer = daemon_.client().QueryContextSwitches(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->lost_records(), 0u);
  const v1::ThreadSwitches* thread = FindThread(*answer, run.pid());
  ASSERT_NE(thread, nullptr);
  EXPECT_EQ(thread->migration_count(), truth["moves"].size());
  std::vector<const v1::SwitchEvent*> events;
  for (const v1::SwitchEvent& event : answer->events()) {
    if (event.kind() == "migration") events.push_back(&event);
  }
  ASSERT_EQ(events.size(), truth["moves"].size());
  for (size_t i = 0; i < events.size(); ++i) {
    const nlohmann::json& move = truth["moves"][i];
    SCOPED_TRACE(move.dump() + events[i]->DebugString());
    EXPECT_EQ(events[i]->cpu_out(), move["from_cpu"]);
    EXPECT_EQ(events[i]->cpu_in(), move["to_cpu"]);
    EXPECT_EQ(events[i]->migration_reason(), "affinity");
    EXPECT_GE(events[i]->start_monotonic_ns() + 20'000, move["start_ns"].get<int64_t>());
    EXPECT_LE(events[i]->start_monotonic_ns() - 20'000, move["end_ns"].get<int64_t>());
  }
}

}  // namespace
}  // namespace hftmon::testing
