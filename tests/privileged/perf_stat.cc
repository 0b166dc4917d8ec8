#include "tests/privileged/perf_stat.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace hftmon::testing {

std::map<std::string, PerfStatLine> ParsePerfStat(const std::string& text) {
  std::map<std::string, PerfStatLine> lines;
  std::istringstream input(text);
  for (std::string row; std::getline(input, row);) {
    // "12.345678,msec,task-clock,12345678,100.00,…": value, unit, event, time running, share of the time.
    std::vector<std::string> fields;
    std::istringstream columns(row);
    for (std::string field; std::getline(columns, field, ',');) fields.push_back(field);
    if (fields.size() < 5 || fields[0].empty() || fields[0][0] == '#') continue;
    lines[fields[2]] = {.value = fields[0], .running_ns = std::strtoull(fields[3].c_str(), nullptr, 10)};
  }
  return lines;
}

uint64_t NanosecondsOf(const std::string& milliseconds) {
  return static_cast<uint64_t>(std::llround(std::strtod(milliseconds.c_str(), nullptr) * 1e6));
}

std::string PerfStat::WhyNot() {
  const CommandResult result = RunCommand({"perf", "stat", "-x,", "-e", "page-faults", "--", "true"});
  if (result.exit_code == 0) return "";
  return "perf does not count here (install linux-perf; CAP_PERFMON is needed): " + result.error;
}

PerfStat::PerfStat(pid_t pid, const std::string& events, const std::string& folder) : file_(folder + "/perf.csv") {
  // --control's ack says when the events are enabled, and when they no longer are.
  const std::string control = folder + "/perf.control";
  const std::string ack = folder + "/perf.ack";
  RunCommand({"mkfifo", control, ack});
  const std::string script = "exec 8<>" + control + " 9<>" + ack + "; perf stat -x, -D -1 --control fd:8,9 -o " + file_ + " -e " + events +
                             " -p " + std::to_string(pid) +
                             " & perf=$!; echo enable >&8; head -n 1 <&9 >/dev/null; echo counting; read -r line; "
                             "echo disable >&8; head -n 1 <&9 >/dev/null; kill -INT $perf; wait $perf; echo stopped";
  perf_ = std::make_unique<Subprocess>(std::vector<std::string>{"sh", "-c", script});
  if (perf_->ReadLine(30'000) != "counting") perf_.reset();
}

std::map<std::string, PerfStatLine> PerfStat::Stop() {
  if (!perf_) return {};
  perf_->WriteLine("stop");
  perf_->Wait(60'000);
  std::ifstream file(file_);
  std::stringstream text;
  text << file.rdbuf();
  return ParsePerfStat(text.str());
}

}  // namespace hftmon::testing
