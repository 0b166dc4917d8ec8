// Memory that a process names through the marker library, asked of the daemon, against the pages that the process found touched itself.
#include <signal.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <numeric>

#include "client/cpp/errors.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kPagesOfARange = 1'024;  // looked at, at most
constexpr int kRangesTold = 256;

class NumaRangesTest : public PrivilegedTest {
 protected:
  void SetUp() override {
    PrivilegedTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_TRUE(program_.about().is_object()) << program_.process().ErrorText();
    if (const auto refused = program_.about()["refused"].get<std::string>(); !refused.empty()) GTEST_SKIP() << refused;
    const auto attached = daemon_.Attach(program_.pid());
    ASSERT_TRUE(attached.ok()) << attached.status();
    truth_ = program_.Act();
    ASSERT_EQ(truth_["ranges"].size(), 5u) << truth_;
  }
  void Turn(const std::string& line) {
    truth_ = program_.Act(line);
    ASSERT_TRUE(truth_.is_object()) << program_.process().ErrorText();
  }
  absl::StatusOr<v1::ProcessPlacement> Ask(bool exact = false) const {
    v1::QueryNumaRequest request;
    request.add_pids(program_.pid());
    request.set_exact(exact);
    const auto answer = daemon_.client().QueryNuma(request);
    if (!answer.ok()) return answer.status();
    if (answer->processes_size() != 1) return absl::InternalError("not one process");
    return answer->processes(0);
  }
  static uint64_t PresentCount(const v1::MappingPlacement& range) {
    return std::accumulate(range.nodes().begin(), range.nodes().end(), uint64_t{0},
                           [](uint64_t sum, const v1::NodeShare& share) { return sum + share.pages(); });
  }
  static std::string WhyMissing(const v1::ProcessPlacement& process) {
    for (const v1::UnavailablePart& part : process.unavailable()) {
      if (part.part() == "ranges") return part.reason();
    }
    return {};
  }
  // Each page that the process found, and no other.
  static void ExpectTruth(const nlohmann::json& own, const v1::MappingPlacement& told) {
    SCOPED_TRACE(own.dump());
    EXPECT_EQ(told.kind(), "range");
    EXPECT_EQ(told.start(), own["address"].get<uint64_t>());
    EXPECT_EQ(told.end(), own["address"].get<uint64_t>() + own["bytes"].get<uint64_t>());
    EXPECT_FALSE(told.changed());
    const auto page_count = own["page_count"].get<uint64_t>();
    const auto touched_count = own["touched_count"].get<uint64_t>();
    ASSERT_EQ(told.page_count(), page_count);
    ASSERT_EQ(told.sampled_count(), std::min(page_count, kPagesOfARange));
    EXPECT_EQ(told.exact(), told.sampled_count() == page_count);
    EXPECT_EQ(PresentCount(told) + told.absent_count(), told.sampled_count());
    // A part of the sample may lie across the end of what was touched.
    EXPECT_LE(std::llabs(static_cast<long long>(PresentCount(told) * page_count - touched_count * told.sampled_count())),
              static_cast<long long>(told.exact() ? 0 : page_count))
        << PresentCount(told) << " of " << told.sampled_count() << " were there";
  }
  // All ranges of the truth, and no others.
  void ExpectAllRanges(const v1::ProcessPlacement& process) const {
    ASSERT_EQ(process.error(), "");
    EXPECT_EQ(WhyMissing(process), "");
    std::map<std::string, const v1::MappingPlacement*> told;
    std::string last;
    for (const v1::MappingPlacement& range : process.ranges()) {
      EXPECT_LT(last, range.name()) << "by name";
      last = range.name();
      told[range.name()] = &range;
    }
    ASSERT_EQ(told.size(), truth_["ranges"].size());
    for (const nlohmann::json& own : truth_["ranges"]) {
      const auto found = told.find(own["name"].get<std::string>());
      ASSERT_NE(found, told.end()) << own;
      ExpectTruth(own, *found->second);
    }
  }
  std::string MarkerFile() const { return "/dev/shm/hftmon." + std::to_string(program_.pid()) + ".0"; }

  WorkloadRun program_{"named_ranges"};
  nlohmann::json truth_;
};

TEST_F(NumaRangesTest, EachNamedRangeHasThePagesThatTheProcessTouched) {
  const auto first = Ask();
  ASSERT_TRUE(first.ok()) << first.status();
  ExpectAllRanges(*first);
  const auto pages_before = truth_["ranges"][1]["touched_count"].get<uint64_t>();
  Turn("touch");
  EXPECT_GT(truth_["ranges"][1]["touched_count"].get<uint64_t>(), pages_before);
  const auto second = Ask();
  ASSERT_TRUE(second.ok()) << second.status();
  ExpectAllRanges(*second);
  std::printf("%llu pages in %llu calls, the longest %lld ns\n", static_cast<unsigned long long>(second->look_cost().page_count()),
              static_cast<unsigned long long>(second->look_cost().call_count()), static_cast<long long>(second->look_cost().longest_ns()));
}

TEST_F(NumaRangesTest, AWholeMappingHasThePolicyThatNumaMapsTells) {
  const auto process = Ask(true);
  ASSERT_TRUE(process.ok()) << process.status();
  ExpectAllRanges(*process);
  for (const v1::UnavailablePart& part : process->unavailable()) {
    if (part.part() == "policy") GTEST_SKIP() << part.reason();
  }
  for (const v1::MappingPlacement& range : process->ranges()) {
    EXPECT_TRUE(range.has_policy()) << range.name();
    EXPECT_EQ(range.has_huge_bytes(), range.name() == "whole") << range.name();
  }
}

TEST_F(NumaRangesTest, ARenamedRangeHasItsNewNameAndAWithdrawnOneIsGone) {
  Turn("rename");
  auto process = Ask();
  ASSERT_TRUE(process.ok()) << process.status();
  ExpectAllRanges(*process);
  Turn("withdraw");
  ASSERT_EQ(truth_["ranges"].size(), 4u);
  process = Ask();
  ASSERT_TRUE(process.ok()) << process.status();
  ExpectAllRanges(*process);
}

TEST_F(NumaRangesTest, OfTooManyRangesTheFirstByNameAreToldAndTheirNumberIsSaid) {
  Turn("many");
  EXPECT_EQ(truth_["error"].get<int>(), ENOSPC) << "a marker file has room for 256";
  const size_t named = truth_["ranges"].size();
  ASSERT_GT(named, static_cast<size_t>(kRangesTold));
  const auto process = Ask();
  ASSERT_TRUE(process.ok()) << process.status();
  ASSERT_EQ(process->ranges_size(), kRangesTold);
  EXPECT_THAT(WhyMissing(*process), HasSubstr("it names " + std::to_string(named) + " ranges, of which 256 are looked at"));
  std::map<std::string, nlohmann::json> truth;
  for (const nlohmann::json& own : truth_["ranges"]) truth[own["name"].get<std::string>()] = own;
  auto next = truth.begin();
  for (const v1::MappingPlacement& range : process->ranges()) {
    ASSERT_EQ(range.name(), next->first);
    if (next->first.starts_with("more")) ExpectTruth(next->second, range);
    ++next;
  }
}

TEST_F(NumaRangesTest, TheCommandLineTellsThemByName) {
  const nlohmann::json json = daemon_.HftmonJson({"numa", "-p", std::to_string(program_.pid())});
  ASSERT_TRUE(json.is_object());
  std::vector<std::string> names;
  for (const nlohmann::json& range : json["processes"][0]["ranges"]) names.push_back(range["name"].get<std::string>());
  EXPECT_THAT(names, ::testing::ElementsAre("book", "log", "pool", "slots", "whole"));
  const CommandResult text = daemon_.Hftmon({"numa", "-p", std::to_string(program_.pid())});
  EXPECT_THAT(text.output, HasSubstr("range that the program names"));
  EXPECT_THAT(text.output, HasSubstr(" slots\n"));
}

TEST_F(NumaRangesTest, TheyEndWithTheProcessAndItsFileGoesWhoeverEndsIt) {
  ASSERT_TRUE(std::filesystem::exists(MarkerFile()));
  const auto before = Ask();
  ASSERT_TRUE(before.ok()) << before.status();
  ExpectAllRanges(*before);
  program_.process().Signal(SIGKILL);  // it withdraws nothing
  EXPECT_EQ(program_.process().Wait().value_or(-1), 128 + SIGKILL);
  EXPECT_TRUE(Eventually([&] { return !std::filesystem::exists(MarkerFile()); })) << "the daemon removes what a dead process left";
  EXPECT_TRUE(Eventually([&] { return absl::IsNotFound(Ask().status()); })) << "its end comes to the daemon by another way";
  v1::QueryNumaRequest of_all;
  const auto all = daemon_.client().QueryNuma(of_all);
  ASSERT_TRUE(all.ok()) << all.status();
  for (const v1::ProcessPlacement& process : all->processes()) EXPECT_EQ(process.ranges_size(), 0) << process.pid();
}

}  // namespace
}  // namespace hftmon::testing
