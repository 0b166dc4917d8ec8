#include "client/cli/render/locks.h"

#include <fmt/format.h>

#include <vector>

#include "client/cli/render/both_numbers.h"
#include "client/cli/render/call.h"
#include "client/cli/render/kernel_lock.h"
#include "client/cli/render/unavailable.h"
#include "client/cli/render/window.h"
#include "client/cli/table.h"
#include "common/counted.h"
#include "common/duration.h"

namespace hftmon {
namespace {

std::vector<std::string> CallCells(const std::string& name, const v1::CallSum& call) {
  const int64_t mean_ns = call.count() > 0 ? call.blocked_ns() / static_cast<int64_t>(call.count()) : 0;
  return {name,
          std::to_string(call.count()),
          FormatDuration(call.blocked_ns()),
          FormatDuration(mean_ns),
          FormatDuration(call.wait_ns()),
          FormatDuration(call.longest_ns()),
          call.has_longest_file_descriptor() ? DescriptorText(call.longest_file_descriptor(), call.longest_file()) : ""};
}

std::string ThreadTable(const v1::QueryLocksResponse& response) {
  Table table({{"thread", Table::Align::kLeft},
               {"pid"},
               {"tid"},
               {"blocked in", Table::Align::kLeft},
               {"count"},
               {"blocked"},
               {"mean"},
               {"then waited"},
               {"longest"},
               {"that on", Table::Align::kLeft}});
  for (const v1::ThreadCalls& thread : response.threads()) {
    if (!thread.available()) continue;
    std::vector<std::string> who = {Printable(thread.thread().comm()), BothNumbers(thread.thread().pid(), thread.thread().namespace_pid()),
                                    BothNumbers(thread.thread().tid(), thread.thread().namespace_tid())};
    const auto add = [&table, &who](const std::vector<std::string>& cells) {
      who.insert(who.end(), cells.begin(), cells.end());
      table.AddRow(who);
      who = {"", "", ""};
    };
    for (const v1::CallSum& call : thread.calls()) add(CallCells(call.name(), call));
    if (thread.has_others()) add(CallCells("other calls", thread.others()));
    if (thread.calls_size() == 0) add({"nothing yet", "", "", "", "", "", ""});
  }
  return table.empty() ? "" : table.Print();
}

std::string OwnersCell(const v1::ContendedLock& lock) {
  std::string text;
  for (const v1::OwnerShare& share : lock.owners()) {
    if (!text.empty()) text += "; ";
    text += fmt::format("{} {}", share.count(), OwnerText(share.owner()));
  }
  if (lock.unknown_owner_count() > 0) text += fmt::format("{}{} unknown", text.empty() ? "" : "; ", lock.unknown_owner_count());
  return text;
}

std::string LockTable(const v1::QueryLocksResponse& response) {
  Table table({{"pid"}, {"address"}, {"waits"}, {"blocked"}, {"longest"}, {"waiters"}, {"held by", Table::Align::kLeft}});
  for (const v1::ContendedLock& lock : response.locks()) {
    table.AddRow({BothNumbers(lock.pid(), lock.namespace_pid()), fmt::format("{:#x}", lock.address()), std::to_string(lock.count()),
                  FormatDuration(lock.blocked_ns()), fmt::format("{} (#{})", FormatDuration(lock.longest_ns()), lock.longest_spike_id()),
                  std::to_string(lock.waiter_tids_size()), OwnersCell(lock)});
  }
  return table.Print();
}

std::string FilesPart(const v1::QueryLocksResponse& response, const std::string& when) {
  if (response.files_size() == 0) return "";
  Table table({{"pid"},
               {"call", Table::Align::kLeft},
               {"file, as it is now", Table::Align::kLeft},
               {"waits"},
               {"blocked"},
               {"longest"},
               {"threads"}});
  for (const v1::BlockedFile& file : response.files()) {
    table.AddRow({BothNumbers(file.pid(), file.namespace_pid()), file.call(), DescriptorText(file.file_descriptor(), file.file()),
                  std::to_string(file.count()), FormatDuration(file.blocked_ns()),
                  fmt::format("{} (#{})", FormatDuration(file.longest_ns()), file.longest_spike_id()), std::to_string(file.tids_size())});
  }
  const std::string above = response.has_blocked_floor_ns() ? " above " + FormatDuration(response.blocked_floor_ns()) : "";
  return fmt::format("files, by waits{} in {}\n{}", above, when, table.Print());
}

std::string WhenText(const v1::QueryLocksResponse& response) {
  const v1::Window& window = response.window();
  return fmt::format("the last {}{}", FormatDuration(window.end_monotonic_ns() - window.begin_monotonic_ns()),
                     WindowNote(window, response.time()));
}

std::string LocksPart(const v1::QueryLocksResponse& response, const std::string& when) {
  std::string unlocated;
  if (response.unlocated_wait_count() > 0) {
    unlocated = fmt::format("and {} in a futex that could not be read\n", Counted(response.unlocated_wait_count(), "wait"));
  }
  if (!response.has_blocked_floor_ns() && response.locks_size() == 0) {
    return "locks: unavailable: no target asks for single waits: attach with --blocked 50us (say) to see whose locks they were\n";
  }
  const std::string above =
      response.has_blocked_floor_ns() ? " in off-CPU intervals above " + FormatDuration(response.blocked_floor_ns()) : "";
  if (response.locks_size() == 0)
    return fmt::format("no wait for a lock that ended{} in {} (those that go on: `spikes --blocked`)\n{}", above, when, unlocated);
  return fmt::format("locks, by waits{} in {} (without an owner it may be no lock: a condition variable, a joined thread)\n{}{}", above,
                     when, LockTable(response), unlocated);
}

Json SumJson(const v1::CallSum& call, bool named) {
  Json json = Json::object();
  if (named) {
    json["name"] = call.name();
    json["number"] = call.number();
  }
  json["count"] = call.count();
  json["blocked_ns"] = call.blocked_ns();
  json["wait_ns"] = call.wait_ns();
  json["longest_ns"] = call.longest_ns();
  if (call.has_longest_file_descriptor()) json["longest_file_descriptor"] = call.longest_file_descriptor();
  if (!call.longest_file().empty()) json["longest_file"] = call.longest_file();
  return json;
}

Json ThreadJson(const v1::ThreadCalls& thread) {
  Json json{
      {"tid", thread.thread().tid()}, {"comm", thread.thread().comm()}, {"pid", thread.thread().pid()}, {"available", thread.available()}};
  AddInnerNumbers(thread.thread(), &json);
  json["kernel_locks"] = KernelLockSumsJson(thread.kernel_locks());
  if (!thread.available()) {
    json["reason"] = thread.reason();
    return json;
  }
  json["calls"] = Json::array();
  for (const v1::CallSum& call : thread.calls()) json["calls"].push_back(SumJson(call, /*named=*/true));
  if (thread.has_others()) json["other_calls"] = SumJson(thread.others(), /*named=*/false);
  return json;
}

Json LockJson(const v1::ContendedLock& lock) {
  Json json{{"pid", lock.pid()},
            {"address", lock.address()},
            {"count", lock.count()},
            {"blocked_ns", lock.blocked_ns()},
            {"longest_ns", lock.longest_ns()},
            {"longest_spike_id", lock.longest_spike_id()},
            {"waiter_tids", lock.waiter_tids()},
            {"owners", Json::array()},
            {"unknown_owner_count", lock.unknown_owner_count()}};
  if (lock.namespace_pid() > 0) json["namespace_pid"] = lock.namespace_pid();
  for (const v1::OwnerShare& share : lock.owners()) {
    json["owners"].push_back({{"owner", OwnerJson(share.owner())},
                              {"count", share.count()},
                              {"blocked_ns", share.blocked_ns()},
                              {"running_count", share.running_count()},
                              {"runnable_count", share.runnable_count()}});
  }
  return json;
}

Json FileJson(const v1::BlockedFile& file) {
  Json json{{"pid", file.pid()}, {"call", file.call()}, {"file_descriptor", file.file_descriptor()}};
  if (!file.file().empty()) json["file"] = file.file();
  json["count"] = file.count();
  json["blocked_ns"] = file.blocked_ns();
  json["longest_ns"] = file.longest_ns();
  json["longest_spike_id"] = file.longest_spike_id();
  json["tids"] = file.tids();
  if (file.namespace_pid() > 0) json["namespace_pid"] = file.namespace_pid();
  return json;
}

}  // namespace

std::string LocksText(const v1::QueryLocksResponse& response) {
  const std::string when = WhenText(response);
  if (response.threads_size() == 0) {
    // Of those that have ended, the single waits are still known.
    std::string text = "no thread is watched\n";
    if (response.locks_size() > 0) text += "\n" + LocksPart(response, when);
    if (response.files_size() > 0) text += "\n" + FilesPart(response, when);
    return response.kernel_locks_size() > 0 ? text + "\n" + KernelLocksPart(response, when) : text;
  }
  return ThreadTable(response) + KernelLockSumsText(response) + UnavailableText(response.threads()) + "\n" + LocksPart(response, when) +
         FilesPart(response, when) + KernelLocksPart(response, when);
}

Json LocksJson(const v1::QueryLocksResponse& response) {
  Json json = NewHistoryAnswer(response);
  json["floor_of_part"] = response.floor_of_part();
  json["unlocated_wait_count"] = response.unlocated_wait_count();
  if (response.has_blocked_floor_ns()) json["blocked_floor_ns"] = response.blocked_floor_ns();
  json["threads"] = Json::array();
  for (const v1::ThreadCalls& thread : response.threads()) json["threads"].push_back(ThreadJson(thread));
  json["locks"] = Json::array();
  for (const v1::ContendedLock& lock : response.locks()) json["locks"].push_back(LockJson(lock));
  json["files"] = Json::array();
  for (const v1::BlockedFile& file : response.files()) json["files"].push_back(FileJson(file));
  if (response.has_kernel_lock_floor_ns()) json["kernel_lock_floor_ns"] = response.kernel_lock_floor_ns();
  json["kernel_locks"] = Json::array();
  for (const v1::ContendedKernelLock& lock : response.kernel_locks()) json["kernel_locks"].push_back(ContendedKernelLockJson(lock));
  return json;
}

}  // namespace hftmon
