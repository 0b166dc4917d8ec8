#include "client/check/check_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/cpu_list.h"

namespace hftmon {
namespace {

// What helps where no rule of the daemon's spoke. {pid}, {tid}, {cpus} and the like are filled in; what only the operator can know stands
// in capitals.
struct Hint {
  std::string_view figure;
  std::string_view rules;  // of the daemon's advice, by what they say most about it, separated by spaces
  std::string_view text;
  std::string_view command;
};

constexpr std::array kHints{
    Hint{"p99_999_runqueue_ns", "fifo-shares-core kernel-thread-on-core run-queue-crowded own-daemon-on-core rt-throttled migrations",
         "others use its CPU: give it one of its own, kept free of them (isolcpus=, cpuset partition), or see who they are",
         "hftmon spikes -p {pid} --window 60s"},
    Hint{"involuntary_count", "fifo-shares-core kernel-thread-on-core run-queue-crowded own-daemon-on-core rt-throttled",
         "others took its CPU away: move them off it", "hftmon switches -p {pid} --window 60s --min-duration 1us"},
    Hint{"migration_count", "migrations", "it is moved between CPUs: bind it to one", "taskset -pc {cpu} {tid}"},
    Hint{"visitor_count", "kernel-thread-on-core own-daemon-on-core run-queue-crowded",
         "several processes run on these CPUs: see which, and bind them elsewhere", "hftmon targets"},
    Hint{"longest_interruption_ns", "irq-on-watched-core tick-on-isolated softirq-on-core",
         "interrupts arrive on its CPU: see which, and send them elsewhere", "hftmon irqs -p {pid} --affinity"},
    Hint{"interrupted_ppm", "irq-on-watched-core tick-on-isolated softirq-on-core",
         "interrupts arrive on its CPU: see which, and send them elsewhere", "hftmon irqs --for 5s --affinity"},
    Hint{"p99_999_handler_ns", "irq-on-watched-core", "a device's handler runs long: see which, and send it elsewhere",
         "hftmon irqs --for 5s --affinity"},
    Hint{"affinity_violation_count", "",  // the rules' advice is about one line each
         "device interrupts are sent to the checked CPUs: keep them off ({lines}), and irqbalance with IRQBALANCE_BANNED_CPULIST={cpus}",
         "{affinity}"},
    Hint{"softirq_overlap_count", "softirq-on-core audit-rps", "several CPUs work off the same kind of softirq at once: steer it to fewer",
         "hftmon irqs --for 5s"},
    Hint{"p99_999_fault_ns", "thp-or-compaction-stall huge-page-collapse major-faults-no-mlock swap-in numa-balancing-faults",
         "page faults are slow: see where, and touch and lock the memory beforehand (mlockall, MAP_POPULATE)", "hftmon memory -p {pid}"},
    Hint{"major_fault_count", "major-faults-no-mlock swap-in",
         "memory has to be read while the program runs: touch and lock it beforehand (mlockall)", "hftmon memory -p {pid}"},
    Hint{"minor_fault_count", "numa-balancing-faults huge-page-collapse thp-or-compaction-stall",
         "it touches fresh memory while it runs: touch it beforehand (MAP_POPULATE, a pool), keep what malloc frees (M_TRIM_THRESHOLD)",
         "hftmon numa -p {pid} --growth 5s"},
    Hint{"shootdown_count", "tlb-shootdowns", "other threads of the process change its mappings (munmap, mprotect, madvise): see who",
         "hftmon memory -p {pid}"},
    Hint{"remote_access_ppm", "memory-on-wrong-node numa-balancing-faults", "its memory lies on another node: see where",
         "hftmon numa -p {pid}"},
    Hint{"futex_wait_count", "futex-convoy inversion-without-pi condition-wait-in-hot-path",
         "it waits for locks or condition variables: see for which, and who holds them", "hftmon locks -p {pid}"},
    Hint{"blocking_io_count", "", "it waits for files or sockets: see for which, and do that in another thread, or without blocking",
         "hftmon locks -p {pid}"},
    Hint{"sleep_count", "sleep-in-hot-path", "it sleeps or polls until a time: a hot thread spins instead; see in which call",
         "hftmon locks -p {pid}"},
    Hint{"p99_999_blocked_ns", "futex-convoy inversion-without-pi condition-wait-in-hot-path sleep-in-hot-path",
         "it is blocked for long: see in what", "hftmon spikes -p {pid} --window 60s --blocked 1ms"},
    Hint{"p99_999_net_rx_ns", "softirq-on-core audit-coalescing audit-rps", "NET_RX runs long: less work at a time",
         "sysctl -w net.core.netdev_budget=100 net.core.netdev_budget_usecs=1000"},
    Hint{"longest_delivery_ns", "thread-far-from-nic audit-coalescing", "packets wait for their reader or for its CPU: see where",
         "hftmon network -p {pid}"},
    Hint{"drop_count", "", "packets are dropped ({drops}): of SOCKET_RCVBUFF and CPU_BACKLOG larger buffers help, of others see the reason",
         "sysctl -w net.core.rmem_max=67108864 net.core.netdev_max_backlog=10000"},
    Hint{"device_drop_count", "", "the interface drops packets: larger rings", "ethtool -G {interface} rx 4096"},
    Hint{"retransmit_count", "", "segments are sent again: packets are lost on the way, or answers are late: see of which connection",
         "hftmon network"},
    Hint{"squeeze_count", "", "NET_RX stops with packets left: more work at a time",
         "sysctl -w net.core.netdev_budget=600 net.core.netdev_budget_usecs=8000"},
};

bool Has(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t space = std::min(words.find(' '), words.size());
    if (words.substr(0, space) == word) return true;
    words.remove_prefix(std::min(space + 1, words.size()));
  }
  return false;
}

void Replace(std::string_view what, const std::string& with, std::string* text) {
  for (size_t at = text->find(what); at != std::string::npos; at = text->find(what, at + with.size())) text->replace(at, what.size(), with);
}

// Keeps the lines that are sent to the checked CPUs off them: each line's present list without these.
std::string AffinityCommand(const CheckInputs& inputs, const CheckScope& scope, std::string* names) {
  std::string command;
  if (!inputs.interrupts.ok()) return command;
  for (const v1::InterruptLine& line : inputs.interrupts->lines()) {
    const auto& sent = line.effective_cpus().empty() ? line.allowed_cpus() : line.effective_cpus();
    if (std::none_of(sent.begin(), sent.end(), [&scope](int cpu) { return scope.JudgesCpu(cpu); })) continue;
    *names += fmt::format("{}{} {}", names->empty() ? "" : ", ", line.irq(), line.handlers().empty() ? "" : line.handlers(0));
    std::vector<int> others;
    for (const int cpu : line.allowed_cpus()) {
      if (!scope.JudgesCpu(cpu)) others.push_back(cpu);
    }
    const std::string list = others.empty() ? "OTHER_CPUS" : FormatCpuList(others);
    command += fmt::format("{}echo {} > /proc/irq/{}/smp_affinity_list", command.empty() ? "" : "; ", list, line.irq());
  }
  return command;
}

// "SOCKET_RCVBUFF 12, PROTO_MEM 1": the three most frequent reasons.
std::string DropsText(const CheckInputs& inputs) {
  constexpr int kShown = 3;
  std::string text;
  if (!inputs.network.ok()) return text;
  for (int i = 0; i < std::min(kShown, inputs.network->drops_size()); ++i) {
    const v1::PacketDrops& drops = inputs.network->drops(i);
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", drops.reason(), drops.count());
  }
  return text;
}

std::string Filled(std::string_view pattern, const CheckInputs& inputs, const CheckScope& scope) {
  std::string text(pattern);
  std::string lines;
  const std::string affinity = pattern.find("{affinity}") != std::string_view::npos || pattern.find("{lines}") != std::string_view::npos
                                   ? AffinityCommand(inputs, scope, &lines)
                                   : "";
  if (pattern.find("{drops}") != std::string_view::npos) Replace("{drops}", DropsText(inputs), &text);
  Replace("{affinity}", affinity, &text);
  Replace("{lines}", lines, &text);
  const std::vector<int> cpus(scope.cpus.begin(), scope.cpus.end());
  Replace("{cpus}", FormatCpuList(cpus), &text);
  Replace("{cpu}", cpus.empty() ? "CPU" : std::to_string(cpus.front()), &text);
  Replace("{interface}", inputs.interface.empty() ? "INTERFACE" : inputs.interface, &text);
  if (inputs.pids.empty()) Replace(" -p {pid}", "", &text);
  Replace("{pid}", inputs.pids.empty() ? "PID" : std::to_string(inputs.pids.front()), &text);
  Replace("{tid}", scope.threads.empty() ? "TID" : std::to_string(scope.threads.front().tid), &text);
  return text;
}

// Of the rules' advice that which can gain most: the daemon's order.
const v1::Recommendation* FindAdvice(const CheckInputs& inputs, const CheckScope& scope, std::string_view rules) {
  if (!inputs.advice.ok()) return nullptr;
  for (const v1::Recommendation& advice : inputs.advice->recommendations()) {
    if (!Has(rules, advice.rule())) continue;
    if (scope.by_process && advice.has_thread() && !scope.Judges(advice.thread().tid())) continue;
    return &advice;
  }
  return nullptr;
}

CheckAdvice AdviceFor(const Hint& hint, const CheckInputs& inputs, const CheckScope& scope) {
  CheckAdvice given{.rule = "", .text = Filled(hint.text, inputs, scope), .command = Filled(hint.command, inputs, scope), .undo = ""};
  const v1::Recommendation* advice = FindAdvice(inputs, scope, hint.rules);
  if (advice == nullptr) return given;
  given.rule = advice->rule();
  given.text = advice->cause();
  if (!advice->action().code_hint().empty()) given.text += ": " + advice->action().code_hint();
  // A rule whose mend is a change of the program has no command: the hint's shows where.
  if (!advice->action().command().empty()) given.command = advice->action().command();
  given.undo = advice->action().undo();
  return given;
}

}  // namespace

void AddAdvice(const CheckInputs& inputs, const CheckScope& scope, ModuleResult* result) {
  for (CheckFinding& finding : result->findings) {
    if (finding.severity != CheckVerdict::kFail || finding.advice.has_value()) continue;
    const auto hint = std::find_if(kHints.begin(), kHints.end(), [&finding](const Hint& each) { return each.figure == finding.figure; });
    if (hint != kHints.end()) finding.advice = AdviceFor(*hint, inputs, scope);
  }
}

}  // namespace hftmon
