// group_cost_bench: nanoseconds that the programs of each probe group take for an event, beside those of a bpftrace script that tells the
// same, by the kernel's own statistics of program runs.
//
// Each group is asked for, its workload acts, and what its programs ran for is read; then the same workload under bpftrace. `watched` is
// the time for a thread of a target that asks, `bystander` for one that no target has, while another asks. The statistics themselves take
// some 45 ns of each run, in every figure alike; what a hook costs beside its program (the tracepoint's way in and out) is in none: the
// benches of switches, interrupts and faults measure the whole. Prints a table, and one JSON object with --json FILE. Nothing fails: exit
// code 0 when there are figures, 77 when this host cannot measure.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/bench_host.h"
#include "tests/bench/foreign_tool.h"
#include "tests/privileged/harness/daemon_under_test.h"
#include "tests/privileged/harness/kernel_objects.h"
#include "tests/privileged/harness/workload_run.h"
#include "tests/workloads/arguments.h"
#include "tests/workloads/scheduling.h"

namespace hftmon::testing {
namespace {

using nlohmann::json;

constexpr int kCannotMeasure = 77;
constexpr std::string_view kCountersPrefix = "counters=";
constexpr char kToolsClock[] = "100";  // the name of the program that speaks each 100 ms, see ForeignTool

struct Group {
  std::string name;  // of --probes; "waker": --waker; "counters=E,E": --counters E,E
  std::string event;
  std::vector<std::string> workload;  // its name and arguments; --cpu is added
  std::string act;
  std::vector<std::string> programs;  // that run at one event, together
  std::string bpftrace;               // probes that tell the same
};

std::vector<Group> Groups() {
  return {
      {"memory",
       "a minor page fault",
       {"timed_faults"},
       "20000",
       {"on_user_fault", "on_minor_fault"},
       "tracepoint:exceptions:page_fault_user { @begin[tid] = nsecs; }\n"
       "software:minor-faults:1 /@begin[tid]/ { @fault_ns = hist(nsecs - @begin[tid]); delete(@begin[tid]); }\n"},
      {"memory",
       "a shootdown, at its sender and at whom it hits",
       {"page_faulter", "--kind", "shootdown", "--count", "5000"},
       "go",
       {"on_tlb_flush", "on_cross_call", "on_tlb_flush", "on_cross_call_entry"},
       "tracepoint:tlb:tlb_flush { @flushes[tid, args->reason] = count(); }\n"
       "tracepoint:csd:csd_queue_cpu { @sent[tid, kstack] = count(); }\n"},
      {"kernel_locks",
       "a contended mutex of the kernel",
       {"kernel_stalled", "--kind", "mutex", "--count", "1000", "--bytes", "1048576"},
       "go",
       {"on_contention_begin", "on_contention_end"},
       "tracepoint:lock:contention_begin { @begin[tid] = nsecs; }\n"
       "tracepoint:lock:contention_end /@begin[tid]/ { @wait_ns = hist(nsecs - @begin[tid]); delete(@begin[tid]); }\n"},
      {"network",
       "a datagram over loopback, dropped at a full buffer",
       {"timed_interrupts"},
       "softirq 20000",
       {"on_packet_arrived", "on_packet_dropped"},
       "tracepoint:net:netif_receive_skb { @arrived[args->skbaddr] = nsecs; }\n"
       "tracepoint:skb:kfree_skb { @dropped[args->reason] = count(); delete(@arrived[args->skbaddr]); }\n"},
      {"irq",
       "a datagram over loopback: a raised softirq that runs and ends",
       {"timed_interrupts"},
       "softirq 20000",
       {"on_softirq_raise", "on_softirq_begin", "on_softirq_end"},
       "tracepoint:irq:softirq_raise /!@raised[cpu, args->vec]/ { @raised[cpu, args->vec] = nsecs; }\n"
       "tracepoint:irq:softirq_entry /@raised[cpu, args->vec]/ { @delay_ns[args->vec] = hist(nsecs - @raised[cpu, args->vec]); "
       "delete(@raised[cpu, args->vec]); @began[cpu] = nsecs; }\n"
       "tracepoint:irq:softirq_exit /@began[cpu]/ { @ran_ns[args->vec] = hist(nsecs - @began[cpu]); delete(@began[cpu]); }\n"},
      {"hardware",
       "a sleep: into an idle state and out of it",
       {"sleeper", "--count", "2000", "--duration-us", "300"},
       "go",
       {"on_idle", "on_idle"},
       "tracepoint:power:cpu_idle { @states[cpu, args->state] = count(); @since[cpu] = nsecs; }\n"},
      {"returns",
       "a system call of the host; watched: of a target that asks",
       {"timed_calls"},
       "200000",
       {"on_return"},
       "tracepoint:raw_syscalls:sys_exit { @calls[args->id] = count(); }\n"},
      {"returns",
       "a sleep until a time that is past",
       {"timed_calls", "--sleeps"},
       "200000",
       {"on_return"},
       "tracepoint:syscalls:sys_exit_clock_nanosleep { @slept[tid] = count(); }\n"},
      {"counters=page-faults",
       "a switch from and to a thread that counts one event",
       {"ping_pong", "--switches", "40000"},
       "go",
       {"on_counted_switch"},
       ""},
      {"counters=page-faults,minor-faults,context-switches,cpu-migrations",
       "a switch from and to a thread that counts four events",
       {"ping_pong", "--switches", "40000"},
       "go",
       {"on_counted_switch"},
       ""},
      {"waker",
       "a wake-up",
       {"ping_pong", "--switches", "40000"},
       "go",
       {"on_waking"},  // or on_waking_by_level
       "tracepoint:sched:sched_waking { @wakers[args->pid, tid] = count(); }\n"},
  };
}

// Runs of every BPF program in the kernel, by its id.
struct Run {
  std::string name;
  uint64_t count = 0;
  uint64_t time_ns = 0;
};
std::map<uint32_t, Run> ReadRuns() {
  std::map<uint32_t, Run> runs;
  for (uint32_t id = 0; bpf_prog_get_next_id(id, &id) == 0;) {
    const int fd = bpf_prog_get_fd_by_id(id);
    if (fd < 0) continue;
    bpf_prog_info info = {};
    uint32_t bytes = sizeof(info);
    if (bpf_obj_get_info_by_fd(fd, &info, &bytes) == 0) runs[id] = {info.name, info.run_cnt, info.run_time_ns};
    close(fd);
  }
  return runs;
}

// What each of the programs of `ids` ran for between the two readings: the mean of a run. Those that did not run are left out.
struct Mean {
  std::string name;
  double ns = 0;
};
std::vector<Mean> MeansOf(const std::map<uint32_t, Run>& before, const std::map<uint32_t, Run>& after, const std::set<uint32_t>& ids) {
  std::vector<Mean> means;
  for (const auto& [id, run] : after) {
    const auto earlier = before.find(id);
    if (!ids.contains(id) || earlier == before.end() || run.count == earlier->second.count) continue;
    means.push_back(
        {run.name, static_cast<double>(run.time_ns - earlier->second.time_ns) / static_cast<double>(run.count - earlier->second.count)});
  }
  return means;
}

std::set<uint32_t> IdsBeside(const std::map<uint32_t, Run>& runs, const std::set<uint32_t>& known) {
  std::set<uint32_t> ids;
  for (const auto& [id, run] : runs) {
    if (!known.contains(id)) ids.insert(id);
  }
  return ids;
}

class Bench {
 public:
  Bench(int cpu, int watcher_cpu) : cpu_(cpu), watcher_cpu_(watcher_cpu) {}

  json Measure(const Group& group) {
    json row{{"group", group.name}, {"event", group.event}};
    const std::set<uint32_t> known = IdsBeside(ReadRuns(), {});
    if (const std::string why = MeasureOwn(group, known, &row); !why.empty()) row["unavailable"] = why;
    if (group.bpftrace.empty()) return row;
    std::string why_not;
    const std::set<uint32_t> before_tool = IdsBeside(ReadRuns(), {});
    const std::unique_ptr<ForeignTool> tool = ForeignTool::Bpftrace(watcher_cpu_, group.bpftrace, &why_not);
    if (tool == nullptr) {
      row["bpftrace_unavailable"] = why_not;
      return row;
    }
    double sum_ns = 0;
    for (const Mean& mean : ActAndRead(group, before_tool, nullptr)) sum_ns += mean.name == kToolsClock ? 0 : mean.ns;
    row["bpftrace_ns"] = sum_ns * (group.programs.size() > 1 && group.programs[0] == group.programs[1] ? 2 : 1);
    return row;
  }

 private:
  // Empty, or why not.
  std::string MeasureOwn(const Group& group, const std::set<uint32_t>& known, json* row) {
    DaemonUnderTest daemon;
    if (const absl::Status started = daemon.Start(); !started.ok()) return std::string(started.message());
    WorkloadRun asker("sleeper", {"--cpu", std::to_string(cpu_)});
    v1::AttachRequest request;
    request.add_pids(asker.pid());
    if (group.name == "waker") {
      request.mutable_options()->set_waker(true);
    } else if (group.name.starts_with(kCountersPrefix)) {
      std::istringstream names(group.name.substr(kCountersPrefix.size()));
      for (std::string event; std::getline(names, event, ',');) request.mutable_options()->add_counter_events(event);
    } else {
      request.mutable_options()->add_probe_groups(group.name);
    }
    if (const auto attached = daemon.client().Attach(request); !attached.ok()) return std::string(attached.status().message());
    const std::vector<Mean> bystander = ActAndRead(group, known, nullptr);
    request.clear_pids();
    const std::vector<Mean> watched = ActAndRead(group, known, [&](pid_t pid) {
      request.add_pids(pid);
      return daemon.client().Attach(request).status();
    });
    const auto add = [&](const char* key, const std::vector<Mean>& means) {
      double sum_ns = 0;
      for (const std::string& program : group.programs) {
        const std::string cut = program.substr(0, BPF_OBJ_NAME_LEN - 1);  // as the kernel keeps names
        const auto mean = std::find_if(means.begin(), means.end(), [&](const Mean& one) { return one.name.starts_with(cut); });
        if (mean == means.end()) return;
        sum_ns += mean->ns;
      }
      (*row)[key] = sum_ns;
    };
    add("bystander_ns", bystander);
    add("watched_ns", watched);
    return "";
  }

  template <typename Watch>
  std::vector<Mean> ActAndRead(const Group& group, const std::set<uint32_t>& known, Watch watch) {
    std::vector<std::string> arguments(group.workload.begin() + 1, group.workload.end());
    arguments.insert(arguments.end(), {"--cpu", std::to_string(cpu_)});
    WorkloadRun run(group.workload[0], arguments);
    if constexpr (!std::is_null_pointer_v<Watch>) {
      if (!watch(run.pid()).ok()) return {};
    }
    const std::map<uint32_t, Run> before = ReadRuns();
    if (!run.Act(group.act).is_object()) return {};
    return MeansOf(before, ReadRuns(), IdsBeside(before, known));
  }

  const int cpu_;
  const int watcher_cpu_;
};

void Print(const json& report) {
  std::printf("What a probe group's programs take for an event. %s, Linux %s, %s\n\n",
              report["host"]["cpu_model"].get<std::string>().c_str(), report["host"]["kernel"].get<std::string>().c_str(),
              report["host"]["date"].get<std::string>().c_str());
  std::printf("  %-14s %12s %12s %12s  %s\n", "group", "bystander ns", "watched ns", "bpftrace ns", "event");
  const auto cell = [](const json& row, const char* key) {
    return row.contains(key) ? fmt::format("{:.0f}", row[key].get<double>()) : "-";
  };
  for (const json& row : report["groups"]) {
    std::printf("  %-14s %12s %12s %12s  %s%s\n", row["group"].get<std::string>().c_str(), cell(row, "bystander_ns").c_str(),
                cell(row, "watched_ns").c_str(), cell(row, "bpftrace_ns").c_str(), row["event"].get<std::string>().c_str(),
                row.contains("unavailable") ? (": " + row["unavailable"].get<std::string>()).c_str() : "");
  }
}

int Main(int argc, char** argv) {
  const workload::Arguments arguments(argc, argv, {"cpu", "json", "group"}, {});
  if (const std::string why = WhyNotPrivileged(); !why.empty()) {
    std::fprintf(stderr, "group_cost_bench %s\n", why.c_str());
    return kCannotMeasure;
  }
  const int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (statistics < 0) {
    std::fprintf(stderr, "group_cost_bench: the kernel's statistics of program runs need CAP_SYS_ADMIN: %s\n", std::strerror(errno));
    return kCannotMeasure;
  }
  MountTracefsPrivately();
  const int cpu = workload::ChooseCpu(arguments.Number("cpu", -1, -1, 1 << 20));
  const int watcher_cpu = workload::OtherCpu(cpu) >= 0 ? workload::OtherCpu(cpu) : cpu;
  Bench bench(cpu, watcher_cpu);
  json rows = json::array();
  for (const Group& group : Groups()) {
    if (arguments.Text("group", group.name) == group.name) rows.push_back(bench.Measure(group));
  }
  close(statistics);
  const json report{{"bench", "group_cost"}, {"host", DescribeHost()}, {"groups", rows}};
  Print(report);
  if (const std::string path = arguments.Text("json", ""); !path.empty()) std::ofstream(path) << report.dump(2) << "\n";
  return 0;
}

}  // namespace
}  // namespace hftmon::testing

int main(int argc, char** argv) {
  return hftmon::testing::Main(argc, argv);
}
