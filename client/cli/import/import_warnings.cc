#include "client/cli/import/import_warnings.h"

#include <fmt/format.h>

#include <algorithm>

#include "client/cli/table.h"
#include "common/counted.h"

namespace hftmon {
namespace {

constexpr char kNoRoom[] = "the recorder read too slowly: record with a larger buffer (`perf record -m`) or less often";
constexpr char kDropped[] =
    "dropped by the hardware or the kernel (records that found no room may be among them): sample less often, or with a larger buffer";

constexpr char kNoThread[] = "without a thread id: record with PERF_SAMPLE_TID";
constexpr char kNoTraceThread[] =
    "of which thread or process they are the trace does not tell: record as root, on a kernel with CONFIG_PID_IN_CONTEXTIDR, or one thread "
    "(`perf record --per-thread`)";

class Warnings {
 public:
  explicit Warnings(const std::vector<std::string>& notes) : all_(notes) {}
  // Nothing where the count is 0. `text` has a place for what was counted.
  void Add(uint64_t count, std::string_view singular, std::string_view plural, std::string_view text) {
    if (count > 0) all_.push_back(fmt::format("{}{}", Counted(count, singular, plural), text));
  }
  const std::vector<std::string>& all() const { return all_; }

 private:
  std::vector<std::string> all_;
};

void AddLosses(const ImportReport& report, Warnings* warnings) {
  for (const PerfEvent& event : report.summary.events) {
    const std::string name = Printable(event.name);
    warnings->Add(event.lost_count, "record", "", fmt::format(" lost of {}: {}", name, kNoRoom));
    warnings->Add(event.lost_sample_count, "sample", "", fmt::format(" lost of {}: {}", name, kDropped));
    warnings->Add(event.throttle_count, "time", "",
                  fmt::format(" sampling of {} stood still: it came too often for the kernel: record with a longer period, or raise "
                              "kernel.perf_event_max_sample_rate",
                              name));
  }
  warnings->Add(report.lost_of_no_event, "record", "", fmt::format(" lost, of which event is not told: {}", kNoRoom));
  warnings->Add(report.lost_samples_of_no_event, "sample", "", fmt::format(" lost, of which event is not told: {}", kDropped));
}

void AddLossesOfTrace(const ImportedTrace& trace, Warnings* warnings) {
  const SpeTraceCounts& counts = trace.counts;
  warnings->Add(
      counts.truncated, "time", "",
      " the buffer of the Arm SPE trace was full, and what came then is missing: record with a larger one (`perf record -m ,64M`), or "
      "less often (`-c`)");
  warnings->Add(
      counts.collided, "time", "",
      " an operation was to be sampled before the last was done, and is missing (how many each time is not told): record less often "
      "(`perf record -c`)");
  warnings->Add(counts.partial, "time", "", " the hardware left a gap in the Arm SPE trace: record less often (`perf record -c`)");
  warnings->Add(counts.overwritten, "time", "", " older parts of the Arm SPE trace were written over: record without snapshots");
  warnings->Add(
      counts.read.malformed, "place", "",
      fmt::format(" of the Arm SPE trace no records, {} bytes passed over there: copy the file again", counts.read.skipped_bytes));
  warnings->Add(counts.read.cut_records, "record", "", " of the Arm SPE trace cut off by the end of a part of it: they are left out");
  warnings->Add(counts.dropped_blocks, "part", "", " of the Arm SPE trace beyond what is kept, and not read: record for a shorter time");
  warnings->Add(counts.dropped_aux + trace.dropped_thread_records, "record", "",
                " of AUX buffers, switches and tasks beyond what is kept: threads and times may be wrong: record for a shorter time");
  warnings->Add(
      counts.unread_sources, "load", "",
      " with a data source whose code is not known of that CPU (or which CPU it was is not known): served by what the events tell");
  warnings->Add(counts.saturated_latencies, "latency", "latencies",
                " at the end of the hardware's counter: they may have been longer, and sums and percentiles with them");
  warnings->Add(counts.unknown_packets, "packet", "",
                " of the Arm SPE trace newer than this reader, and left out: import with a newer one");
  warnings->Add(trace.without_own_time, "access", "accesses",
                " without a time that is the recording's: mappings are those of when the kernel handed it over, at best: record with "
                "`arm_spe/ts_enable=1/` and without `-k`");
}

// What of the accesses is in no line, or not with certainty.
void AddGapsOfAccesses(const ImportedAccesses& accesses, bool of_trace, Warnings* warnings) {
  const AccessGaps& gaps = accesses.gaps;
  warnings->Add(gaps.guest_count, "sample", "", " of memory in guests, in no line: a guest's addresses are its own: record in the guest");
  warnings->Add(gaps.threadless_count, "sample", "", fmt::format(" of memory in no line: {}", of_trace ? kNoTraceThread : kNoThread));
  warnings->Add(gaps.dropped_task_count, "mapping, exec or fork", "mappings, execs or forks",
                " beyond what is kept: names of code and data may be missing or wrong: record fewer processes");
  warnings->Add(gaps.changed_place_count, "address", "addresses",
                " not named: another file lay there at another time (an exec, a number taken again): record for a shorter time");
  warnings->Add(gaps.unplaced_access_count, "access", "accesses",
                " at more addresses than are kept: their code and data are not named: record for a shorter time");
  warnings->Add(
      gaps.early_drain_count, "time", "",
      fmt::format(" more accesses came than are brought into the order of time at once ({}): around there a mapping may have come too "
                  "late: record for a shorter time",
                  TimedRecords::kAccessesMax));
  if (!accesses.table) return;
  warnings->Add(accesses.table->no_address, "sample", "",
                of_trace ? " of memory in no line: the hardware told no address"
                         : " of memory in no line: without an address: record with `perf mem record` or `perf record -d`");
  warnings->Add(accesses.table->dropped.contended(), "contended access", "contended accesses",
                " of more cache lines than are kept at a time: the table may miss a line: record for a shorter time");
  const auto count = [&accesses](auto is) {
    return static_cast<uint64_t>(
        std::count_if(accesses.lines.begin(), accesses.lines.end(), [&is](const PlacedLine& one) { return is(one.line); }));
  };
  warnings->Add(
      count([](const ContendedLine& line) { return line.dropped_site_accesses > 0 || line.cpus_dropped; }), "line", "",
      " with more threads, places or CPUs than are kept: verdict and advice are of those that were kept: record for a shorter time");
  warnings->Add(count([](const ContendedLine& line) { return line.begin_missing; }), "line", "",
                " first kept when others had been dropped: accesses before may be missing: record for a shorter time");
}

}  // namespace

std::vector<std::string> WarningsOf(const ImportReport& report) {
  Warnings warnings(report.summary.notes);
  AddLosses(report, &warnings);
  AddGapsOfAccesses(report.accesses, report.trace.has_value(), &warnings);
  if (report.trace) AddLossesOfTrace(*report.trace, &warnings);
  if (!report.trace && report.summary.aux_bytes > 0) {
    warnings.Add(report.summary.aux_bytes, "byte", "", " of hardware trace not decoded: see `hardware_trace` of what is unavailable");
  }
  warnings.Add(report.dropped_stats, "count", "",
               fmt::format(" of `perf stat` left out: {} are kept: record fewer events, CPUs or threads", ImportStats::kStatsMax));
  const auto multiplexed =
      std::count_if(report.stats.begin(), report.stats.end(), [](const ImportedStat& stat) { return stat.multiplexed; });
  warnings.Add(static_cast<uint64_t>(multiplexed), "count", "",
               " scaled: more events were asked for than there are counters: ask for fewer at a time");
  return warnings.all();
}

}  // namespace hftmon
