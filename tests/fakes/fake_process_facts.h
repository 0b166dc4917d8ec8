// FakeProcessFacts: cgroups and commands that the test makes up. Threads: any.
#ifndef HFTMON_TESTS_FAKES_FAKE_PROCESS_FACTS_H_
#define HFTMON_TESTS_FAKES_FAKE_PROCESS_FACTS_H_

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "daemon/control/process_facts.h"

namespace hftmon {

class FakeProcessFacts : public ProcessFacts {
 public:
  void Move(uint32_t pid, const std::string& cgroup) {
    std::lock_guard lock(mutex_);
    cgroup_of_[pid] = cgroup;
  }
  void SetCommand(uint32_t pid, const std::string& command) {
    std::lock_guard lock(mutex_);
    command_of_[pid] = command;
  }

  // "/" unless it was moved.
  std::vector<std::string> CgroupsOf(uint32_t pid) const override {
    std::lock_guard lock(mutex_);
    ++reads_;
    const auto cgroup = cgroup_of_.find(pid);
    return {cgroup == cgroup_of_.end() ? "/" : cgroup->second};
  }
  std::string CommandOf(uint32_t pid) const override {
    std::lock_guard lock(mutex_);
    const auto command = command_of_.find(pid);
    return command == command_of_.end() ? "" : command->second;
  }
  void SetLevels(uint32_t pid, const PidLevels& levels) {
    std::lock_guard lock(mutex_);
    levels_of_[pid] = levels;
  }
  PidLevels LevelsOf(uint32_t pid) const override {
    std::lock_guard lock(mutex_);
    const auto levels = levels_of_.find(pid);
    return levels == levels_of_.end() ? PidLevels{} : levels->second;
  }
  int reads() const {
    std::lock_guard lock(mutex_);
    return reads_;
  }

 private:
  mutable std::mutex mutex_;
  mutable int reads_ = 0;
  std::map<uint32_t, std::string> cgroup_of_;
  std::map<uint32_t, std::string> command_of_;
  std::map<uint32_t, PidLevels> levels_of_;
};

}  // namespace hftmon

#endif  // HFTMON_TESTS_FAKES_FAKE_PROCESS_FACTS_H_
