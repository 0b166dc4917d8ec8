#include "client/cli/render/warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/render/operations.h"
#include "client/cli/render/states.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

constexpr int64_t kThresholdMinNs = 1'000;  // the daemon takes no lower --threshold and --blocked

void AddLate(const v1::Window& window, std::vector<std::string>& warnings) {
  if (!window.late()) return;
  warnings.push_back("the window ends early: the daemon's loop is stuck or starved: see `hftmon status`, give it a CPU of its own");
}

void AddOff(const v1::Window& window, std::vector<std::string>& warnings) {
  if (window.off_ns() == 0) return;
  warnings.push_back(
      fmt::format("the programs were off for {} of the window (`hftmon off`): no interval, histogram or spike is of that time; what the "
                  "kernel counted meanwhile (switches, wait sums) stands in the first bucket after it, whatever the window",
                  FormatDuration(window.off_ns())));
}

// Of an answer whose sums are the programs' own.
void AddOffOfSums(const v1::Window& window, std::vector<std::string>& warnings) {
  if (window.off_ns() == 0) return;
  warnings.push_back(
      fmt::format("the programs were off for {} of the window (`hftmon off`): neither a sum nor a single one is of that time",
                  FormatDuration(window.off_ns())));
}

void AddUnslotted(uint64_t thread_count, std::vector<std::string>& warnings) {
  if (thread_count == 0) return;
  warnings.push_back(
      fmt::format("{} not watched and in no figure: no place in the tables of threads: `hftmon status` says under slots_exhausted and "
                  "pid_too_large which: start hftmond with a larger --threads-max, or anew for larger thread ids",
                  Counted(thread_count, "thread was", "threads were")));
}

template <typename Threads>
void AddUnavailable(const Threads& threads, std::vector<std::string>& warnings) {
  const int unavailable = CountUnavailable(threads);
  if (unavailable == 0) return;
  warnings.push_back(unavailable < threads.size()
                         ? fmt::format("{} of {} threads have no figures: see above why", unavailable, threads.size())
                         : "no thread has figures: see above why");
}

std::string Lost(uint64_t count) {
  return Counted(count, "record was", "records were");
}

bool IsSelected(const v1::DetectSpikesRequest& asked, const v1::Target& target) {
  // Who asks may have named it by either number; another process's taken for it makes but the sentence more or less exact.
  return asked.pids().empty() || std::any_of(asked.pids().begin(), asked.pids().end(), [&target](int32_t pid) {
           return pid == target.pid() || (target.namespace_pid() > 0 && pid == target.namespace_pid());
         });
}

// The window begins later than asked, because what came before was overwritten; one that begins before an attachment keeps its beginning.
bool IsOverwritten(const v1::Window& window) {
  if (!window.truncated()) return false;
  const int64_t asked_begin_ns = std::max<int64_t>(0, window.end_monotonic_ns() - window.requested_ns());
  return window.requested_ns() == 0 || window.begin_monotonic_ns() > asked_begin_ns;
}

std::string WhyOverwritten(const v1::Window& window) {
  return fmt::format(
      "incomplete: spikes of more than {} ago were overwritten: {}start hftmond with a larger --spike-history (spike_history)",
      FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
      window.requested_ns() > 0 ? "ask for a shorter --window, or " : "");
}

// The lowest threshold for waits that was asked of any target; 0: not known.
int64_t AskedWaitNs(const v1::DetectSpikesRequest& asked, const v1::ListTargetsResponse& targets) {
  if (asked.threshold_ns() > 0) return asked.threshold_ns();
  int64_t lowest_ns = 0;
  for (const v1::Target& target : targets.targets()) {
    const int64_t own_ns = target.options().spike_threshold_ns();
    if (IsSelected(asked, target) && own_ns > 0 && (lowest_ns == 0 || own_ns < lowest_ns)) lowest_ns = own_ns;
  }
  return lowest_ns;
}

// Of an answer that nothing of was overwritten: waits or blocked intervals as short as those asked for were not recorded, or what is known
// of one that goes on is lost.
std::string WhyBelowFloor(const v1::DetectSpikesRequest& asked, const v1::DetectSpikesResponse& response,
                          const v1::ListTargetsResponse& targets) {
  const int64_t asked_ns = AskedWaitNs(asked, targets);
  if (asked_ns > 0 && !response.has_floor_ns()) {
    return "incomplete: the kernel recorded no waits in a part of the window: ask again when the --window has passed";
  }
  if (response.has_floor_ns() && response.floor_ns() > asked_ns && (asked_ns > 0 || asked.blocked_threshold_ns() == 0)) {
    const std::string floor = FormatDuration(response.floor_ns());
    const std::string needed = asked_ns > 0 ? FormatDuration(std::max(asked_ns, kThresholdMinNs)) : "a lower one";
    return fmt::format(
        "incomplete: {} is below the floor of waits: the kernel recorded those above {} only, at least in a part of the window: give "
        "--threshold {}, or attach with --threshold {}, then wait a --window",
        asked_ns > 0 ? fmt::format("a threshold of {}", FormatDuration(asked_ns)) : "a target's own threshold", floor, floor, needed);
  }
  if (asked.blocked_threshold_ns() > 0) {
    return fmt::format(
        "incomplete: --blocked {} is below the floor of blocked intervals: the kernel did not record all above it throughout the window: "
        "attach with --blocked {}, then wait a --window",
        FormatDuration(asked.blocked_threshold_ns()), FormatDuration(std::max(asked.blocked_threshold_ns(), kThresholdMinNs)));
  }
  return "incomplete: so many stalls go on at once that one of them is no longer known: follow them with --follow";
}

// The newest target that is watched since the window began only; children that were adopted late are left to the general text.
std::string WhyAttachedLate(const v1::DetectSpikesRequest& asked, const v1::Window& window, const v1::ListTargetsResponse& targets) {
  const v1::Target* newest = nullptr;
  for (const v1::Target& target : targets.targets()) {
    if (!IsSelected(asked, target) || target.parent_pid() != 0 || target.attached_monotonic_ns() <= window.begin_monotonic_ns()) continue;
    if (newest == nullptr || target.attached_monotonic_ns() > newest->attached_monotonic_ns()) newest = &target;
  }
  if (newest == nullptr) return "covers less than asked: a process was attached within the window: ask for a shorter --window";
  const std::string age = FormatDuration(std::max<int64_t>(0, window.end_monotonic_ns() - newest->attached_monotonic_ns()));
  return fmt::format("covers less than asked: {} was attached only {} ago: of its time before nothing is known: ask for a shorter --window",
                     newest->pid(), age);
}

// Either the kernel was not told to record intervals as short as those asked for, or some that it recorded are no longer kept.
std::string WhyIncomplete(const v1::QueryContextSwitchesResponse& response, int64_t min_duration_ns) {
  const bool below_floor = !response.has_events_floor_ns() || response.events_floor_ns() > min_duration_ns;
  if (!below_floor) return "older ones were overwritten: ask for a shorter --window, or start hftmond with a larger --switch-history";
  const std::string waits =
      response.has_run_queue_floor_ns() ? fmt::format("waits above {}", FormatDuration(response.run_queue_floor_ns())) : "no waits";
  const std::string blocked = FormatDuration(std::max(min_duration_ns, kThresholdMinNs));
  if (!response.has_events_floor_ns()) {
    return fmt::format(
        "it holds {} only: whole off-CPU intervals are recorded where a target asks for them, and none did throughout the window: attach "
        "with --blocked {}, then wait a --window",
        waits, blocked);
  }
  const std::string floor = FormatDuration(response.events_floor_ns());
  return fmt::format(
      "--min-duration {} is below the {} (--blocked) above which whole off-CPU intervals were recorded in the window: give {} or more, or "
      "attach with --blocked {}, then wait a --window",
      FormatDuration(min_duration_ns), floor, floor, blocked);
}

}  // namespace

std::vector<std::string> WarningsOf(const v1::DetectSpikesRequest& asked, const v1::DetectSpikesResponse& response,
                                    const v1::ListTargetsResponse& targets) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} lost in the window: some spikes may be missing: see `hftmon status`", Lost(response.lost_records())));
  }
  const bool overwritten = IsOverwritten(response.window());
  if (overwritten) {
    warnings.push_back(WhyOverwritten(response.window()));
  } else if (response.incomplete()) {
    warnings.push_back(WhyBelowFloor(asked, response, targets));
  }
  if (const uint64_t count = response.unfollowed_sleep_count(); count > 0) {
    warnings.push_back(
        fmt::format("{} more that {} at {} end only: as many as can be (512, half of them of those that slept when they were attached) are "
                    "told already: detach what is of no interest",
                    Counted(count, "sleep"), count == 1 ? "goes on now is told" : "go on now are told", count == 1 ? "its" : "their"));
  }
  // Who named no window was promised none.
  const bool asked_for_it = asked.window_ns() > 0;
  if (response.window().truncated() && !overwritten && asked_for_it) warnings.push_back(WhyAttachedLate(asked, response.window(), targets));
  if (response.older_left_out() && asked.max_spikes() == 0) {
    warnings.push_back(fmt::format("the newest {} of more: ask for a shorter --window or give --limit N", response.spikes_size()));
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOff(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::StreamSpikesResponse& announcement) {
  std::vector<std::string> warnings;
  AddUnslotted(announcement.unslotted_thread_count(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryContextSwitchesResponse& response, int64_t min_duration_ns) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: counts are exact, single intervals may be missing: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (min_duration_ns > 0 && response.events_incomplete()) {
    warnings.push_back("the list of intervals is incomplete: " + WhyIncomplete(response, min_duration_ns));
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOff(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryThreadsResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: where threads that moved ran may not be known: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (response.changes_incomplete()) {
    warnings.push_back("older changes of scheduling are no longer kept: ask for a shorter --window");
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  if (response.window().off_ns() > 0) {
    warnings.push_back(
        fmt::format("the programs were off for {} of the window (`hftmon off`): what threads did then is not known: it is "
                    "in what they did before",
                    FormatDuration(response.window().off_ns())));
  }
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryInterruptsResponse& response) {
  std::vector<std::string> warnings;
  AddUnslotted(response.unslotted_thread_count(), warnings);
  if (response.late() && !response.has_window()) {
    warnings.push_back("the daemon is late: threads that were attached just before may be missing: see `hftmon status`");
  }
  if (response.has_window()) {
    AddLate(response.window(), warnings);
    AddOff(response.window(), warnings);
  }
  for (const std::string* reason : {&response.coalescing().interfaces_unavailable(), &response.coalescing().block_devices_unavailable()}) {
    if (!reason->empty()) warnings.push_back("devices cannot be read: " + Printable(*reason));
  }
  if (const uint64_t unread_count = response.coalescing().unread_interface_count() + response.coalescing().unread_block_device_count();
      unread_count > 0) {
    warnings.push_back(Counted(unread_count, "device") + " beyond the limit: missing in the tables");
  }
  if (!response.lines_unavailable().empty()) {
    warnings.push_back("where device interrupts may be sent is not available: " + Printable(response.lines_unavailable()));
  }
  if (response.unread_line_count() > 0) {
    warnings.push_back(Counted(response.unread_line_count(), "device interrupt") +
                       " beyond the limit, or unreadable: missing in the table");
  }
  if (response.unread_thread_count() > 0) {
    warnings.push_back(Counted(response.unread_thread_count(), "watched thread") +
                       " beyond the limit, or unreadable: whether interrupts hit them was not looked at: ask for fewer with -p");
  }
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryInversionsResponse& response, int32_t asked_max) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} lost in the window: inversions and boosts may be missing: see `hftmon status`", Lost(response.lost_records())));
  }
  if (!response.has_blocked_floor_ns()) {
    warnings.push_back(
        "incomplete: inversions are found in single waits for locks, which no target asks for: attach with --probes locks --blocked 50us "
        "(say), then wait a --window");
  } else if (IsOverwritten(response.window())) {
    warnings.push_back(WhyOverwritten(response.window()));
  } else if (response.incomplete()) {
    warnings.push_back(
        "incomplete: waits for locks, or boosts, of a part of the window only are known: ask for a shorter --window, or wait until it has "
        "passed");
  }
  if (response.older_left_out() && asked_max == 0) {
    warnings.push_back(fmt::format("the newest {} of more: ask for a shorter --window or give --limit N", response.inversions_size()));
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOffOfSums(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryLocksResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: sums by call are exact, waits for locks may be missing: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (response.floor_of_part()) {
    warnings.push_back("single waits were recorded in a part of the window only: ask for a shorter --window, or wait until it has passed");
  } else if (response.incomplete() && IsOverwritten(response.window())) {
    warnings.push_back(WhyOverwritten(response.window()));
  }
  const bool asked = std::any_of(response.threads().begin(), response.threads().end(),
                                 [](const v1::ThreadCalls& thread) { return thread.kernel_locks().available(); });
  if (asked && !response.has_kernel_lock_floor_ns()) {
    warnings.push_back(
        "single waits for locks of the kernel were not recorded in a part of the window: ask for a shorter --window, or wait "
        "until it has passed");
  }
  AddUnavailable(response.threads(), warnings);
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOffOfSums(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryMemoryResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: sums by thread are exact, single faults may be missing: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (response.incomplete() && IsOverwritten(response.window())) warnings.push_back(WhyOverwritten(response.window()));
  if (!response.has_fault_floor_ns() && CountUnavailable(response.threads()) < response.threads_size()) {
    warnings.push_back("single faults were not recorded in a part of the window: ask for a shorter --window, or wait until it has passed");
  }
  AddUnavailable(response.threads(), warnings);
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  AddOffOfSums(response.window(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryCacheResponse& response) {
  std::vector<std::string> warnings;
  const v1::Window& window = response.window();
  if (!response.available()) warnings.push_back("nothing is counted: see above why");
  if (!response.read_now_error().empty()) warnings.push_back("nothing was read now: " + Printable(response.read_now_error()));
  if (response.lost_span_count() > 0) {
    warnings.push_back(fmt::format("{} lost in the window: rates are of the others, counts since a thread is counted have them all",
                                   Counted(response.lost_span_count(), "span was", "spans were")));
  }
  if (response.set_changed()) {
    warnings.push_back(fmt::format("other events were counted until {} ago: the window begins there",
                                   FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns())));
  } else if (IsOverwritten(window)) {
    warnings.push_back(fmt::format("spans of more than {} ago are no longer kept: ask for a shorter --window",
                                   FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns())));
  }
  AddUnavailable(response.threads(), warnings);
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(window, warnings);
  AddOffOfSums(window, warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryHardwareResponse& response) {
  std::vector<std::string> warnings;
  if (!response.collecting()) {
    warnings.push_back("nobody asks for it: no CPU reads its registers: attach a process with --probes hardware");
  }
  std::string mendable;
  for (const v1::HardwareSource& source : response.sources()) {
    // Of registers, where they were asked for, each CPU says itself why they could not be read.
    if (source.available() || source.mend().empty() || source.name() == "registers") continue;
    mendable += (mendable.empty() ? "" : ", ") + Printable(source.name());
  }
  if (!mendable.empty()) warnings.push_back(fmt::format("unavailable here, and can be mended: {}: see above how", mendable));
  const bool unread = std::any_of(response.cpus().begin(), response.cpus().end(),
                                  [](const v1::CpuHardware& cpu) { return !cpu.registers_reason().empty(); });
  if (unread) warnings.push_back("registers could not be read: see above why");
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryOperationsResponse& response) {
  std::vector<std::string> warnings;
  if (!response.available()) return {"marks are not read: " + Printable(response.reason())};
  for (const v1::MarkedProgram& program : response.programs()) {
    const v1::MarkCounts& marks = program.marks();
    const uint64_t refused = RefusedMarks(marks);
    const std::string who = fmt::format("{}[{}]", Printable(program.comm()), program.pid());
    if (marks.dropped_count() > 0) {
      warnings.push_back(fmt::format("{} of {} were overwritten before they were read: give it larger rings, or let it mark less",
                                     Counted(marks.dropped_count(), "mark"), who));
    }
    if (refused > 0) {
      warnings.push_back(fmt::format("{} of {} cannot be true and {} in no figure: --json says what is wrong with them",
                                     Counted(refused, "mark"), who, refused == 1 ? "is" : "are"));
    }
  }
  const uint64_t unread = static_cast<uint64_t>(response.refused_size()) + response.unlisted_refused_count();
  if (unread > 0) warnings.push_back(fmt::format("{} cannot be read: see above why", Counted(unread, "marker file")));
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryNetworkResponse& response) {
  std::vector<std::string> warnings;
  if (!response.collecting()) warnings.push_back("packets are not counted now: " + Printable(response.reason()));
  for (const std::string& missing : response.missing()) warnings.push_back("not available: " + Printable(missing));
  if (!response.softnet_unavailable().empty()) {
    warnings.push_back("what the kernel counts by CPU is not available: " + Printable(response.softnet_unavailable()));
  }
  if (!response.counters_unavailable().empty()) {
    warnings.push_back("what the interfaces count is not available: " + Printable(response.counters_unavailable()));
  }
  if (response.unread_interface_count() > 0) {
    warnings.push_back(Counted(response.unread_interface_count(), "interface is", "interfaces are") +
                       " beyond the limit: without counters");
  }
  // What tables had no place for is summed since the daemon started: the answer says it, but one such drop is no warning for ever.
  AddUnavailable(response.threads(), warnings);
  AddUnslotted(response.unslotted_thread_count(), warnings);
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::SampleStateResponse& response) {
  std::vector<std::string> warnings;
  // Fewer than 99 %.
  if (response.on_time_count() * 100 < response.due_count() * 99) {
    warnings.push_back(
        fmt::format("of {} {} were late and {} missed: the daemon's CPU was taken by others, or so many CPUs take longer: give "
                    "a longer --interval or fewer --cpus",
                    Counted(response.due_count(), "tick"), response.late_count(), response.missed_count()));
  }
  for (const v1::SampledCpu& cpu : response.cpus()) {
    if (UnknownShare(cpu) > 0)
      warnings.push_back(
          fmt::format("who ran on CPU {} was not known for {:.1f} % of its samples: see above why", cpu.cpu(), UnknownShare(cpu) * 100));
  }
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::QueryTimelineResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(
        fmt::format("{} lost in the window: what threads did before is unknown where it may have been theirs: see `hftmon "
                    "status`",
                    Lost(response.lost_records())));
  }
  if (response.pieces_left_out()) {
    warnings.push_back(
        "older pieces are missing: ask for a shorter --window, for fewer threads, or for more with --pieces; or start hftmond with a "
        "larger "
        "--switch-history");
  }
  if (!response.threads().empty() && !response.has_off_cpu_floor_ns()) {
    warnings.push_back(
        "sleeps are not known one by one, at least in a part of the window: they look like running, but for those that a longer wait "
        "ended: attach with --blocked 50us, then wait a --window");
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  AddLate(response.window(), warnings);
  if (response.window().off_ns() > 0) {
    warnings.push_back(fmt::format("the programs were off for {} of the window (`hftmon off`): what threads did then is unknown",
                                   FormatDuration(response.window().off_ns())));
  }
  return warnings;
}

std::vector<std::string> WarningsOf(const v1::CorrelateEventsResponse& response) {
  std::vector<std::string> warnings;
  if (response.lost_records() > 0) {
    warnings.push_back(fmt::format("{} lost between the first event and the last: stalls may be missing: see `hftmon status`",
                                   Lost(response.lost_records())));
  }
  if (response.incomplete()) {
    warnings.push_back(
        response.has_floor_ns()
            ? fmt::format("incomplete: stalls of some of these times are no longer kept, or were below the floor of {}: ask sooner, start "
                          "hftmond with a larger --spike-history (spike_history), or attach with a lower --threshold",
                          FormatDuration(response.floor_ns()))
            : "incomplete: no stalls were recorded at some of these times: attach before the events happen");
  }
  AddUnslotted(response.unslotted_thread_count(), warnings);
  return warnings;
}

void PrintWarnings(Console& console, const std::string& verb, const std::vector<std::string>& warnings) {
  for (const std::string& warning : warnings) console.Err(fmt::format("hftmon: {}: {}\n", verb, Printable(warning)));
}

}  // namespace hftmon
