// `numa --measure`: how far nodes are from each other, by a scripted daemon.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/client/cli/cli_fixture.h"

namespace hftmon {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class NumaMatrixTest : public CliFixture {
 protected:
  void Answer(const std::string& text) {
    v1::MeasureNumaResponse answer;
    ASSERT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &answer));
    monitor_.measure_numa = [answer](const auto&, auto* response) {
      *response = answer;
      return grpc::Status::OK;
    };
  }
};

constexpr char kTwoNodes[] = R"(elapsed_ns: 1500000000 bytes_moved: 4200000000
  pairs { cpu_node: 0 memory_node: 0 cpu: 3 load_ns: 92.4 read_mb_s: 14012 buffer_bytes: 134217728 huge_pages: true page_bytes: 2097152 }
  pairs { cpu_node: 0 memory_node: 2 cpu: 3 load_ns: 171.6 read_mb_s: 8049 buffer_bytes: 134217728 page_bytes: 4096 small_pages_reason: "node 2 is full" }
  pairs { cpu_node: 1 memory_node: 0 buffer_bytes: 134217728 reason: "no CPU of node 1 is free" }
  pairs { cpu_node: 1 memory_node: 2 buffer_bytes: 134217728 reason: "no CPU of node 1 is free" })";

TEST_F(NumaMatrixTest, ARowANodeWithCpusAColumnANodeWithMemory) {
  Answer(kTwoNodes);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--measure"}, console), 1);
  EXPECT_THAT(console.out(),
              AllOf(HasSubstr("memory of node 0  memory of node 2"), HasSubstr("node 0    3    92ns 14.0 GB/s    172ns 8.0 GB/s"),
                    HasSubstr("1 of 2 pairs measured without huge pages, by those of 4 KiB"), HasSubstr("  because node 2 is full\n"),
                    HasSubstr("took 1.5s, moved 4200 MB")));
  EXPECT_THAT(console.err(), HasSubstr("from node 1 to the memory of node 0, 2: no CPU of node 1 is free"));
}

TEST_F(NumaMatrixTest, WhereAllWasMeasuredThereIsNoWarning) {
  Answer(R"(pairs { cpu_node: 0 memory_node: 0 cpu: 1 load_ns: 92.4 read_mb_s: 14012 huge_pages: true })");
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--measure"}, console), 0);
  EXPECT_THAT(console.err(), IsEmpty());
  EXPECT_THAT(console.out(), Not(HasSubstr("without huge pages")));
}

TEST_F(NumaMatrixTest, JsonHasValuesOrTheReason) {
  Answer(kTwoNodes);
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--measure", "--json"}, console), 1);
  const json answer = json::parse(console.out());
  EXPECT_EQ(answer["elapsed_ns"], 1'500'000'000);
  EXPECT_EQ(answer["bytes_moved"], 4'200'000'000);
  EXPECT_EQ(answer["pairs"][1], json({{"cpu_node", 0},
                                      {"memory_node", 2},
                                      {"cpu", 3},
                                      {"load_ns", 171.6},
                                      {"read_mb_s", 8'049.0},
                                      {"buffer_bytes", 134'217'728},
                                      {"huge_pages", false},
                                      {"page_bytes", 4'096},
                                      {"small_pages_reason", "node 2 is full"}}));
  EXPECT_EQ(answer["pairs"][0]["page_bytes"], 2 << 20);
  EXPECT_FALSE(answer["pairs"][0].contains("small_pages_reason"));
  EXPECT_EQ(answer["pairs"][2],
            json({{"cpu_node", 1}, {"memory_node", 0}, {"buffer_bytes", 134'217'728}, {"reason", "no CPU of node 1 is free"}}));
}

TEST_F(NumaMatrixTest, MeasuringLooksAtNoProcess) {
  StringConsole console;
  EXPECT_EQ(Run({"numa", "--measure", "-p", "4711"}, console), 3);
  EXPECT_EQ(Run({"numa", "--measure", "--exact"}, console), 3);
}

}  // namespace
}  // namespace hftmon
