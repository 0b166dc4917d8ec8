#include "client/cli/render/memory.h"

#include <fmt/format.h>

#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/fault.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::vector<std::string> WhoCells(const v1::ThreadId& thread) {
  return {Printable(thread.comm()), BothNumbers(thread.pid(), thread.namespace_pid()), BothNumbers(thread.tid(), thread.namespace_tid())};
}

std::string FaultTable(const v1::QueryMemoryResponse& response) {
  Table table(
      {{"thread", Table::Align::kLeft}, {"pid"}, {"tid"}, {"kind", Table::Align::kLeft}, {"count"}, {"sum"}, {"off-CPU"}, {"longest"}});
  for (const v1::ThreadMemory& thread : response.threads()) {
    if (!thread.available()) continue;
    std::vector<std::string> who = WhoCells(thread.thread());
    bool any = false;
    const auto add = [&](const std::vector<std::string>& cells) {
      any = true;
      who.insert(who.end(), cells.begin(), cells.end());
      table.AddRow(who);
      who = {"", "", ""};
    };
    const auto add_sum = [&](const char* name, const v1::FaultSum& sum) {
      if (sum.count() == 0) return;
      add({name, std::to_string(sum.count()), FormatDuration(sum.duration_ns()), FormatDuration(sum.off_cpu_ns()),
           FormatDuration(sum.longest_ns())});
    };
    add_sum("user minor", thread.user_minor());
    add_sum("user major", thread.user_major());
    add_sum("kernel minor", thread.kernel_minor());
    add_sum("kernel major", thread.kernel_major());
    add_sum("reclaim", thread.reclaim());
    add_sum("compaction", thread.compaction());
    if (thread.unended_count() > 0) add({"unended", std::to_string(thread.unended_count())});
    if (!any) add({"none yet"});
  }
  return table.empty() ? "" : table.Print();
}

std::string FlushTable(const v1::QueryMemoryResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"pid"},
               {"tid"},
               {"TLB flushes: remote shootdowns"},
               {"of these full"},
               {"sent"},
               {"local"},
               {"at switches"},
               {"other"}});
  for (const v1::ThreadMemory& thread : response.threads()) {
    if (!thread.available()) continue;
    const v1::TlbFlushes& tlb = thread.tlb();
    std::vector<std::string> cells = WhoCells(thread.thread());
    for (const uint64_t count : {tlb.remote_shootdown_count(), tlb.remote_full_count(), tlb.sent_count(), tlb.local_count(),
                                 tlb.switch_count(), tlb.other_count()}) {
      cells.push_back(std::to_string(count));
    }
    table.AddRow(cells);
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string MappingTable(const v1::QueryMemoryResponse& response) {
  Table table({{"pid"}, {"mapping", Table::Align::kLeft}, {"start"}, {"count"}, {"major"}, {"sum"}, {"longest"}, {"threads"}});
  for (const v1::FaultedMapping& mapping : response.mappings()) {
    table.AddRow({BothNumbers(mapping.pid(), mapping.namespace_pid()), MappingText(mapping.mapping(), mapping.file()),
                  mapping.mapping_start() > 0 ? fmt::format("{:#x}", mapping.mapping_start()) : "", std::to_string(mapping.count()),
                  std::to_string(mapping.major_count()), FormatDuration(mapping.duration_ns()),
                  fmt::format("{} (#{})", FormatDuration(mapping.longest_ns()), mapping.longest_spike_id()),
                  std::to_string(mapping.tids_size())});
  }
  return table.Print();
}

std::string MappingsPart(const v1::QueryMemoryResponse& response) {
  if (response.mappings_size() == 0 && CountUnavailable(response.threads()) == response.threads_size()) {
    return "long page faults: unavailable: no thread above has figures\n";
  }
  const v1::Window& window = response.window();
  const std::string when = fmt::format("the last {}{}{}", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                                       WindowNote(window, response.time()),
                                       response.has_fault_floor_ns() ? "" : ", in a part of which single faults were not recorded");
  const std::string above = response.has_fault_floor_ns() ? " above " + FormatDuration(response.fault_floor_ns()) : "";
  if (response.mappings_size() == 0) return fmt::format("no page fault{} in {}\n", above, when);
  return fmt::format("page faults{}, by what is mapped there now, in {}\n{}", above, when, MappingTable(response));
}

Json SumJson(const v1::FaultSum& sum) {
  return {{"count", sum.count()}, {"duration_ns", sum.duration_ns()}, {"off_cpu_ns", sum.off_cpu_ns()}, {"longest_ns", sum.longest_ns()}};
}

Json TlbJson(const v1::TlbFlushes& tlb) {
  return {{"remote_shootdown_count", tlb.remote_shootdown_count()},
          {"remote_full_count", tlb.remote_full_count()},
          {"sent_count", tlb.sent_count()},
          {"local_count", tlb.local_count()},
          {"switch_count", tlb.switch_count()},
          {"other_count", tlb.other_count()}};
}

Json ThreadJson(const v1::ThreadMemory& thread) {
  Json json{
      {"tid", thread.thread().tid()}, {"comm", thread.thread().comm()}, {"pid", thread.thread().pid()}, {"available", thread.available()}};
  AddInnerNumbers(thread.thread(), &json);
  if (!thread.available()) {
    json["reason"] = thread.reason();
    return json;
  }
  json["user_minor"] = SumJson(thread.user_minor());
  json["user_major"] = SumJson(thread.user_major());
  json["kernel_minor"] = SumJson(thread.kernel_minor());
  json["kernel_major"] = SumJson(thread.kernel_major());
  json["unended_count"] = thread.unended_count();
  json["tlb"] = TlbJson(thread.tlb());
  json["reclaim"] = SumJson(thread.reclaim());
  json["compaction"] = SumJson(thread.compaction());
  return json;
}

Json MappingJson(const v1::FaultedMapping& mapping) {
  Json json{{"pid", mapping.pid()}, {"mapping", mapping.mapping()}};
  if (!mapping.file().empty()) json["file"] = mapping.file();
  if (mapping.mapping_start() > 0) json["mapping_start"] = mapping.mapping_start();
  json["count"] = mapping.count();
  json["major_count"] = mapping.major_count();
  json["duration_ns"] = mapping.duration_ns();
  json["longest_ns"] = mapping.longest_ns();
  json["longest_spike_id"] = mapping.longest_spike_id();
  json["tids"] = mapping.tids();
  if (mapping.namespace_pid() > 0) json["namespace_pid"] = mapping.namespace_pid();
  return json;
}

}  // namespace

std::string MemoryText(const v1::QueryMemoryResponse& response) {
  if (response.threads_size() > 0) {
    return FaultTable(response) + FlushTable(response) + UnavailableText(response.threads()) + "\n" + MappingsPart(response);
  }
  // Of those that have ended, the long faults are still known.
  const std::string none = "no thread is watched\n";
  return response.mappings_size() == 0 ? none : none + "\n" + MappingsPart(response);
}

Json MemoryJson(const v1::QueryMemoryResponse& response) {
  Json json = NewAnswer();
  json["time"] = TimeJson(response.time());
  json["window"] = WindowJson(response.window());
  json["lost_records"] = response.lost_records();
  json["unslotted_thread_count"] = response.unslotted_thread_count();
  json["incomplete"] = response.incomplete();
  if (response.has_fault_floor_ns()) json["fault_floor_ns"] = response.fault_floor_ns();
  json["threads"] = Json::array();
  for (const v1::ThreadMemory& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["mappings"] = Json::array();
  for (const v1::FaultedMapping& mapping : response.mappings()) json["mappings"].push_back(MappingJson(mapping));
  return json;
}

}  // namespace hftmon
