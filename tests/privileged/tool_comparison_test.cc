// The same run seen by hftmon and by others: bpftrace's one-liners for softirqs and interrupts, `perf trace -s` for system calls.
//
// Where they differ, and why:
//  - At each tracepoint hftmon's program runs before bpftrace's, which was attached later: hftmon's time of a handler has bpftrace's
//  program
//    at its entry in it, bpftrace's has hftmon's at its exit. Counts are of the same events.
//  - bpftrace counts between its start and its end, hftmon between two questions that lie within: what comes at the edges is bpftrace's
//    alone.
//  - perf measures a system call from entry to exit, hftmon from when the thread left its CPU to when it got one again: the kernel's way
//    in and out, and perf's own hooks, are in perf's figure only. Calls that do not block are in perf's only.
#include <dirent.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "tests/privileged/harness/bpftrace_maps.h"
#include "tests/privileged/harness/disk_reader.h"
#include "tests/privileged/harness/switch_witness.h"
#include "tests/privileged/privileged_test.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

struct Figure {
  int64_t count = 0;
  int64_t sum_ns = 0;
};

constexpr int kVectors = 100;  // the processor's own, beside softirqs, whose vectors are 0 to 9

// What bpftrace is to count of a CPU's handlers: @count and @ns, by softirq vector, or kVectors and so on.
std::string HandlerProbes(int cpu) {
  const std::string on = " /cpu == " + std::to_string(cpu) + "/ ";
  const std::string ended = " /cpu == " + std::to_string(cpu) + " && ";
  std::string probes = "tracepoint:irq:softirq_entry" + on + "{ @soft = nsecs; } tracepoint:irq:softirq_exit" + ended +
                       "@soft/ { @count[args->vec] = count(); @ns[args->vec] = sum(nsecs - @soft); @soft = 0; } ";
  int number = kVectors;
  for (const char* vector : {"local_timer", "call_function", "call_function_single"}) {
    const std::string name = vector;
    const std::string begin = "@" + name;
    const std::string key = std::to_string(number++);
    probes += "tracepoint:irq_vectors:" + name + "_entry" + on + "{ " + begin + " = nsecs; } tracepoint:irq_vectors:" + name + "_exit" +
              ended + begin + "/ { @count[" + key + "] = count(); @ns[" + key + "] = sum(nsecs - " + begin + "); " + begin + " = 0; } ";
  }
  return probes;
}

// The same of device interrupts on all CPUs, by line: hardirqs.bt.
constexpr char kLineProbes[] =
    "tracepoint:irq:irq_handler_entry { @begin[cpu, args->irq] = nsecs; } "
    "tracepoint:irq:irq_handler_exit /@begin[cpu, args->irq]/ { @count[args->irq] = count(); "
    "@ns[args->irq] = sum(nsecs - @begin[cpu, args->irq]); delete(@begin[cpu, args->irq]); } ";

std::map<int, Figure> FiguresOf(BpftraceMaps* bpftrace) {
  std::map<int, Figure> figures;
  auto maps = bpftrace->Stop();
  for (const auto& [key, count] : maps["@count"]) figures[std::stoi(key)].count = count;
  for (const auto& [key, sum_ns] : maps["@ns"]) figures[std::stoi(key)].sum_ns = sum_ns;
  return figures;
}

class ToolComparisonTest : public PrivilegedTest {
 protected:
  int HousekeepingCpu() const { return daemon_.client().GetStatus()->loop().cpu(); }

  // Of the CPU, by name.
  std::map<std::string, Figure> Handlers(int cpu) const {
    std::map<std::string, Figure> figures;
    v1::QueryInterruptsRequest request;
    request.add_cpus(cpu);
    const auto answer = daemon_.client().QueryInterrupts(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok() || answer->cpus_size() != 1) return figures;
    for (const v1::InterruptSource& source : answer->cpus(0).sources()) {
      figures[source.name()] = {static_cast<int64_t>(source.count()), source.self_ns()};
    }
    return figures;
  }

  // Of all CPUs, by line.
  std::map<int, Figure> Lines() const {
    std::map<int, Figure> figures;
    const auto answer = daemon_.client().QueryInterrupts();
    EXPECT_TRUE(answer.ok()) << answer.status();
    if (!answer.ok()) return figures;
    for (const v1::CpuInterrupts& cpu : answer->cpus()) {
      for (const v1::DeviceHandler& device : cpu.devices()) {
        figures[device.irq()].count += static_cast<int64_t>(device.count());
        figures[device.irq()].sum_ns += device.self_ns();
      }
    }
    return figures;
  }
  // The lines of the disk that has interrupts.
  std::vector<int> LinesOf(const std::string& disk) const {
    v1::QueryInterruptsRequest request;
    request.set_with_coalescing(true);
    const auto answer = daemon_.client().QueryInterrupts(request);
    EXPECT_TRUE(answer.ok()) << answer.status();
    std::vector<int> lines;
    if (!answer.ok()) return lines;
    for (const v1::BlockDeviceInterrupts& device : answer->coalescing().block_devices()) {
      if (device.name() != disk) continue;
      for (const v1::DeviceLine& line : device.lines()) lines.push_back(line.irq());
    }
    return lines;
  }

  // Counts are equal but for the edges, times but for the programs within them.
  static void ExpectSame(const std::string& name, const Figure& one, const Figure& other, int64_t least_percent) {
    std::printf("%s: %lld of %lld ns each, bpftrace %lld of %lld ns each\n", name.c_str(), static_cast<long long>(one.count),
                static_cast<long long>(one.sum_ns / std::max<int64_t>(one.count, 1)), static_cast<long long>(other.count),
                static_cast<long long>(other.sum_ns / std::max<int64_t>(other.count, 1)));
    EXPECT_LE(one.count, other.count) << "what comes at the edges is bpftrace's";
    EXPECT_GE(one.count * 100, other.count * least_percent);
    const double each_ns = static_cast<double>(one.sum_ns) / static_cast<double>(one.count);
    const double theirs_ns = static_cast<double>(other.sum_ns) / static_cast<double>(other.count);
    EXPECT_GT(each_ns, theirs_ns * 0.5);
    EXPECT_LT(each_ns, theirs_ns * 2.0 + 2'000) << "each has one of the other's programs in it";
  }
};

TEST_F(ToolComparisonTest, BpftraceCountsTheSameHandlersAndTheirTimesAgree) {
  const int cpu = daemon_.WorkloadCpu();
  WorkloadRun run("timed_interrupts", {"--cpu", std::to_string(cpu)});
  ASSERT_TRUE(run.about().is_object());
  ASSERT_TRUE(daemon_.Attach(run.pid()).ok());
  BpftraceMaps bpftrace(HandlerProbes(cpu), HousekeepingCpu());
  if (!bpftrace.why_not().empty()) GTEST_SKIP() << bpftrace.why_not();
  std::map<std::string, Figure> ours = Handlers(cpu);
  for (const char* load : {"softirq 20000", "timer 3000", "ipi 3000"}) ASSERT_TRUE(run.Act(load).is_object()) << load;
  for (const auto& [name, figure] : Handlers(cpu)) {
    ours[name].count = figure.count - ours[name].count;
    ours[name].sum_ns = figure.sum_ns - ours[name].sum_ns;
  }
  std::map<int, Figure> theirs = FiguresOf(&bpftrace);
  // bpftrace knows functions called on many CPUs from those called on one.
  theirs[kVectors + 1].count += theirs[kVectors + 2].count;
  theirs[kVectors + 1].sum_ns += theirs[kVectors + 2].sum_ns;
  const std::map<std::string, int> same = {{"NET_RX", 3}, {"local_timer", kVectors}, {"call_function", kVectors + 1}};
  for (const auto& [name, key] : same) {
    SCOPED_TRACE(name);
    if (theirs[key].count < 1'000) {
      std::printf("%s: bpftrace saw %lld: this machine does not have them so\n", name.c_str(), static_cast<long long>(theirs[key].count));
      continue;
    }
    // Ticks and the host's own IPIs go on while bpftrace begins and ends, half a second at each side.
    ExpectSame(name, ours[name], theirs[key], name == "NET_RX" ? 99 : 70);
  }
}

TEST_F(ToolComparisonTest, BpftraceCountsTheSameInterruptsOfADiskAndTheirTimesAgree) {
  const DiskReader disk;
  if (!disk.why_not().empty()) GTEST_SKIP() << disk.why_not();
  const std::vector<int> lines = LinesOf(disk.disk());
  if (lines.empty()) GTEST_SKIP() << "the interrupts of " << disk.disk() << " cannot be told";
  BpftraceMaps bpftrace(kLineProbes, HousekeepingCpu());
  if (!bpftrace.why_not().empty()) GTEST_SKIP() << bpftrace.why_not();
  std::map<int, Figure> ours = Lines();
  ASSERT_EQ(disk.Read(3'000), 3'000);
  std::map<int, Figure> after = Lines();
  std::map<int, Figure> theirs = FiguresOf(&bpftrace);
  Figure one;
  Figure other;
  for (const int line : lines) {
    one.count += after[line].count - ours[line].count;
    one.sum_ns += after[line].sum_ns - ours[line].sum_ns;
    other.count += theirs[line].count;
    other.sum_ns += theirs[line].sum_ns;
  }
  if (other.count < 1'000) GTEST_SKIP() << "3,000 reads made " << other.count << " interrupts here: the disk is polled, or busy";
  // Others use the disk too while bpftrace begins and ends.
  ExpectSame(disk.disk(), one, other, 70);
}

// A row of `perf trace -s`: calls and their time.
std::map<std::string, Figure> ParsePerfTrace(const std::string& text) {
  std::map<std::string, Figure> figures;
  std::istringstream input(text);
  for (std::string row; std::getline(input, row);) {
    std::istringstream cells(row);
    std::string name;
    int64_t calls = 0;
    int64_t errors = 0;
    double total_ms = 0;
    if (cells >> name >> calls >> errors >> total_ms) figures[name] = {calls, static_cast<int64_t>(total_ms * 1e6)};
  }
  return figures;
}

TEST(ParsePerfTraceTest, RowsAreReadAndTheRestSkipped) {
  const auto figures = ParsePerfTrace(
      " Summary of events:\n\n sleeper (4711), 402 events, 98.5%\n\n"
      "   syscall            calls  errors  total       min       avg       max       stddev\n"
      "   --------------- --------  ------ -------- --------- --------- ---------     ------\n"
      "   clock_nanosleep      200      0   211.125     1.051     1.055     1.102      0.03%\n");
  ASSERT_EQ(figures.size(), 1u);
  EXPECT_EQ(figures.at("clock_nanosleep").count, 200);
  EXPECT_EQ(figures.at("clock_nanosleep").sum_ns, 211'125'000);
}

// Whether the process, or a child of it, has opened an event of perf's.
bool HasPerfEvents(pid_t pid) {
  // Processes and files go while they are listed: a range-for would throw.
  std::error_code error;
  for (std::filesystem::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
    const std::string name = process->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos || std::stol(name) < pid) continue;
    if (getpgid(static_cast<pid_t>(std::stol(name))) != getpgid(pid)) continue;
    std::error_code gone;
    for (std::filesystem::directory_iterator fd(process->path() / "fd", gone), last; !gone && fd != last; fd.increment(gone)) {
      std::error_code closed;
      const std::filesystem::path target = std::filesystem::read_symlink(fd->path(), closed);
      if (target.string().find("[perf_event]") != std::string::npos) return true;
    }
  }
  return false;
}

TEST_F(ToolComparisonTest, PerfTraceSeesTheSameBlockingCallsAndTheirTime) {
  WorkloadRun run("sleeper", {"--cpu", CpuArgument(), "--count", "200", "--duration-us", "1000"});
  ASSERT_TRUE(run.about().is_object());
  v1::AttachRequest attach;
  attach.add_pids(run.pid());
  attach.mutable_options()->add_probe_groups("locks");
  ASSERT_TRUE(daemon_.client().Attach(attach).ok());
  Subprocess::Options options;
  options.cpus = {HousekeepingCpu()};
  Subprocess perf(InOwnMounts({"perf", "trace", "-s", "-p", std::to_string(run.pid())}), options);
  if (!Eventually([&] { return HasPerfEvents(perf.pid()) || !perf.Running(); }) || !perf.Running()) {
    GTEST_SKIP() << "perf trace does not begin here: " << perf.ErrorText();
  }
  const SwitchWitness witness;
  const json truth = run.Act();
  ASSERT_TRUE(truth.is_object());
  ASSERT_TRUE(WaitUntilBlocked(run.pid()));
  v1::QueryLocksRequest request;
  request.add_pids(run.pid());
  const auto answer = daemon_.client().QueryLocks(request);
  ASSERT_TRUE(answer.ok()) << answer.status();
  perf.Signal(SIGINT);
  const std::string out = perf.ReadAll(60'000);
  const auto theirs = ParsePerfTrace(out + perf.ErrorText());
  const auto sleeps = theirs.find("clock_nanosleep");
  if (sleeps == theirs.end()) GTEST_SKIP() << "perf trace printed no summary: " << out << perf.ErrorText();
  const v1::CallSum* ours = nullptr;
  for (const v1::ThreadCalls& thread : answer->threads()) {
    for (const v1::CallSum& call : thread.calls()) ours = call.name() == "clock_nanosleep" ? &call : ours;
  }
  ASSERT_NE(ours, nullptr) << answer->DebugString();
  const int64_t ours_ns = ours->blocked_ns() + ours->wait_ns();
  std::printf("clock_nanosleep: %llu of %.1f ms, perf trace %lld of %.1f ms, the thread itself %.1f ms\n",
              static_cast<unsigned long long>(ours->count()), static_cast<double>(ours_ns) / 1e6,
              static_cast<long long>(sleeps->second.count), static_cast<double>(sleeps->second.sum_ns) / 1e6,
              static_cast<double>(truth["sum_ns"].get<int64_t>()) / 1e6);
  // perf loses events of its ring on a busy host, and says so nowhere in this summary.
  EXPECT_LE(sleeps->second.count, 200);
  if (sleeps->second.count < 180) GTEST_SKIP() << "perf trace lost " << 200 - sleeps->second.count << " of 200 calls";
  // A switch that the kernel hides is the end of no wait (SwitchWitness).
  EXPECT_LE(ours->count(), 200u);
  EXPECT_GE(ours->count() + witness.UnseenSwitchIns(truth["tid"]), 200u);
  const double each_ns = static_cast<double>(ours_ns) / static_cast<double>(ours->count());
  const double theirs_ns = static_cast<double>(sleeps->second.sum_ns) / static_cast<double>(sleeps->second.count);
  EXPECT_LE(ours_ns, truth["sum_ns"].get<int64_t>());
  // Where perf lost some, the rest may be longer or shorter than all.
  EXPECT_LE(each_ns, theirs_ns * 1.1);
  EXPECT_GE(each_ns, theirs_ns * 0.9);
}

}  // namespace
}  // namespace hftmon::testing
