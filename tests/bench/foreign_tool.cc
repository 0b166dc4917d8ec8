#include "tests/bench/foreign_tool.h"

#include <csignal>
#include <optional>
#include <utility>

namespace hftmon::testing {
namespace {

// The tick comes last: when it speaks, the other probes are attached.
constexpr char kTick[] = R"( interval:ms:100 { printf("begun\n"); })";

// perf acknowledges "enable" when its events count.
constexpr char kPerfScript[] = R"(
exec 8<>"$1.control" 9<>"$1.ack"
perf sched record -D -1 --control fd:8,9 -o "$1" >/dev/null &
perf=$!
echo enable >&8
head -n 1 <&9 >/dev/null
echo begun
read -r line
kill -INT $perf
wait $perf
)";

}  // namespace

std::unique_ptr<ForeignTool> ForeignTool::Start(const std::vector<std::string>& command, int cpu, const std::string& word, bool by_input,
                                                std::string* why_not) {
  Subprocess::Options options;
  options.cpus = {cpu};
  auto process = std::make_unique<Subprocess>(command, options);
  for (std::optional<std::string> line = process->ReadLine(20'000); line; line = process->ReadLine(20'000)) {
    if (*line == word) return std::unique_ptr<ForeignTool>(new ForeignTool(std::move(process), by_input));
  }
  *why_not = process->ErrorText();
  if (why_not->empty()) *why_not = "it did not begin within 20 s";
  return nullptr;
}

std::unique_ptr<ForeignTool> ForeignTool::PerfSchedRecord(int cpu, const std::string& file, std::string* why_not) {
  RunCommand({"rm", "-f", file + ".control", file + ".ack"});
  RunCommand({"mkfifo", file + ".control", file + ".ack"});
  return Start({"sh", "-c", kPerfScript, "sh", file}, cpu, "begun", true, why_not);
}

std::unique_ptr<ForeignTool> ForeignTool::Bpftrace(int cpu, const std::string& probes, std::string* why_not) {
  return Start({"bpftrace", "-q", "-e", probes + kTick}, cpu, "begun", false, why_not);
}

ForeignTool::~ForeignTool() {
  if (by_input_) {
    process_->WriteLine("stop");
  } else {
    process_->Signal(SIGINT);
  }
  process_->ReadAll(60'000);
  process_->Wait();
}

}  // namespace hftmon::testing
