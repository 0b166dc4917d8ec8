#include "tests/privileged/perf_timehist.h"

#include <csignal>
#include <cstdlib>
#include <sstream>

namespace hftmon::testing {
namespace {

constexpr char kWithTracefs[] = "mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true; exec \"$@\"";

std::vector<std::string> InOwnMounts(std::vector<std::string> command) {
  command.insert(command.begin(), {"unshare", "-m", "sh", "-c", kWithTracefs, "sh"});
  return command;
}

// "12.345" milliseconds or "12.345678" seconds as whole microseconds.
int64_t Microseconds(const std::string& text, int64_t us_per_unit) {
  return static_cast<int64_t>(std::strtod(text.c_str(), nullptr) * static_cast<double>(us_per_unit) + 0.5);
}

}  // namespace

std::vector<TimehistLine> ParseTimehist(const std::string& text) {
  std::vector<TimehistLine> lines;
  std::istringstream input(text);
  for (std::string row; std::getline(input, row);) {
    // "   2028.571940 [0000]  perf[7138/7135]   0.103   0.098   0.129": the name may hold spaces.
    const size_t cpu = row.find('[');
    const size_t bracket = row.rfind('[');
    if (cpu == std::string::npos || bracket == cpu) continue;
    std::istringstream figures(row.substr(row.find(']', bracket) + 1));
    std::string wait;
    std::string delay;
    std::string run;
    if (!(figures >> wait >> delay >> run)) continue;
    TimehistLine line;
    line.out_us = Microseconds(row.substr(0, cpu), 1'000'000);
    line.tid = std::atoi(row.c_str() + bracket + 1);
    line.wait_us = Microseconds(wait, 1'000);
    line.delay_us = Microseconds(delay, 1'000);
    line.run_us = Microseconds(run, 1'000);
    lines.push_back(line);
  }
  return lines;
}

std::string PerfSched::WhyNot() {
  const CommandResult result =
      RunCommand(InOwnMounts({"perf", "record", "-a", "-e", "sched:sched_switch", "-o", "/dev/null", "--", "true"}));
  if (result.exit_code == 0) return "";
  return "perf cannot record scheduler tracepoints here (install linux-perf; tracefs and CAP_PERFMON are needed): " + result.error;
}

PerfSched::PerfSched(std::string file, int cpu) : file_(std::move(file)) {
  // --control's ack says when the events are enabled.
  const std::string control = file_ + ".control";
  const std::string ack = file_ + ".ack";
  RunCommand({"mkfifo", control, ack});
  const std::string script =
      "mount -t tracefs none /sys/kernel/tracing 2>/dev/null || true; exec 8<>" + control + " 9<>" + ack +
      "; perf record -a -k CLOCK_MONOTONIC -m 4096 -c 1 -D -1 --control fd:8,9 -o " + file_ +
      " -e sched:sched_switch -e sched:sched_wakeup -e sched:sched_wakeup_new -e sched:sched_migrate_task -e sched:sched_process_fork & " +
      "perf=$!; echo enable >&8; head -n 1 <&9 >/dev/null; echo recording; read -r line; kill -INT $perf; wait $perf; echo stopped";
  Subprocess::Options options;
  options.cpus = {cpu};
  perf_ = std::make_unique<Subprocess>(std::vector<std::string>{"unshare", "-m", "sh", "-c", script}, options);
  if (perf_->ReadLine(30'000) != "recording") perf_.reset();
}

void PerfSched::Stop() {
  if (!perf_) return;
  perf_->WriteLine("stop");
  perf_->Wait(120'000);
  lost_events_ = perf_->ErrorText().find("lost") != std::string::npos;
}

std::vector<TimehistLine> PerfSched::Timehist(const std::vector<pid_t>& tids) const {
  std::string list;
  for (const pid_t tid : tids) list += (list.empty() ? "" : ",") + std::to_string(tid);
  const CommandResult result = RunCommand(InOwnMounts({"perf", "sched", "timehist", "-i", file_, "--tid", list}), {}, 300'000);
  return ParseTimehist(result.output);
}

}  // namespace hftmon::testing
