#include "client/cli/import_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>
#include <utility>

#include "client/cli/table.h"
#include "client/cli/timed_records.h"
#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/memory_access/sampled_access.h"
#include "common/perf/perf_address_spaces.h"
#include "common/perf/perf_record.h"
#include "common/saturating_sum.h"

namespace hftmon {
namespace {

constexpr char kNoMemorySamples[] =
    "no event of this file tells where accesses were served from (PERF_SAMPLE_DATA_SRC): record with `perf mem record` or `perf c2c "
    "record`";

bool TellsAccesses(const PerfEvent& event) {
  return event.attr.Samples(PerfSampleBit::kDataSource);
}

// Gathers while the file is read.
class Gatherer : public PerfDataVisitor {
 public:
  explicit Gatherer(const ContendedLineLimits& limits) : lines_(limits) {}

  void OnSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc) override {
    if (!sample.data_source) return;
    ++data_source_samples_;
    const MemoryAccess access = AccessOfSample(event.attr, sample);
    if (!access.source.IsAccess()) return;
    ++access_samples_;
    loads_.Add(access);
    // Whose memory it was cannot be told: of a guest the addresses are its own.
    if (const unsigned mode = misc & PerfRecordHeader::kModeMask; mode == kGuestKernel || mode == kGuestUser) {
      ++guest_accesses_;
      return;
    }
    // Nor who shares a line with whom.
    if (!sample.tid) {
      ++threadless_accesses_;
      return;
    }
    if (records_.AddAccess(access)) return;
    ++early_drain_count_;
    Drain();
    records_.AddAccess(access);
  }
  void OnStat(const PerfEvent* event, const PerfStat& stat) override {
    if (event == nullptr) return;  // told in the file's notes
    const StatKey key{event->index, stat.cpu, stat.thread};
    const auto found = stats_.find(key);
    if (found != stats_.end()) {
      found->second = stat;
    } else if (stats_.size() < ImportReport::kStatsMax) {
      stats_.emplace(key, stat);
    } else {
      ++dropped_stats_;
    }
  }
  void OnLost(const PerfEvent* event, const PerfLost& lost) override {
    if (event == nullptr) lost_of_no_event_ = SaturatingSum(lost_of_no_event_, lost.count);  // else it is in the event's count
  }
  void OnComm(const PerfComm& comm) override { records_.AddComm(comm); }
  void OnMapping(const PerfMapping& mapping) override { records_.AddMapping(mapping); }
  void OnFork(const PerfTask& task) override { records_.AddFork(task); }

  void Finish(PerfDataSummary summary, const ImportOptions& options, ImportReport* report) {
    Drain();
    report->summary = std::move(summary);
    report->dropped_stats = dropped_stats_;
    report->dropped_mappings = spaces_.dropped_count() + records_.dropped_task_count();
    report->early_drain_count = early_drain_count_;
    report->guest_accesses = guest_accesses_;
    report->lost_of_no_event = lost_of_no_event_;
    report->threadless_accesses = threadless_accesses_;
    AddStats(report);
    AddAccesses(options, report);
    if (report->summary.skipped_aux_bytes > 0) {
      report->unavailable.push_back(
          {"hardware_trace", fmt::format("{} bytes of a hardware trace (Intel PT, Arm SPE …) are not decoded: `perf "
                                         "script --itrace` turns them into samples, on the machine that has perf for it",
                                         report->summary.skipped_aux_bytes)});
    }
  }

 private:
  using StatKey = std::tuple<size_t, int32_t, uint32_t>;  // event, CPU, thread

  static constexpr unsigned kGuestKernel = 4;
  static constexpr unsigned kGuestUser = 5;

  void Drain() {
    records_.Drain(&spaces_, [this](const MemoryAccess& access) {
      // Where the address was not told it counts as such.
      const std::optional<LinePlace> shared = SharedPlace(access);
      if (shared) {
        lines_.Add(access, *shared);
      } else {
        lines_.Add(access);
      }
    });
  }
  std::optional<LinePlace> SharedPlace(const MemoryAccess& access) const {
    if (access.address == 0) return std::nullopt;
    const MappedRange* range = spaces_.Find(access.pid, access.address);
    if (range == nullptr || !range->shared || range->kernel || !range->inode) return std::nullopt;
    return SharedMappingPlace(range->device_major, range->device_minor, *range->inode,
                              range->file_offset + (access.address - range->start));
  }
  std::optional<MappedPlace> PlaceOf(uint32_t pid, uint64_t address, const PerfBuildIds& build_ids) const {
    const MappedRange* range = address == 0 ? nullptr : spaces_.Find(pid, address);
    if (range == nullptr) return std::nullopt;
    MappedPlace place{.mapping = std::string(range->name),
                      .file_offset = range->file_offset + (address - range->start),
                      .kernel = range->kernel,
                      .build_id = std::string(range->build_id)};
    if (place.build_id.find_first_not_of('\0') != std::string::npos) return place;
    const std::optional<std::string_view> of_name = build_ids.Find(range->name);
    place.build_id = of_name.value_or("");
    place.build_id_ambiguous = of_name.has_value() && of_name->empty();
    return place;
  }

  // A thread's count of an event of one kind of a hybrid processor's cores: it stands still while the thread is on the other kind.
  static bool CountsOnOneKindOfCore(const PerfEvent& event, int32_t cpu) {
    constexpr uint32_t kHardware = 0;
    constexpr uint32_t kHardwareCache = 3;
    const bool generic = event.attr.type == kHardware || event.attr.type == kHardwareCache;
    return cpu < 0 &&
           ((generic && event.attr.config >> 32 != 0) || event.name.starts_with("cpu_core/") || event.name.starts_with("cpu_atom/"));
  }
  static void FillValue(const PerfEvent& event, const PerfStat& stat, ImportedStat* row) {
    if (stat.enabled_ns == 0) {
      row->reason = "never switched on: the thread did not run, or the CPU was offline";
      return;
    }
    if (stat.running_ns == 0) {
      row->reason = "not counted: no counter was free for it, or where it ran there is no such event";
      return;
    }
    double scale = event.scale;
    if (stat.running_ns < stat.enabled_ns) {
      row->multiplexed = !CountsOnOneKindOfCore(event, row->cpu);
      if (row->multiplexed) {
        scale *= static_cast<double>(stat.enabled_ns) / static_cast<double>(stat.running_ns);
      } else {
        row->reason = "not scaled: it counts on its own kind of core alone";
      }
    }
    const double value = static_cast<double>(stat.value) * scale;
    if (std::isfinite(value)) {
      row->value = value;
    } else {
      row->reason = "beyond what a number holds, by the file's own scale";
    }
  }
  void AddStats(ImportReport* report) const {
    for (const auto& [key, stat] : stats_) {
      const auto& [event, cpu, thread] = key;
      ImportedStat row{.event = event,
                       .cpu = cpu,
                       .thread = thread,
                       .raw_value = stat.value,
                       .enabled_ns = stat.enabled_ns,
                       .running_ns = stat.running_ns};
      FillValue(report->summary.events[event], stat, &row);
      report->stats.push_back(std::move(row));
    }
    if (stats_.empty()) return;
    for (const PerfEvent& event : report->summary.events) {
      const auto first = stats_.lower_bound(StatKey{event.index, INT32_MIN, 0});
      if (first != stats_.end() && std::get<0>(first->first) == event.index) continue;
      report->unavailable.push_back({event.name, "it was not supported where it was recorded: no value of it is in the file"});
    }
  }
  void AddAccesses(const ImportOptions& options, ImportReport* report) const {
    if (access_samples_ == 0) {
      const bool asked = std::any_of(report->summary.events.begin(), report->summary.events.end(), TellsAccesses);
      std::string why = kNoMemorySamples;
      if (asked && data_source_samples_ == 0) {
        why =
            "the events that tell where accesses were served from have no sample: record for longer, or with a lower latency threshold "
            "(`perf mem record --ldlat`)";
      } else if (asked) {
        why = fmt::format(
            "{} tell where an access was served from, but none that it was one of memory: the events are not of loads or stores",
            Counted(data_source_samples_, "sample"));
      }
      report->unavailable.push_back({"memory_loads", why});
      report->unavailable.push_back({"contended_lines", why});
      return;
    }
    report->loads = loads_;
    if (guest_accesses_ == access_samples_) {
      report->unavailable.push_back(
          {"contended_lines", "all samples of memory are of guests, whose addresses are their own: record in the guest"});
      return;
    }
    if (threadless_accesses_ + guest_accesses_ == access_samples_) {
      report->unavailable.push_back({"contended_lines", "no sample of memory tells its thread: record with thread ids (PERF_SAMPLE_TID)"});
      return;
    }
    report->table = lines_.Build(options.order, NodesOfCpus(report->summary.host), options.lines_max);
    for (ContendedLine& line : report->table->lines) {
      ImportedLine imported;
      const PerfBuildIds& build_ids = report->summary.build_ids;
      // Of processes that share it, the one that sees it at this address.
      for (const LineSite& site : line.sites) {
        imported.data = PlaceOf(site.pid, line.address, build_ids);
        if (imported.data) break;
      }
      for (const LineSite& site : line.sites) imported.code.push_back(PlaceOf(site.pid, site.code_address, build_ids));
      imported.line = std::move(line);
      report->lines.push_back(std::move(imported));
    }
    report->table->lines.clear();
    const ContendedLineTable& table = *report->table;
    if (table.no_address > 0 && table.total.accesses == 0 && table.dropped.accesses == 0) {
      report->table.reset();
      report->unavailable.push_back(
          {"contended_lines", "no sample of memory tells its address: record with `perf mem record` or `perf record -d`"});
    }
  }
  static std::vector<std::optional<uint32_t>> NodesOfCpus(const PerfHost& host) {
    constexpr int kCpusMax = 65'536;
    std::vector<std::optional<uint32_t>> nodes;
    for (const PerfNode& node : host.nodes) {
      const auto cpus = ParseCpuList(node.cpus);
      if (!cpus.ok()) continue;
      for (const int cpu : *cpus) {
        if (cpu < 0 || cpu >= kCpusMax) continue;
        if (nodes.size() <= static_cast<size_t>(cpu)) nodes.resize(static_cast<size_t>(cpu) + 1);
        nodes[static_cast<size_t>(cpu)] = node.node;
      }
    }
    return nodes;
  }

  MemoryLoadSummary loads_;
  ContendedLines lines_;
  PerfAddressSpaces spaces_;
  std::map<StatKey, PerfStat> stats_;
  uint64_t data_source_samples_ = 0;
  uint64_t access_samples_ = 0;
  uint64_t threadless_accesses_ = 0;
  uint64_t guest_accesses_ = 0;
  uint64_t early_drain_count_ = 0;
  TimedRecords records_;
  uint64_t lost_of_no_event_ = 0;
  uint64_t dropped_stats_ = 0;
};

void AddLosses(const ImportReport& report, std::vector<std::string>* warnings) {
  for (const PerfEvent& event : report.summary.events) {
    const std::string name = Printable(event.name);
    if (event.lost_count > 0) {
      warnings->push_back(
          fmt::format("{} lost of {}: the recorder read too slowly: record with a larger buffer (`perf record -m`) or less often",
                      Counted(event.lost_count, "record"), name));
    }
    if (event.lost_sample_count > 0) {
      warnings->push_back(
          fmt::format("{} dropped of {}, by the hardware or the kernel (records that found no room may be among them): sample "
                      "less often",
                      Counted(event.lost_sample_count, "sample"), name));
    }
  }
  if (report.lost_of_no_event > 0) {
    warnings->push_back(
        fmt::format("{} lost, of which event is not told: the recorder read too slowly: record with a larger buffer "
                    "(`perf record -m`) or less often",
                    Counted(report.lost_of_no_event, "record")));
  }
  for (const PerfEvent& event : report.summary.events) {
    if (event.throttle_count == 0) continue;
    warnings->push_back(
        fmt::format("sampling of {} stood still {}: record with a longer period, or raise kernel.perf_event_max_sample_rate",
                    Printable(event.name), Counted(event.throttle_count, "time")));
  }
}

// What of the accesses is in no line, or not with certainty.
void AddGapsOfLines(const ImportReport& report, std::vector<std::string>* warnings) {
  if (report.table && report.table->no_address > 0) {
    warnings->push_back(fmt::format("{} of memory tell no address: they are in no line", Counted(report.table->no_address, "sample")));
  }
  const auto cut = std::count_if(report.lines.begin(), report.lines.end(), [](const ImportedLine& one) {
    return one.line.dropped_site_accesses > 0 || one.line.cpus_dropped || one.line.begin_missing;
  });
  if (cut > 0) {
    warnings->push_back(fmt::format("{} with more threads, places or CPUs than are kept: verdict and advice are of those that were kept",
                                    Counted(static_cast<uint64_t>(cut), "line")));
  }
  if (report.dropped_mappings > 0) {
    warnings->push_back(
        fmt::format("{} beyond what is kept: the mapping of some addresses is missing", Counted(report.dropped_mappings, "mapping")));
  }
  if (report.table && report.table->dropped.contended() > 0) {
    warnings->push_back(
        fmt::format("{} of more cache lines than are kept at a time: the table may miss a contended line: record for a shorter time",
                    Counted(report.table->dropped.contended(), "contended access", "contended accesses")));
  }
  if (report.guest_accesses > 0) {
    warnings->push_back(fmt::format("{} of memory are of guests, whose addresses are their own: they are in no line",
                                    Counted(report.guest_accesses, "sample")));
  }
  if (report.early_drain_count > 0) {
    warnings->push_back(
        fmt::format("more accesses than are brought into the order of time at a time ({}): around {} a mapping may have been "
                    "told too late: record for a shorter time",
                    TimedRecords::kAccessesMax, Counted(report.early_drain_count, "place")));
  }
  if (report.threadless_accesses > 0) {
    warnings->push_back(fmt::format("{} of memory tell no thread: they are in no line: record with thread ids",
                                    Counted(report.threadless_accesses, "sample")));
  }
}

}  // namespace

absl::StatusOr<ImportReport> ReadImportReport(ByteSource& source, const ImportOptions& options) {
  Gatherer gatherer({.line_bytes = options.line_bytes});
  absl::StatusOr<PerfDataSummary> summary = ReadPerfData(source, gatherer);
  if (!summary.ok()) return summary.status();
  ImportReport report;
  gatherer.Finish(*std::move(summary), options, &report);
  return report;
}

std::vector<std::string> WarningsOf(const ImportReport& report) {
  std::vector<std::string> warnings = report.summary.notes;
  AddLosses(report, &warnings);
  AddGapsOfLines(report, &warnings);
  if (report.dropped_stats > 0) {
    warnings.push_back(
        fmt::format("{} of `perf stat` beyond the {} that are kept", Counted(report.dropped_stats, "count"), ImportReport::kStatsMax));
  }
  const auto multiplexed =
      std::count_if(report.stats.begin(), report.stats.end(), [](const ImportedStat& stat) { return stat.multiplexed; });
  if (multiplexed > 0) {
    warnings.push_back(fmt::format("{} scaled, because more events were asked for than there are counters: ask for fewer at a time",
                                   Counted(static_cast<uint64_t>(multiplexed), "count")));
  }
  return warnings;
}

}  // namespace hftmon
