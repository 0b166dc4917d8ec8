#include "daemon/os/task_priority.h"

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace hftmon {
namespace {

// Fields of /proc/PID/stat as proc(5) numbers them. The name, the second, may hold spaces and parentheses; the third follows its last one.
constexpr size_t kFirstField = 3;
constexpr size_t kPriorityField = 18;
constexpr size_t kPolicyField = 41;
constexpr int32_t kPriorityBase = 100;  // the kernel tells its priority less MAX_RT_PRIO

}  // namespace

absl::StatusOr<TaskPriority> ParseTaskPriority(std::string_view stat) {
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return absl::InvalidArgumentError("stat of a thread: it holds no name");
  const std::string rest(stat.substr(name_end + 1));
  const std::vector<std::string> fields = absl::StrSplit(rest, ' ', absl::SkipWhitespace());
  TaskPriority task;
  if (fields.size() <= kPolicyField - kFirstField || !absl::SimpleAtoi(fields[kPriorityField - kFirstField], &task.priority) ||
      !absl::SimpleAtoi(fields[kPolicyField - kFirstField], &task.policy)) {
    return absl::InvalidArgumentError("stat of a thread: its fields 18 and 41 (priority, policy) are not numbers");
  }
  task.priority += kPriorityBase;
  return task;
}

absl::StatusOr<TaskPriority> ReadTaskPriority(const FileRoot& files, uint32_t pid, uint32_t tid) {
  const absl::StatusOr<std::string> text = files.ReadFile(absl::StrCat("/proc/", pid, "/task/", tid, "/stat"));
  if (!text.ok()) return text.status();
  return ParseTaskPriority(*text);
}

}  // namespace hftmon
