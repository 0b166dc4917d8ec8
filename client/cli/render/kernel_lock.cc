#include "client/cli/render/kernel_lock.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::string HolderText(const v1::KernelLockWait::Holder& holder) {
  return fmt::format("{}[{}]", holder.comm().empty() ? "?" : Printable(holder.comm()), BothNumbers(holder.tid(), holder.namespace_tid()));
}

Json HolderJson(const v1::KernelLockWait::Holder& holder) {
  Json json{{"tid", holder.tid()}, {"pid", holder.pid()}, {"comm", holder.comm()}};
  AddInnerNumbers(holder, &json);
  return json;
}

std::string HoldersCell(const v1::ContendedKernelLock& lock) {
  std::string text;
  for (const v1::KernelLockHolderShare& share : lock.holders()) {
    text += fmt::format("{}{} {}", text.empty() ? "" : "; ", share.count(), HolderText(share.holder()));
  }
  if (lock.unknown_holder_count() > 0) text += fmt::format("{}{} unknown", text.empty() ? "" : "; ", lock.unknown_holder_count());
  return text;
}

// Why no thread has any; the first that knows.
std::string WhyNone(const v1::QueryLocksResponse& response) {
  for (const v1::ThreadCalls& thread : response.threads()) {
    if (!thread.kernel_locks().reason().empty()) return Printable(thread.kernel_locks().reason());
  }
  return "no thread asks: attach a process with --probes kernel_locks";
}

}  // namespace

std::string KernelLockText(const v1::KernelLockWait& wait) {
  std::string text = fmt::format("    kernel lock: {} at {:#x}", wait.type(), wait.address());
  if (!wait.access().empty()) text += ", for " + wait.access();
  text += wait.has_holder() ? ", held by " + HolderText(wait.holder()) : ", its holder is not known";
  return text + "\n";
}

Json KernelLockJson(const v1::KernelLockWait& wait) {
  Json json{{"type", wait.type()}, {"address", wait.address()}};
  if (!wait.access().empty()) json["access"] = wait.access();
  if (wait.has_holder()) json["holder"] = HolderJson(wait.holder());
  return json;
}

std::string KernelLockSumsText(const v1::QueryLocksResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"pid"},
               {"tid"},
               {"lock of the kernel", Table::Align::kLeft},
               {"waits"},
               {"sum"},
               {"off-CPU"},
               {"longest"}});
  for (const v1::ThreadCalls& thread : response.threads()) {
    if (!thread.kernel_locks().available()) continue;
    std::vector<std::string> who = {Printable(thread.thread().comm()), BothNumbers(thread.thread().pid(), thread.thread().namespace_pid()),
                                    BothNumbers(thread.thread().tid(), thread.thread().namespace_tid())};
    const auto add = [&table, &who](const std::vector<std::string>& cells) {
      who.insert(who.end(), cells.begin(), cells.end());
      table.AddRow(who);
      who = {"", "", ""};
    };
    for (const v1::KernelLockSum& sum : thread.kernel_locks().sums()) {
      add({sum.type(), std::to_string(sum.count()), FormatDuration(sum.duration_ns()), FormatDuration(sum.off_cpu_ns()),
           FormatDuration(sum.longest_ns())});
    }
    if (thread.kernel_locks().sums_size() == 0) add({"none yet"});
    if (thread.kernel_locks().unended_count() > 0) add({"unended", std::to_string(thread.kernel_locks().unended_count())});
  }
  if (table.empty()) return "";
  std::string text = "\n" + table.Print();
  std::map<std::string, uint64_t> reasons;
  for (const v1::ThreadCalls& thread : response.threads()) {
    if (!thread.kernel_locks().available()) ++reasons[thread.kernel_locks().reason()];
  }
  for (const auto& [reason, count] : reasons) {
    text += fmt::format("locks of the kernel unavailable for {}: {}\n", Counted(count, "thread"), Printable(reason));
  }
  return text;
}

std::string KernelLocksPart(const v1::QueryLocksResponse& response, const std::string& when) {
  const bool asked = std::any_of(response.threads().begin(), response.threads().end(),
                                 [](const v1::ThreadCalls& thread) { return thread.kernel_locks().available(); });
  if (!asked && response.kernel_locks_size() == 0) {
    return fmt::format("locks of the kernel: unavailable: {}\n", WhyNone(response));
  }
  const std::string above = response.has_kernel_lock_floor_ns() ? " above " + FormatDuration(response.kernel_lock_floor_ns()) : "";
  if (response.kernel_locks_size() == 0) return fmt::format("no wait for a lock of the kernel{} in {}\n", above, when);
  Table table({{"address"}, {"type", Table::Align::kLeft}, {"waits"}, {"sum"}, {"longest"}, {"waiters"}, {"held by", Table::Align::kLeft}});
  for (const v1::ContendedKernelLock& lock : response.kernel_locks()) {
    table.AddRow({fmt::format("{:#x}", lock.address()), lock.type(), std::to_string(lock.count()), FormatDuration(lock.duration_ns()),
                  fmt::format("{} (#{})", FormatDuration(lock.longest_ns()), lock.longest_spike_id()),
                  std::to_string(lock.waiter_tids_size()), HoldersCell(lock)});
  }
  return fmt::format("locks of the kernel, by waits{} in {}\n{}", above, when, table.Print());
}

Json KernelLockSumsJson(const v1::KernelLocksOfThread& locks) {
  Json json{{"available", locks.available()}};
  if (!locks.available()) {
    json["reason"] = locks.reason();
    return json;
  }
  json["sums"] = Json::array();
  json["unended_count"] = locks.unended_count();
  for (const v1::KernelLockSum& sum : locks.sums()) {
    json["sums"].push_back({{"type", sum.type()},
                            {"count", sum.count()},
                            {"duration_ns", sum.duration_ns()},
                            {"off_cpu_ns", sum.off_cpu_ns()},
                            {"longest_ns", sum.longest_ns()}});
  }
  return json;
}

Json ContendedKernelLockJson(const v1::ContendedKernelLock& lock) {
  Json json{{"address", lock.address()},
            {"type", lock.type()},
            {"count", lock.count()},
            {"duration_ns", lock.duration_ns()},
            {"longest_ns", lock.longest_ns()},
            {"longest_spike_id", lock.longest_spike_id()},
            {"waiter_tids", lock.waiter_tids()},
            {"holders", Json::array()},
            {"unknown_holder_count", lock.unknown_holder_count()}};
  for (const v1::KernelLockHolderShare& share : lock.holders()) {
    json["holders"].push_back({{"holder", HolderJson(share.holder())}, {"count", share.count()}, {"duration_ns", share.duration_ns()}});
  }
  return json;
}

}  // namespace hftmon
