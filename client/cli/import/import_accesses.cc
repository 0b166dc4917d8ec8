#include "client/cli/import/import_accesses.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/counted.h"
#include "common/cpu_list.h"
#include "common/memory_access/sampled_access.h"
#include "common/perf/perf_record.h"

namespace hftmon {
namespace {

bool TellsAccesses(const PerfEvent& event) {
  return event.attr.Samples(PerfSampleBit::kDataSource);
}

std::vector<std::optional<uint32_t>> NodesOfCpus(const PerfHost& host) {
  std::vector<std::optional<uint32_t>> nodes;
  for (const PerfNode& node : host.nodes) {
    const auto cpus = ParseCpuList(node.cpus);
    if (!cpus.ok()) continue;
    for (const int cpu : *cpus) {
      if (nodes.size() <= static_cast<size_t>(cpu)) nodes.resize(static_cast<size_t>(cpu) + 1);
      nodes[static_cast<size_t>(cpu)] = node.node;
    }
  }
  return nodes;
}

}  // namespace

// Whether it is an access that can be in a line; counts it either way.
bool ImportAccesses::IsInLines(const MemoryAccess& access, bool of_guest, bool has_thread) {
  if (!access.source.IsAccess()) return false;
  ++access_count_;
  loads_.Add(access);
  // Whose memory it was cannot be told: of a guest the addresses are its own.
  if (of_guest) {
    ++gaps_.guest_count;
    return false;
  }
  // Nor who shares a line with whom.
  if (!has_thread) {
    ++gaps_.threadless_count;
    return false;
  }
  return true;
}

void ImportAccesses::AddSample(const PerfEvent& event, const PerfSample& sample, uint16_t misc) {
  if (!sample.data_source) return;
  ++data_source_count_;
  const MemoryAccess access = AccessOfSample(event.attr, sample);
  if (!IsInLines(access, PerfRecordHeader::IsOfGuest(misc), sample.tid.has_value()) || records_.AddAccess(access)) return;
  ++gaps_.early_drain_count;
  Drain();
  records_.AddAccess(access);
}

void ImportAccesses::AddTraced(const MemoryAccess& access, bool has_thread) {
  ++traced_count_;
  if (!IsInLines(access, /*of_guest=*/false, has_thread) || records_.AddAccess(access)) return;
  // What comes later is of later times. In a trace whose times go back, little is told so, and making room so for each one would never end.
  const size_t told = records_.DrainUntil(access.time_ns, &spaces_, [this](const MemoryAccess& one) { Take(one); });
  if (told < records_.accesses_max() / 2) {
    ++gaps_.early_drain_count;
    Drain();
  }
  records_.AddAccess(access);
}

void ImportAccesses::Drain() {
  records_.Drain(&spaces_, [this](const MemoryAccess& access) { Take(access); });
}

// By what is mapped now, which is then.
void ImportAccesses::Take(const MemoryAccess& access) {
  code_.Note({access.pid, access.code_address}, access.code_address, spaces_.Find(access.pid, access.code_address));
  if (access.address == 0) {
    lines_.Add(access);  // counted as of no address
    return;
  }
  const MappedRange* range = spaces_.Find(access.pid, access.address);
  LinePlace place = VirtualPlace(access).value_or(LinePlace());
  if (range != nullptr && range->shared && !range->kernel && range->inode) {
    place =
        SharedMappingPlace(range->device_major, range->device_minor, *range->inode, range->file_offset + (access.address - range->start));
  }
  lines_.Add(access, place);
  if (!IsContended(access)) return;
  const uint64_t in_line = place.address % line_bytes_;
  place.address -= in_line;
  data_.Note(place, access.address - in_line, range);
}

PlacedLine ImportAccesses::Placed(ContendedLine line, const PerfBuildIds& build_ids) const {
  const auto with_build_id = [&build_ids](std::optional<MappedPlace> place) {
    if (!place || place->build_id.find_first_not_of('\0') != std::string::npos) return place;
    const std::optional<std::string_view> of_name = build_ids.Find(place->mapping);
    place->build_id = of_name.value_or("");
    place->build_id_ambiguous = of_name.has_value() && of_name->empty();
    return place;
  };
  PlacedLine placed;
  placed.data = with_build_id(data_.Find(line.place));
  for (const LineOffset& offset : line.offsets) {
    // The line is of one page, and so of one mapping.
    placed.offset_data.push_back(placed.data);
    if (placed.data) placed.offset_data.back()->file_offset += offset.offset;
  }
  for (const LineSite& site : line.sites) placed.code.push_back(with_build_id(code_.Find({site.pid, site.code_address})));
  placed.line = std::move(line);
  return placed;
}

std::string ImportAccesses::WhyNoAccess(const PerfDataSummary& summary) const {
  if (traced_count_ > 0) {
    return fmt::format(
        "the hardware trace has {}, but no load or store: record with both (`perf record -e "
        "arm_spe/load_filter=1,store_filter=1/`)",
        Counted(traced_count_, "operation"));
  }
  if (summary.aux_bytes > 0 && data_source_count_ == 0) {
    return "what there may be is in the hardware trace, of which no operation is read: see `hardware_trace`";
  }
  if (std::none_of(summary.events.begin(), summary.events.end(), TellsAccesses)) {
    return "no event of this file tells where accesses were served from (PERF_SAMPLE_DATA_SRC): record with `perf mem record` or `perf c2c "
           "record`";
  }
  if (data_source_count_ == 0) {
    return "the events that tell where accesses were served from have no sample: record for longer, or with a lower latency threshold "
           "(`perf mem record --ldlat`)";
  }
  return fmt::format(
      "{} with the field for where an access was served from, in which it tells of no access of memory: the events are not of loads "
      "or stores: record with `perf mem record` or `perf c2c record`",
      Counted(data_source_count_, "sample"));
}

// Empty: some access may be in one.
std::string ImportAccesses::WhyNoLines() const {
  if (gaps_.guest_count == access_count_) {
    return "all samples of memory are of guests, whose addresses are their own: record in the guest";
  }
  if (gaps_.threadless_count + gaps_.guest_count == access_count_) {
    return traced_count_ > 0
               ? "no access of the hardware trace tells its thread: record as root on a kernel with CONFIG_PID_IN_CONTEXTIDR, "
                 "or one thread (`perf record --per-thread`)"
               : "no sample of memory tells its thread: record with thread ids (PERF_SAMPLE_TID)";
  }
  return "";
}

ImportedAccesses ImportAccesses::Finish(const PerfDataSummary& summary, LineOrder order, size_t lines_max,
                                        std::vector<UnavailablePart>* unavailable) {
  Drain();
  ImportedAccesses all;
  all.gaps = gaps_;
  all.gaps.dropped_task_count = spaces_.dropped_count() + records_.dropped_task_count();
  all.gaps.changed_place_count = code_.changed_count() + data_.changed_count();
  all.gaps.unplaced_access_count = code_.dropped_count() + data_.dropped_count();
  if (access_count_ == 0) {
    const std::string why = WhyNoAccess(summary);
    unavailable->push_back({"memory_loads", why});
    unavailable->push_back({"contended_lines", why});
    return all;
  }
  all.loads = loads_;
  if (const std::string why = WhyNoLines(); !why.empty()) {
    unavailable->push_back({"contended_lines", why});
    return all;
  }
  ContendedLineTable table = lines_.Build(order, NodesOfCpus(summary.host), lines_max);
  if (table.no_address > 0 && table.total.accesses == 0 && table.dropped.accesses == 0) {
    unavailable->push_back({"contended_lines", "no sample of memory tells its address: record with `perf mem record` or `perf record -d`"});
    return all;
  }
  for (ContendedLine& line : table.lines) all.lines.push_back(Placed(std::move(line), summary.build_ids));
  table.lines.clear();
  all.table = std::move(table);
  return all;
}

}  // namespace hftmon
