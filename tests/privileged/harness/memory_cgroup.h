// MemoryCgroup: a memory cgroup with a limit, gone with the object (when nobody is in it any more).
#ifndef HFTMON_TESTS_PRIVILEGED_HARNESS_MEMORY_CGROUP_H_
#define HFTMON_TESTS_PRIVILEGED_HARNESS_MEMORY_CGROUP_H_

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace hftmon::testing {

class MemoryCgroup {
 public:
  explicit MemoryCgroup(uint64_t limit_bytes) {
    static int count = 0;
    for (const std::string root : {"/sys/fs/cgroup/memory", "/sys/fs/cgroup"}) {
      const std::string folder = root + "/hftmon-test-" + std::to_string(getpid()) + "-" + std::to_string(++count);
      if (mkdir(folder.c_str(), 0755) != 0) continue;
      for (const char* limit : {"/memory.limit_in_bytes", "/memory.max"}) {
        if (std::filesystem::exists(folder + limit) && (std::ofstream(folder + limit) << limit_bytes).flush()) folder_ = folder;
      }
      if (!folder_.empty()) return;
      rmdir(folder.c_str());
    }
  }
  ~MemoryCgroup() {
    if (!folder_.empty()) rmdir(folder_.c_str());
  }
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;

  const std::string& folder() const { return folder_; }  // empty: it could not be made

 private:
  std::string folder_;
};

}  // namespace hftmon::testing

#endif  // HFTMON_TESTS_PRIVILEGED_HARNESS_MEMORY_CGROUP_H_
