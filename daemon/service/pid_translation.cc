#include "daemon/service/pid_translation.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "daemon/service/request_checks.h"
#include "daemon/service/rich_error.h"

namespace hftmon {
namespace {

constexpr char kNamespaceKey[] = "hftmon-pid-namespace";
constexpr char kNamespaceOfKey[] = "hftmon-pid-namespace-of";

// Absent without the key; 0: it is given and is no number, or more than one.
std::optional<uint64_t> NumberOf(const grpc::CallbackServerContext& context, const char* key) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  uint64_t number = 0;
  const bool parsed = absl::SimpleAtoi(absl::string_view(found->second.data(), found->second.size()), &number);
  return parsed && metadata.count(key) == 1 ? number : 0;
}

grpc::Status BadMetadata(const char* key) {
  return RichError(grpc::StatusCode::INVALID_ARGUMENT, "BAD_METADATA",
                   absl::StrCat("call metadata ", key, ": is no number of 1 or more, or given twice: see the top of monitor.proto"));
}

std::string Unread(uint64_t count) {
  if (count == 0) return "";
  return absl::StrCat(" (the namespaces of ", count, " processes may not be looked at: hftmond needs CAP_SYS_PTRACE)");
}

grpc::Status NoSuchNamespace(uint64_t inode, uint64_t unread_count) {
  return RichError(
      grpc::StatusCode::NOT_FOUND, "NO_SUCH_NAMESPACE",
      absl::StrCat("no process of this host is in the pid namespace ", inode, ": it ended, or is another host's", Unread(unread_count)));
}

grpc::Status NoSuchProcess(uint64_t inode, int32_t number, uint64_t unread_count) {
  return RichError(grpc::StatusCode::NOT_FOUND, "NO_SUCH_PROCESS",
                   absl::StrCat("there is no process ", number, " in the pid namespace ", inode,
                                ": `ps` within it shows its numbers; hftmon without --pid-namespace takes those of where it runs",
                                Unread(unread_count)));
}

// The level of its PidLevels at which a target is in the namespace.
std::optional<size_t> LevelWithin(const TargetInfo& target, uint64_t inode) {
  for (size_t level = 0; level < target.pid_levels.size(); ++level) {
    if (target.pid_levels[level].inode == inode) return level;
  }
  return std::nullopt;
}

bool IsTooLong(const PidTranslation::Ids& ids) {
  return ids.size() > kPidsPerQueryMax;
}

void Replace(const std::map<int32_t, uint32_t>& found, PidTranslation::Ids* ids) {
  for (int32_t& id : *ids) {
    const auto entry = found.find(id);
    if (entry != found.end()) id = static_cast<int32_t>(entry->second);
  }
}

}  // namespace

grpc::Status PidTranslation::InnermostOf(int32_t pid, uint64_t client_inode, uint64_t* inode) {
  uint32_t host_pid = static_cast<uint32_t>(pid);
  if (client_inode != 0) {
    Translated found;
    if (const grpc::Status status = FindProcesses(client_inode, {pid}, &found); !status.ok()) return status;
    host_pid = found.at(pid);
  }
  const absl::StatusOr<uint64_t> innermost = core_.namespaces->NamespaceOf(host_pid);
  if (innermost.ok()) {
    *inode = *innermost == *core_.namespaces->own() ? 0 : *innermost;
    return grpc::Status::OK;
  }
  const bool gone = absl::IsNotFound(innermost.status());
  return RichError(
      gone ? grpc::StatusCode::NOT_FOUND : grpc::StatusCode::FAILED_PRECONDITION, gone ? "NO_SUCH_PROCESS" : "NAMESPACE_UNREADABLE",
      absl::StrCat(
          "the pid namespace of process ", pid, ": ",
          gone ? "there is no such process: name one that is in the namespace whose numbers you give"
               : absl::StrCat("hftmond may not look at it (it needs CAP_SYS_PTRACE): ", absl::string_view(innermost.status().message()))));
}

grpc::Status PidTranslation::LearnAnew(uint64_t* inode) {
  *inode = 0;
  const std::optional<uint64_t> client = NumberOf(context_, kNamespaceKey);
  const std::optional<uint64_t> of = NumberOf(context_, kNamespaceOfKey);
  if (!client && !of) return grpc::Status::OK;
  if (client == 0) return BadMetadata(kNamespaceKey);
  if (of && (*of == 0 || *of > INT32_MAX)) return BadMetadata(kNamespaceOfKey);
  const absl::StatusOr<uint64_t> own =
      core_.namespaces == nullptr ? absl::StatusOr<uint64_t>(absl::UnavailableError("not asked")) : core_.namespaces->own();
  const uint64_t named = client.value_or(kInitialPidNamespace);
  const bool is_own = named == kInitialPidNamespace || (own.ok() && *own == named);
  if (is_own && !of) return grpc::Status::OK;
  if (core_.namespaces == nullptr || !core_.namespaces->in_initial()) {
    return RichError(grpc::StatusCode::FAILED_PRECONDITION, "NOT_IN_INITIAL_NAMESPACE",
                     "hftmond is not in the initial pid namespace (or cannot tell), so it cannot translate the numbers of other pid "
                     "namespaces: start it on the host, or give the numbers of the initial namespace");
  }
  if (!pass_) pass_.emplace(queries_, queries_max_);
  if (!pass_->status().ok()) return pass_->status();
  if (!is_own) *inode = named;
  return of ? InnermostOf(static_cast<int32_t>(*of), *inode, inode) : grpc::Status::OK;
}

grpc::Status PidTranslation::Learn(uint64_t* inode) {
  if (!inode_) {
    uint64_t learnt = 0;
    if (const grpc::Status status = LearnAnew(&learnt); !status.ok()) return status;
    inode_ = learnt;
  }
  *inode = *inode_;
  return grpc::Status::OK;
}

grpc::Status PidTranslation::Begin(const Ids& ids, uint64_t* inode, bool* needed) {
  *needed = false;
  const bool refused_anyway = IsTooLong(ids) || std::any_of(ids.begin(), ids.end(), [](int32_t id) { return id < 1; });
  if (ids.empty() || refused_anyway) return grpc::Status::OK;
  if (const grpc::Status status = Learn(inode); !status.ok()) return status;
  *needed = *inode != 0;
  return grpc::Status::OK;
}

grpc::Status PidTranslation::FindProcesses(uint64_t inode, const Numbers& numbers, Translated* found) {
  const absl::StatusOr<PidNamespaces::Search> search = core_.namespaces->FindProcesses(inode, numbers);
  if (!search.ok()) return ToGrpcStatus(search.status());
  for (const int32_t number : numbers) {
    if (search->pids.contains(number)) continue;
    return search->namespace_seen ? NoSuchProcess(inode, number, search->unread_count) : NoSuchNamespace(inode, search->unread_count);
  }
  *found = search->pids;
  return grpc::Status::OK;
}

grpc::Status PidTranslation::Processes(Ids* pids) {
  uint64_t inode = 0;
  bool needed = false;
  if (const grpc::Status status = Begin(*pids, &inode, &needed); !status.ok() || !needed) return status;
  Translated found;
  if (const grpc::Status status = FindProcesses(inode, {pids->begin(), pids->end()}, &found); !status.ok()) return status;
  Replace(found, pids);
  return grpc::Status::OK;
}

// What became of a number that no target has.
grpc::Status PidTranslation::WhyNoTarget(uint64_t inode, int32_t number) {
  Translated found;
  if (const grpc::Status status = FindProcesses(inode, {number}, &found); !status.ok()) return status;
  // Who named the namespace by a process of it has to do so again.
  const std::optional<uint64_t> of = NumberOf(context_, kNamespaceOfKey);
  const std::string naming = of ? absl::StrCat("--pid-namespace ", *of, " ") : "";
  return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_TARGET",
                   absl::StrCat("process ", number, " of the pid namespace ", inode, " (", found.at(number),
                                " in the initial one) is not a target: watch it with `hftmon ", naming, "attach ", number,
                                "`, or see `hftmon targets`"));
}

grpc::Status PidTranslation::TargetPids(Ids* pids) {
  uint64_t inode = 0;
  bool needed = false;
  if (const grpc::Status status = Begin(*pids, &inode, &needed); !status.ok() || !needed) return status;
  const Numbers wanted(pids->begin(), pids->end());
  Translated living;
  Translated ended;  // a number of theirs may be a living one's by now
  for (const TargetInfo& target : core_.targets->List()) {
    const std::optional<size_t> level = LevelWithin(target, inode);
    if (!level || !wanted.contains(target.pid_levels[*level].number)) continue;
    (target.state == TargetState::kEnded ? ended : living)[target.pid_levels[*level].number] = target.pid;
  }
  living.merge(ended);
  for (const int32_t number : wanted) {
    if (!living.contains(number)) return WhyNoTarget(inode, number);
  }
  Replace(living, pids);
  return grpc::Status::OK;
}

grpc::Status PidTranslation::Threads(const Ids& pids, Ids* tids) {
  uint64_t inode = 0;
  bool needed = false;
  if (const grpc::Status status = Begin(*tids, &inode, &needed); !status.ok() || !needed) return status;
  const std::set<uint32_t> among(pids.begin(), pids.end());
  Numbers missing(tids->begin(), tids->end());
  Translated found;
  const auto take = [&](int32_t number, uint32_t tid) {
    if (missing.erase(number) > 0) found[number] = tid;
  };
  std::vector<TargetInfo> targets = core_.targets->List();
  std::erase_if(targets, [&](const TargetInfo& target) {
    return (!among.empty() && !among.contains(target.pid)) || !LevelWithin(target, inode).has_value();
  });
  // A main thread has its process's number: no file is read for it. The number of one that ended may be any living thread's by now.
  const auto ended =
      std::stable_partition(targets.begin(), targets.end(), [](const TargetInfo& target) { return target.state != TargetState::kEnded; });
  const auto take_main = [&](const TargetInfo& target) { take(target.pid_levels[*LevelWithin(target, inode)].number, target.pid); };
  std::for_each(targets.begin(), ended, take_main);
  for (auto living = targets.begin(); living != ended && !missing.empty(); ++living) {
    const TargetInfo& target = *living;
    for (const auto& [number, tid] : core_.namespaces->FindThreads(target.pid, *LevelWithin(target, inode), missing)) take(number, tid);
  }
  std::for_each(ended, targets.end(), take_main);
  if (!missing.empty()) {
    return RichError(grpc::StatusCode::NOT_FOUND, "NOT_A_THREAD",
                     absl::StrCat("thread ", *missing.begin(), " of the pid namespace ", inode,
                                  " is no living thread of the targets asked for: without -t they are listed with both numbers"));
  }
  Replace(found, tids);
  return grpc::Status::OK;
}

}  // namespace hftmon
