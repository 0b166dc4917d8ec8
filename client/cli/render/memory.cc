#include "client/cli/render/memory.h"

#include <fmt/format.h>

#include <map>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/fault.h"
#include "client/cli/render/stack.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/counted.h"
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
    add_sum("migration", thread.migration());
    if (thread.collapse_count() > 0) add({"collapse", std::to_string(thread.collapse_count())});
    if (thread.failed_collapse_count() > 0) add({"collapse failed", std::to_string(thread.failed_collapse_count())});
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

// "flush_tlb_mm_range < change_protection < …": innermost first.
std::string PathText(const v1::StackPart& stack) {
  if (stack.frames_size() == 0) return "no stack: " + Printable(stack.reason());
  std::string text;
  for (const v1::StackFrame& frame : stack.frames()) {
    if (!text.empty()) text += " < ";
    text += frame.symbol().empty() ? fmt::format("{:#x}", frame.address()) : Printable(frame.symbol());
  }
  return text;
}

std::string SenderTable(const v1::QueryMemoryResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"tid"},
               {"shootdowns"},
               {"full"},
               {"sent by", Table::Align::kLeft},
               {"from", Table::Align::kLeft}});
  for (const v1::ThreadMemory& thread : response.threads()) {
    std::vector<std::string> who = {Printable(thread.thread().comm()), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid())};
    const auto add = [&](uint64_t count, const std::string& full, const std::string& sender, const std::string& from) {
      table.AddRow({who[0], who[1], std::to_string(count), full, sender, from});
      who = {"", ""};
    };
    for (const v1::ShootdownSender& sender : thread.senders()) {
      add(sender.count(), std::to_string(sender.full_count()),
          fmt::format("{}[{}]", Printable(sender.comm()), BothNumbers(sender.tid(), sender.namespace_tid())), PathText(sender.stack()));
    }
    if (thread.other_sender_count() > 0) add(thread.other_sender_count(), "", "other senders", "");
    if (thread.unknown_sender_count() > 0) add(thread.unknown_sender_count(), "", "not known", "");
  }
  return table.empty() ? "" : "\n" + table.Print();
}

std::string CountsText(const v1::PageMigrations& migrations) {
  std::string text = fmt::format("{} pages moved, {} not", migrations.moved_page_count(), migrations.failed_page_count());
  const std::map<std::string, uint64_t> sorted(migrations.reasons().begin(), migrations.reasons().end());
  for (const auto& [reason, count] : sorted) text += fmt::format(", {} for {}", Counted(count, "pass", "passes"), Printable(reason));
  return text;
}

// What moved memory, of threads, processes and the host; and what is not told here.
std::string MovedText(const v1::QueryMemoryResponse& response) {
  std::string text;
  for (const v1::ThreadMemory& thread : response.threads()) {
    const std::string who =
        fmt::format("{}[{}]", Printable(thread.thread().comm()), BothNumbers(thread.thread().tid(), thread.thread().namespace_tid()));
    if (thread.migration().count() > 0) text += fmt::format("migration in {}: {}\n", who, CountsText(thread.migrations()));
    if (thread.has_numa()) {
      text += fmt::format("NUMA balancing of {}: {} pages moved, fault sum {}\n", who, thread.numa().moved_page_count(),
                          thread.numa().fault_count());
    }
  }
  for (const v1::ProcessCollapses& process : response.collapses()) {
    text += fmt::format("huge pages that others made in process {}: {}, {} attempts failed\n",
                        BothNumbers(process.pid(), process.namespace_pid()), process.count(), process.failed_count());
  }
  if (response.has_numa()) {
    const v1::NumaBalancing& numa = response.numa();
    text += fmt::format("NUMA balancing of this host since it started: {} hint faults ({} local), {} pages moved, {} unmapped for hints\n",
                        numa.hint_fault_count(), numa.local_hint_fault_count(), numa.moved_page_count(), numa.unmapped_page_count());
  }
  for (const v1::UnavailablePart& part : response.unavailable()) {
    text += fmt::format("{}: unavailable: {}\n", Printable(part.part()), Printable(part.reason()));
  }
  return text.empty() ? "" : "\n" + text;
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

Json MigrationJson(const v1::ThreadMemory& thread) {
  Json json = SumJson(thread.migration());
  json["moved_page_count"] = thread.migrations().moved_page_count();
  json["failed_page_count"] = thread.migrations().failed_page_count();
  json["reasons"] = Json::object();
  // In an order of its own: a map's is another one at each time.
  const std::map<std::string, uint64_t> sorted(thread.migrations().reasons().begin(), thread.migrations().reasons().end());
  for (const auto& [reason, count] : sorted) json["reasons"][reason] = count;
  return json;
}

Json SenderJson(const v1::ShootdownSender& sender) {
  Json json{{"tid", sender.tid()}, {"pid", sender.pid()}, {"comm", sender.comm()}};
  AddInnerNumbers(sender, &json);
  json["count"] = sender.count();
  json["full_count"] = sender.full_count();
  if (sender.has_stack()) AddStackPart("kernel", sender.stack(), &json["stack"]);
  return json;
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
  if (thread.has_migration()) json["migration"] = MigrationJson(thread);
  json["senders"] = Json::array();
  for (const v1::ShootdownSender& sender : thread.senders()) json["senders"].push_back(SenderJson(sender));
  json["other_sender_count"] = thread.other_sender_count();
  json["unknown_sender_count"] = thread.unknown_sender_count();
  json["collapse_count"] = thread.collapse_count();
  json["failed_collapse_count"] = thread.failed_collapse_count();
  if (thread.has_numa()) {
    json["numa"] = {{"fault_count", thread.numa().fault_count()}, {"moved_page_count", thread.numa().moved_page_count()}};
  }
  return json;
}

Json CollapsesJson(const v1::ProcessCollapses& process) {
  Json json{{"pid", process.pid()},
            {"count", process.count()},
            {"failed_count", process.failed_count()},
            {"last_monotonic_ns", process.last_monotonic_ns()}};
  if (process.namespace_pid() > 0) json["namespace_pid"] = process.namespace_pid();
  return json;
}

Json NumaJson(const v1::NumaBalancing& numa) {
  return {{"unmapped_page_count", numa.unmapped_page_count()},
          {"hint_fault_count", numa.hint_fault_count()},
          {"local_hint_fault_count", numa.local_hint_fault_count()},
          {"moved_page_count", numa.moved_page_count()}};
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
    return FaultTable(response) + FlushTable(response) + SenderTable(response) + UnavailableText(response.threads()) + MovedText(response) +
           "\n" + MappingsPart(response);
  }
  // Of those that have ended, the long faults are still known.
  const std::string none = "no thread is watched\n";
  return response.mappings_size() == 0 ? none : none + "\n" + MappingsPart(response);
}

Json MemoryJson(const v1::QueryMemoryResponse& response) {
  Json json = NewHistoryAnswer(response);
  if (response.has_fault_floor_ns()) json["fault_floor_ns"] = response.fault_floor_ns();
  json["threads"] = Json::array();
  for (const v1::ThreadMemory& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["collapses"] = Json::array();
  for (const v1::ProcessCollapses& process : response.collapses()) json["collapses"].push_back(CollapsesJson(process));
  if (response.has_numa()) json["numa"] = NumaJson(response.numa());
  json["unavailable"] = Json::array();
  for (const v1::UnavailablePart& part : response.unavailable()) {
    json["unavailable"].push_back({{"part", part.part()}, {"reason", part.reason()}});
  }
  json["mappings"] = Json::array();
  for (const v1::FaultedMapping& mapping : response.mappings()) json["mappings"].push_back(MappingJson(mapping));
  return json;
}

}  // namespace hftmon
